"""Health checks that cost a tenth of a second, where Airflow's and Celery's own commands take 2 to 16.

`http URL`: it answers well. `job TYPE`: this container's component of Airflow has beaten its heart in the database
within a minute. `beat FILE SECONDS`: the file is no older than that. `backups`: since there is a recovery key, each
council's files were copied within two hours, the database within 26, and what was copied was whole.
"""

import json
import os
import socket
import sys
import time
from datetime import datetime

WITHIN = 60
FILES_WITHIN, DATABASE_WITHIN = 2 * 3600, 26 * 3600
PLACE, STATE = "/srv/backups", "/srv/family-exchange"


def http(url: str) -> bool:
    """True when the address answers with 2xx and, where it speaks of health, is healthy."""
    from urllib.request import urlopen

    with urlopen(url, timeout=4) as answer:
        return b'"unhealthy"' not in answer.read()


def job(kind: str) -> bool:
    """True when a job of that type runs here and was heard of lately."""
    import psycopg2

    url = os.environ.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN") or _secret("airflow_db_url")
    with psycopg2.connect(url.replace("+psycopg2", ""), connect_timeout=3) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM job WHERE job_type = %s AND hostname = %s AND state = 'running'"
            " AND latest_heartbeat > now() - make_interval(secs => %s)",
            (kind, socket.getfqdn(), WITHIN),
        )
        return bool(cursor.fetchone()[0])


def _secret(name: str) -> str:
    with open(f"/run/secrets/{name}") as secret:
        return secret.read().strip()


def beat(file: str, seconds: str) -> bool:
    """True when the file was touched that lately."""
    return time.time() - os.stat(file).st_mtime < float(seconds)


def backups() -> bool:
    """True when every council's newest backup is as young as it should be; a new recovery key gives time for one."""
    councils = os.environ["AIRFLOW__FAMILY_EXCHANGE__COUNCILS"].split(",")
    folders = [f"{STATE}/{council.strip()}/backups" for council in councils]
    try:
        since = os.stat(f"{PLACE}/recovery.asc").st_mtime
    except FileNotFoundError:
        return not any(os.path.exists(f"{folder}/place.json") for folder in folders)  # it was there: a disk is away
    return time.time() - since < FILES_WITHIN or all(map(_is_kept, folders))


def _is_kept(folder: str) -> bool:
    with open(f"{folder}/last.json") as last, open(f"{folder}/looked.json") as looked:
        newest, wrong = json.load(last), json.load(looked)["wrong"]
    ages = [time.time() - datetime.fromisoformat(newest[name]).timestamp() for name in ("taken_at", "database_at")]
    return ages[0] < FILES_WITHIN and ages[1] < DATABASE_WITHIN and not wrong


if __name__ == "__main__":
    _, check, *arguments = sys.argv
    sys.exit(0 if {"http": http, "job": job, "beat": beat, "backups": backups}[check](*arguments) else 1)
