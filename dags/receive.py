"""Take in what partners left: fetch, open the seal, check against the contract, stage, answer the partner.

A changed drop zone rings the bell; the ledger says which files wait. A refused file is a result, not a failure: it is
in the ledger with its reason, and the partner has a receipt. Clearing any task is harmless: what is done stays done.
"""

from datetime import UTC, datetime

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task_group
from airflow.sdk.exceptions import AirflowSkipException

from family_exchange.domain.profile import Profile
from family_exchange.orchestration import assets, councils, defaults, events
from family_exchange.orchestration.boundary import step
from family_exchange.orchestration.connections import doors


def receive_files(profile: Profile, feed: str) -> None:
    """Make `receive_<council>_<feed>`."""
    council = profile.council
    landing, staged = assets.landing(profile, feed), assets.feed(council, feed)
    tags = ["receive", council]
    with DAG(f"receive_{council}_{feed}", schedule=[landing], tags=tags, doc_md=__doc__, **defaults.DAG):

        @step()
        def find_files() -> list[str]:
            from family_exchange.stages import receive

            return receive.find(doors(council), feed)

        @step()
        def take_in(file_id: str) -> str:
            from family_exchange.stages import intake

            intake.take_in(doors(council), file_id, at=datetime.now(UTC))
            return file_id

        @step()
        def answer_partner(file_id: str) -> str:
            from family_exchange.stages import acknowledge

            acknowledge.partner(doors(council), file_id)
            return file_id

        @step(inlets=[landing], outlets=[staged], trigger_rule="all_done_min_one_success")
        def publish(file_ids: list[str], *, outlet_events) -> None:
            if not (told := events.of_files(doors(council), list(file_ids)))["counts"]["applied"]:
                raise AirflowSkipException("no file was accepted: the register has nothing new to read")
            outlet_events[staged].extra = told

        each_file = task_group(group_id="each_file")(lambda file_id: answer_partner(take_in(file_id)))
        file_ids = find_files()
        answered = each_file.expand(file_id=file_ids)
        answered >> [publish(file_ids), EmptyOperator(task_id="no_file_failed", trigger_rule="none_failed")]


for sound in councils.sound():
    for name in sound.active_feeds:
        receive_files(sound, name)
