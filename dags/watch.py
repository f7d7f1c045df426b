"""Look every quarter of an hour whether anything needs a person, and write to whoever chases it.

It asks the calendars and the ledger: a file that has not come is missed even when nothing ever ran. Each thing is said
once, however often this runs. A red `verify_audit` means that the audit chain does not hold: see the runbook at once.
What stands is measured too, after each look, by Airflow's own metrics.
"""

from datetime import UTC, datetime

from airflow.sdk import DAG, CronTriggerTimetable, TriggerRule

from family_exchange.domain.profile import Profile
from family_exchange.orchestration import councils, defaults, mail, metrics
from family_exchange.orchestration.boundary import step
from family_exchange.orchestration.connections import doors


def watch_council(profile: Profile) -> None:
    """Make `watch_<council>`."""
    council, tags = profile.council, ["watch", profile.council]
    quarters = CronTriggerTimetable("*/15 * * * *", timezone="Europe/London")
    again_soon = defaults.DAG | {"default_args": defaults.DAG["default_args"] | {"retries": 2}}  # the next run is near
    with DAG(f"watch_{council}", schedule=quarters, tags=tags, doc_md=__doc__, **again_soon):

        @step()
        def look() -> dict[str, int]:
            from family_exchange.stages import watch

            return watch.look(doors(council), at=datetime.now(UTC))

        @step()
        def send() -> dict[str, int]:
            return mail.send(doors(council))

        @step()
        def verify_audit() -> dict[str, int]:
            from family_exchange.stages import watch

            return watch.guard(doors(council))

        @step(trigger_rule=TriggerRule.ALL_DONE)
        def measure() -> dict[str, int]:
            return metrics.emit(doors(council), at=datetime.now(UTC))

        look() >> [send(), measure()]
        verify_audit()


for sound in councils.sound():
    watch_council(sound)
