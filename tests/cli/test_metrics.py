"""`family-exchange metrics`, as a person or a timer calls it."""

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.council import council, recipient_server, rings
from support.watched import asking

__all__ = ["council", "recipient_server", "rings"]


@pytest.fixture
def asked(council):
    """Ask with these words about the council."""
    return asking(council, "metrics")


def test_it_prints_what_prometheus_reads_and_json_says_the_same(asked):
    plain, listed = asked(), asked("--json")
    assert (plain.returncode, listed.returncode) == (0, 0), plain.stderr + listed.stderr
    families = {family.name for family in text_string_to_metric_families(plain.stdout)}
    assert {"family_exchange_files", "family_exchange_rows", "family_exchange_receipt_seconds"} <= families
    series = {(one["metric"], tuple(sorted(one["labels"].items()))) for one in json.loads(listed.stdout)}
    samples = [sample for family in text_string_to_metric_families(plain.stdout) for sample in family.samples]
    assert {(sample.name, tuple(sorted(sample.labels.items()))) for sample in samples} == series


def test_a_file_is_replaced_whole_and_others_may_read_it(asked, tmp_path):
    file = tmp_path / "textfile" / "council.prom"
    file.parent.mkdir()
    file.write_text("half of it")
    answer = asked("--out", str(file))
    assert answer.returncode == 0, answer.stderr
    assert "series written to" in answer.stdout
    assert list(text_string_to_metric_families(file.read_text()))
    assert file.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in file.parent.iterdir()] == [file.name]
