"""Take in what partners left: fetch, open the seal, check against the contract, stage, answer the partner.

A changed drop zone or a decision rings the bell; the ledger says which files wait. A refused file is a result.
"""

from datetime import UTC, datetime

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task_group

from family_exchange.domain.profile import Profile
from family_exchange.orchestration import assets, councils, defaults, pools, queues, receiving
from family_exchange.orchestration.boundary import step
from family_exchange.orchestration.connections import doors


def receive_files(profile: Profile, feed: str) -> None:
    """Make `receive_<council>_<feed>`."""
    council, landing = profile.council, assets.landing(profile, feed)
    held, released, staged = assets.held_files(council), assets.released_files(council), assets.feed(council, feed)
    how = defaults.DAG | {"tags": ["receive", council], "doc_md": __doc__}
    with DAG(f"receive_{council}_{feed}", schedule=landing | released, **how):

        @step(pool=pools.drop_zone(council))
        def find_files() -> list[str]:
            from family_exchange.stages import receive

            return receive.find(doors(council), feed)

        @step(queue=queues.CRYPTO, pool=pools.drop_zone(council))
        def take_in(file_id: str) -> str:
            from family_exchange.stages import intake

            intake.take_in(doors(council), file_id, at=datetime.now(UTC))
            return file_id

        @step(queue=queues.CRYPTO, pool=pools.drop_zone(council))
        def answer_partner(file_id: str) -> str:
            from family_exchange.stages import acknowledge

            acknowledge.partner(doors(council), file_id)
            return file_id

        @step(inlets=[landing, released], outlets=[staged], trigger_rule="all_done_min_one_success")
        def publish(file_ids: list[str], *, outlet_events) -> None:
            outlet_events[staged].extra = receiving.applied(doors(council), list(file_ids))

        @step(inlets=[landing], outlets=[held], trigger_rule="all_done_min_one_success")
        def hold(file_ids: list[str], *, outlet_events) -> None:
            outlet_events[held].extra = receiving.held(doors(council), list(file_ids))

        each_file = task_group(group_id="each_file")(lambda file_id: answer_partner(take_in(file_id)))
        answered = each_file.expand(file_id=(file_ids := find_files()))
        no_file_failed = EmptyOperator(task_id="no_file_failed", trigger_rule="none_failed")
        answered >> [publish(file_ids), hold(file_ids), no_file_failed]


for sound in councils.sound():
    for name in sound.active_feeds:
        receive_files(sound, name)
