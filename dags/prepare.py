"""Prepare a return of the newest closed period: freeze its rows, check them, have people sign it off, seal it.

The end of a period starts it, and so do decisions that were made since; a return that is sealed already is left as it
is. Different people must sign off. Clearing a question asks it again; the recorded sign-offs and the seal stay.
"""

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable

from family_exchange.domain.profile import Profile
from family_exchange.orchestration import assets, councils, defaults, events, preparing, queues
from family_exchange.orchestration.boundary import step
from family_exchange.orchestration.connections import doors


def prepare_return(profile: Profile, code: str) -> None:
    """Make `prepare_<council>_<code>`."""
    council, sealed = profile.council, assets.sealed_return(profile.council, code)
    sources = [assets.family_register(council), assets.decisions(council)]
    period_ends = CronTriggerTimetable(preparing.cron(profile, code), timezone="Europe/London")
    schedule = AssetOrTimeSchedule(timetable=period_ends, assets=sources)
    with DAG(f"prepare_{council}_{code}", schedule=schedule, tags=["return", council], doc_md=__doc__, **defaults.DAG):

        @step(queue=queues.RETURNS)
        def assemble_return(*, dag_run) -> str:
            return preparing.open_return(doors(council), code, today=defaults.day_of(dag_run))

        @step(queue=queues.RETURNS)
        def check(return_id: str) -> dict[str, int]:
            return preparing.checked(doors(council), return_id)

        @step()
        def record_sign_offs(return_id: str, people: list[str]) -> None:
            from family_exchange.stages import assemble

            for person in people:
                assemble.sign_off(doors(council), return_id, by=person)

        @step(queue=queues.CRYPTO, inlets=sources, outlets=[sealed])
        def seal(return_id: str, *, outlet_events) -> str:
            from family_exchange.stages import assemble

            assemble.seal(doors(council), return_id)
            outlet_events[sealed].extra = told = events.of_return(doors(council), return_id)
            outlet_events[sealed].add_partitions(told["period"])
            return return_id

        return_id = assemble_return()
        asked = preparing.sign_offs(profile, code)
        signed = record_sign_offs(return_id, [question.output for question in asked])
        check(return_id) >> asked[0]
        signed >> seal(return_id)


for sound in councils.sound():
    for each in councils.returns(sound):
        prepare_return(sound, each)
