"""Send sealed returns and wait for the recipient's receipt.

A sealed return rings the bell; its period is the partition. A run takes the return that rang and those of the period
that are sealed and that nobody sends; one that a person starts takes all of the period that are on their way. What the
recipient has is not sent again, and what it holds under a final name never changes. Runs may overlap: each return has
its own lock, and one that waits for its receipt keeps no other back.
"""

from airflow.sdk import DAG, PartitionedAssetTimetable, PokeReturnValue, task_group
from airflow.sdk.exceptions import AirflowSkipException

from family_exchange.domain.profile import Profile
from family_exchange.orchestration import assets, councils, defaults, delivering, events, pools
from family_exchange.orchestration.boundary import step, wait
from family_exchange.orchestration.connections import doors


def deliver_returns(profile: Profile) -> None:
    """Make `deliver_<council>_returns`."""
    council, sealed = profile.council, assets.sealed_returns(profile)
    delivered, tags = assets.delivered_return(council), ["return", council]
    schedule = PartitionedAssetTimetable(assets=assets.any_of(sealed))
    overlapping = defaults.DAG | {"max_active_runs": 8}
    with DAG(f"deliver_{council}_returns", schedule=schedule, tags=tags, doc_md=__doc__, **overlapping):

        @step()
        def sealed_returns(*, dag_run, triggering_asset_events) -> list[str]:
            rung_for = events.ids_of(triggering_asset_events)
            if not (ids := delivering.to_deliver(doors(council), period=dag_run.partition_key, rung_for=rung_for)):
                raise AirflowSkipException("no return of this period is on its way")
            return ids

        @step(pool=pools.recipient(council))
        def send(return_id: str) -> str:
            from family_exchange.stages import deliver

            deliver.send(doors(council), return_id)
            return return_id

        @wait(
            pool=pools.recipient(council),
            poke_interval=defaults.poll_seconds(),
            timeout=defaults.RECEIPT_WITHIN,
            inlets=sealed,
            outlets=[delivered],
        )
        def await_receipt(return_id: str, *, outlet_events) -> PokeReturnValue:
            if not delivering.acknowledged(doors(council), return_id):
                return PokeReturnValue(is_done=False)
            outlet_events[delivered].extra = told = events.of_return(doors(council), return_id)
            outlet_events[delivered].add_partitions(told["period"])
            return PokeReturnValue(is_done=True, xcom_value=return_id)

        each_return = task_group(group_id="each_return")(lambda return_id: await_receipt(send(return_id)))
        each_return.expand(return_id=sealed_returns())


for sound in councils.sound():
    if councils.returns(sound):
        deliver_returns(sound)
