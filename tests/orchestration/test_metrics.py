"""A council's metrics leave by Airflow's own way: over OTLP to a real receiver, and as a file."""

import atexit
import gzip
import os
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from airflow.sdk._shared.observability.metrics.otel_logger import flush_otel_metrics
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils
from opentelemetry import metrics as otel
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from family_exchange.orchestration import metrics
from family_exchange.stages import measure
from support.council import council, recipient_server, rings

__all__ = ["council", "recipient_server", "rings"]

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
PATIENCE = "120"
"""Seconds that the receiver may take on a machine that has much else to do."""


@contextmanager
def collector():
    """A receiver of OTLP over HTTP; yields its address and the points that have come: name, labels, value."""
    points = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        for point in metric.gauge.data_points:
                            labels = frozenset((each.key, each.value.string_value) for each in point.attributes)
                            points.append((metric.name, labels, point.as_double or float(point.as_int)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/metrics", points
    finally:
        server.shutdown()
        server.server_close()


TASK = """
import os, socket
from airflow.sdk.execution_time import supervisor
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils

def begin():
    stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)

def task():
    begin()
    stats.gauge("family_exchange_closed", 1.0, tags={"council": "c"})

begin()
stats.gauge("family_exchange_closed", 0.0, tags={"council": "worker"})  # a worker has its own before it forks
pairs = [socket.socketpair() for _ in range(3)]
child = os.fork()
if not child:
    supervisor._fork_main(*(theirs for _, theirs in pairs), 0, task)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
"""A worker that forks a task, as Airflow's supervisor does, and ends at once without telling anything itself."""


def test_what_a_task_told_is_sent_when_its_process_ends(tmp_path):
    (tmp_path / "airflow.cfg").touch()
    with collector() as (address, points):
        settings = {
            "AIRFLOW_HOME": str(tmp_path),
            "AIRFLOW__METRICS__OTEL_ON": "True",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": address,
            "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": PATIENCE,
        }
        ran = subprocess.run(
            [sys.executable, "-c", TASK], env=os.environ | settings, capture_output=True, text=True, check=False,
            timeout=900,
        )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ("airflow.family_exchange_closed", frozenset({("council", "c")}), 1.0) in points


@pytest.fixture
def received(monkeypatch):
    """Airflow's statistics go to a collector, as the settings of an installation say, and as its task runner begins."""
    with collector() as (address, points):
        monkeypatch.setenv("AIRFLOW__METRICS__OTEL_ON", "True")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", address)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", PATIENCE)
        stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
        yield points
        atexit.unregister(flush_otel_metrics)
        otel.get_meter_provider().shutdown()
        monkeypatch.delenv("AIRFLOW__METRICS__OTEL_ON")
        stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)


def test_every_reading_arrives_at_a_collector_with_its_labels_and_its_value(council, received):
    told = metrics.emit(council.doors, at=AT)
    otel.get_meter_provider().force_flush(1000 * int(PATIENCE))
    readings = [one for one in measure.council(council.doors, at=AT) if not one.metric.endswith(("_bytes", "_ratio"))]
    arrived = {(name.removeprefix("airflow."), labels): value for name, labels, value in received}
    assert told["series"] == len(arrived)
    assert {(one.series, frozenset(one.labels)): one.value for one in readings}.items() <= arrived.items()
    assert len(readings) > 400


def test_with_a_folder_the_same_readings_are_in_a_file_that_a_node_exporter_may_read(council, monkeypatch, tmp_path):
    folder = tmp_path / "textfile"
    monkeypatch.setenv("AIRFLOW__FAMILY_EXCHANGE__METRICS_FOLDER", str(folder))
    told = metrics.emit(council.doors, at=AT)
    (file,) = folder.iterdir()
    assert file.name == f"family_exchange_{council.doors.profile.council}.prom"
    assert file.stat().st_mode & 0o777 == 0o644
    assert sum(len(family.samples) for family in text_string_to_metric_families(file.read_text())) == told["series"]


def test_without_a_way_out_it_only_looks(council, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert metrics.emit(council.doors, at=AT)["series"] > 0
    assert list(tmp_path.glob("*.prom")) == []
