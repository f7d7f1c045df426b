"""Put files in quarantine that people may let in before two of them, and record what each says.

Each sees ids, counts and rules, and whoever spoke before; `family-exchange files show` tells more. Two different people
must say the same, so that a third decides between two. Clearing a question asks it again; what was recorded stays.
"""

from airflow.sdk import DAG, task_group

from family_exchange.domain.profile import Profile
from family_exchange.orchestration import assets, councils, defaults, releasing
from family_exchange.orchestration.boundary import step
from family_exchange.orchestration.connections import doors
from family_exchange.orchestration.sign_off import Voice


def release_files(profile: Profile) -> None:
    """Make `release_<council>_files`."""
    council, tags = profile.council, ["receive", "person", profile.council]
    held, released = assets.held_files(council), assets.released_files(council)
    overlapping = defaults.DAG | {"max_active_runs": 8}  # a file that waits for people keeps no other back
    with DAG(f"release_{council}_files", schedule=[held], tags=tags, doc_md=__doc__, **overlapping):

        @step(inlets=[held])
        def held_files(*, triggering_asset_events) -> list[str]:
            return releasing.cases(doors(council), triggering_asset_events)

        @step()
        def look(case: str) -> str:
            return releasing.words(doors(council), case)

        @step(inlets=[held], outlets=[released])
        def record(case: str, answer: list[str], *, outlet_events) -> str:
            state = releasing.recorded(doors(council), case, list(answer))
            outlet_events[released].extra = releasing.told(doors(council), case, state)
            return state

        @task_group(group_id="each_file")
        def each_file(case: str) -> None:
            voices, before = [], None
            for ordinal in releasing.ORDINALS:
                seen = look.override(task_id=f"{ordinal}_look")(case)
                subject = f"{ordinal.capitalize()} person: release or reject a file of {profile.name}"
                others = [voice.output for voice in voices]
                voice = Voice(task_id=f"{ordinal}_voice", subject=subject, body=seen, others=others)
                if before is not None:
                    before >> seen
                before = record.override(task_id=f"{ordinal}_record")(case, voice.output)
                voices.append(voice)

        each_file.expand(case=held_files())


for sound in councils.sound():
    release_files(sound)
