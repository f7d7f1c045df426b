"""Put the open proposals before a named person, and record what that person decides.

The person sees counts and ids; `family-exchange proposal show` tells why each family is proposed. Clearing the
question asks it again; what was decided stays decided, and what was taken back since stays taken back.
"""

from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException

from family_exchange.domain.profile import Profile
from family_exchange.orchestration import answers, assets, councils, defaults, events
from family_exchange.orchestration.boundary import step
from family_exchange.orchestration.connections import doors
from family_exchange.orchestration.sign_off import Decide

BODY = """{% set ids = ti.xcom_pull(task_ids="open_proposals") %}
**{{ ids | length }}** families are proposed. The decision is yours; nothing happens to a family without it.

{{ ids[:20] | join(", ") }}{{ " …" if ids | length > 20 }}
"""


def decide_proposals(profile: Profile) -> None:
    """Make `decide_<council>_proposals`."""
    council = profile.council
    proposed, decided = assets.proposals(council), assets.decisions(council)
    dag_id, tags = f"decide_{council}_proposals", ["register", "person", council]
    with DAG(dag_id, schedule=[proposed], tags=tags, doc_md=__doc__, **defaults.DAG):

        @step()
        def open_proposals() -> list[str]:
            from family_exchange.stages import propose

            if not (ids := propose.open_proposals(doors(council))):
                raise AirflowSkipException("no proposal is open")
            return ids

        @step(inlets=[proposed], outlets=[decided])
        def record(ids: list[str], answer: list[str], *, dag_run, outlet_events) -> None:
            from family_exchange.stages import propose

            if (said := answers.read(answer, asked=dag_run.run_after)) is None:
                raise AirflowSkipException("the proposals stay open")
            number = propose.decide(doors(council), list(ids), on=defaults.day_of(dag_run), **said)
            outlet_events[decided].extra = events.of_counts(doors(council), {"decided": number}, ids)

        ids = open_proposals()
        decide = Decide(task_id="decide", subject=f"Decide the open proposals of {profile.name}", body=BODY)
        record(ids, decide.output) << decide << ids


for sound in councils.sound():
    decide_proposals(sound)
