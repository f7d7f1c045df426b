"""What most tasks import: an executor or a worker imports it once, before it forks the processes that run tasks.

What was imported before a fork costs a task nothing: no seconds, and no memory. Great Expectations alone costs
seconds in every process that imports it.
"""

SHARED = (
    "airflow.providers.standard.operators.hitl",
    "airflow.providers.standard.sensors.python",
    "family_exchange.orchestration.assets",
    "family_exchange.orchestration.delivering",
    "family_exchange.orchestration.events",
    "family_exchange.orchestration.preparing",
    "family_exchange.stages.acknowledge",
    "family_exchange.stages.deliver",
    "family_exchange.stages.intake",
    "family_exchange.stages.propose",
    "family_exchange.stages.purge",
    "great_expectations",
    "paramiko",
    "psycopg",
    "splink",
)
"""Not polars: its threads do not live through a fork."""
