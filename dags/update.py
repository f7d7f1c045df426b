"""Bring the family register up to date: match people, form families, weigh evidence, propose.

Any feed rings the bell; the stages take every accepted file that the register has not read yet, so a missed or a
repeated run does no harm. A proposal is decision support: a named person decides it in `decide_<council>_proposals`.
"""

from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException

from family_exchange.domain.profile import Profile
from family_exchange.orchestration import assets, councils, defaults, events, queues
from family_exchange.orchestration.boundary import step
from family_exchange.orchestration.connections import doors


def update_register(profile: Profile) -> None:
    """Make `update_<council>_register`."""
    council, feeds = profile.council, assets.feeds(profile)
    registered, proposed = assets.family_register(council), assets.proposals(council)
    schedule, tags = assets.any_of(feeds), ["register", council]
    with DAG(f"update_{council}_register", schedule=schedule, tags=tags, doc_md=__doc__, **defaults.DAG):

        @step(queue=queues.MATCHING)
        def match_people() -> dict[str, int]:
            from family_exchange.stages import match

            return match.people(doors(council))

        @step(queue=queues.MATCHING, inlets=feeds, outlets=[registered])
        def register_families(*, dag_run, outlet_events) -> dict[str, int]:
            from family_exchange.stages import register

            counts = register.families(doors(council), today=defaults.day_of(dag_run))
            outlet_events[registered].extra = events.of_counts(doors(council), counts)
            return counts

        @step(queue=queues.MATCHING, inlets=[registered], outlets=[proposed])
        def propose_families(*, dag_run, outlet_events) -> dict[str, int]:
            from family_exchange.stages import propose

            counts = propose.families(doors(council), today=defaults.day_of(dag_run))
            if not (waiting := propose.open_proposals(doors(council))):
                raise AirflowSkipException("no proposal is open")
            outlet_events[proposed].extra = events.of_counts(doors(council), counts, waiting)
            return counts

        match_people() >> register_families() >> propose_families()


for sound in councils.sound():
    if sound.active_feeds:
        update_register(sound)
