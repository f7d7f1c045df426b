"""Makes no Dag: it tells Airflow's import errors what is wrong with a profile, contract, framework or return.

The other files leave a broken council out, so one mistake never hides another council's Dags.
"""

from family_exchange.orchestration import councils

councils.refuse_broken()
