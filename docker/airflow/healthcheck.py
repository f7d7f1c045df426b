"""Health checks that cost a tenth of a second, where Airflow's and Celery's own commands take 2 to 16.

`http URL`: it answers well. `job TYPE`: this container's component of Airflow has beaten its heart in the database
within a minute. `beat FILE SECONDS`: the file is no older than that.
"""

import os
import socket
import sys
import time

WITHIN = 60


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


if __name__ == "__main__":
    _, check, *arguments = sys.argv
    sys.exit(0 if {"http": http, "job": job, "beat": beat}[check](*arguments) else 1)
