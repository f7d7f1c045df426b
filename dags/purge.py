"""Destroy what may no longer be kept: plan, have a named person approve, destroy, certify.

Runs every morning; on a day when nothing is due nobody is asked. Clearing a task destroys nothing that the approved
plan does not list, and the certificate stays the one that was issued.
"""

from airflow.sdk import DAG, CronTriggerTimetable
from airflow.sdk.exceptions import AirflowSkipException

from family_exchange.domain.profile import Profile
from family_exchange.orchestration import assets, councils, defaults, events, pools
from family_exchange.orchestration.boundary import step
from family_exchange.orchestration.connections import doors
from family_exchange.orchestration.sign_off import PURGE, SignOff


def purge_council(profile: Profile) -> None:
    """Make `purge_<council>`."""
    council = profile.council
    registered, proof = assets.family_register(council), assets.destruction_certificate(council)
    mornings, tags = CronTriggerTimetable("0 5 * * *", timezone="Europe/London"), ["retention", "person", council]
    with DAG(f"purge_{council}", schedule=mornings, tags=tags, doc_md=__doc__, **defaults.DAG):

        @step()
        def plan(*, dag_run, ti) -> str:
            from family_exchange.stages import purge

            plan_id = purge.plan(doors(council), today=defaults.day_of(dag_run))
            if not any((counts := purge.counts(doors(council), plan_id)).values()):
                raise AirflowSkipException("nothing is due")
            ti.xcom_push(key="counts", value=counts)
            return plan_id

        @step(pool=pools.drop_zone(council))
        def destroy(plan_id: str, person: str, *, dag_run) -> dict[str, int]:
            from family_exchange.stages import purge

            purge.approve(doors(council), plan_id, by=person)
            counts = purge.destroy(doors(council), plan_id)
            purge.follow(doors(council), today=defaults.day_of(dag_run))
            return counts

        @step(pool=pools.drop_zone(council), inlets=[registered], outlets=[proof])
        def certify(plan_id: str, counts: dict[str, int], *, outlet_events) -> str:
            from family_exchange.stages import certificate

            certificate_id = certificate.issue(doors(council), plan_id)
            outlet_events[proof].extra = events.of_counts(doors(council), counts, [certificate_id])
            return certificate_id

        plan_id = plan()
        approve = SignOff(task_id="approve", subject=f"Approve the destruction plan of {profile.name}", body=PURGE)
        plan_id >> approve
        certify(plan_id, destroy(plan_id, approve.output))


for sound in councils.sound():
    purge_council(sound)
