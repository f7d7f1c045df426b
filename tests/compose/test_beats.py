"""What is told of Airflow's own heart, by the program that the profile `monitoring` runs."""

import importlib.util
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

BEAT = "2026-11-22T09:00:00.250000+00:00"
WELL = {
    "metadatabase": {"status": "healthy"},
    "scheduler": {"status": "healthy", "latest_scheduler_heartbeat": BEAT},
    "dag_processor": {"status": "healthy", "latest_dag_processor_heartbeat": BEAT},
    "triggerer": {"status": None, "latest_triggerer_heartbeat": None},
}


@pytest.fixture(scope="module")
def beats():
    file = Path(__file__).parents[2] / "docker" / "airflow" / "beats.py"
    spec = importlib.util.spec_from_file_location("beats", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def airflow(said, status=200):
    """A server that answers so; its address."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def told(folder):
    lines = (folder / "airflow.prom").read_text().splitlines()
    return {line.split('"')[1]: float(line.split()[-1]) for line in lines if not line.startswith("#")}


def test_each_part_of_airflow_is_told_with_its_last_beat_and_one_that_never_beat_as_0(beats, tmp_path):
    with airflow(WELL) as url:
        beats.tell(url, str(tmp_path))
    found = told(tmp_path)
    assert time.time() - found.pop("api_server") < 30
    assert found == {"scheduler": 1795338000.25, "dag_processor": 1795338000.25, "triggerer": 0.0}
    assert [each.name for each in tmp_path.iterdir()] == ["airflow.prom"]
    assert (tmp_path / "airflow.prom").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(("said", "status"), [(WELL, 500), ({}, 200)])
def test_while_airflow_does_not_answer_well_what_was_told_grows_old(beats, tmp_path, said, status):
    (tmp_path / "airflow.prom").write_text("before")
    with airflow(said, status) as url, pytest.raises((OSError, KeyError)):
        beats.tell(url, str(tmp_path))
    assert (tmp_path / "airflow.prom").read_text() == "before"
