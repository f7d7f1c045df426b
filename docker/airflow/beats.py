"""Tells whoever collects metrics when each part of Airflow last beat its heart; for as long as it runs.

`beats.py URL FOLDER` asks Airflow's page of health, which needs no log-in, every half minute, and replaces
`airflow.prom` in the folder whole. While nobody answers well the file stays as it is: what it tells grows old, and that
is what wakes somebody.
"""

import json
import os
import sys
import time
from datetime import datetime
from urllib.request import urlopen

EVERY = 30.0
FILE = "airflow.prom"
METRIC = "airflow_beat_timestamp_seconds"
PARTS = ("scheduler", "dag_processor", "triggerer")


def main(url: str, folder: str) -> None:
    """Never returns."""
    while True:
        try:
            tell(url, folder)
        except (OSError, ValueError, KeyError) as error:
            print(f"beats: Airflow does not tell how it is ({type(error).__name__})", flush=True)
        time.sleep(EVERY)


def tell(url: str, folder: str) -> None:
    """Ask once, and write down what was said.

    Raises:
        OSError: nobody answered, or the folder cannot be written.
        ValueError, KeyError: what was answered is not what Airflow says of itself.
    """
    with urlopen(url, timeout=10) as answer:
        said = json.load(answer)
    beats = {part: _moment(said[part][f"latest_{part}_heartbeat"]) for part in PARTS}
    beats["api_server"] = time.time()
    lines = [
        f"# HELP {METRIC} When a part of Airflow was last heard of, as Unix time; 0: never",
        f"# TYPE {METRIC} gauge",
    ]
    lines += [f'{METRIC}{{component="{part}"}} {moment:.3f}' for part, moment in beats.items()]
    _replace(os.path.join(folder, FILE), "".join(f"{line}\n" for line in lines))


def _moment(text: str | None) -> float:
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def _replace(file: str, text: str) -> None:
    unfinished = f"{file}.new"
    with open(unfinished, "w") as new:
        os.fchmod(new.fileno(), 0o644)
        new.write(text)
    os.rename(unfinished, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
