import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from family_exchange.domain.metrics import ANSWERED_WITHIN, METRICS, Kind, exposition, histogram, reading

CLOSED_LABELS = {
    "council", "partner", "feed", "state", "reason", "outcome", "kind", "code", "owner", "use", "category", "place",
    "store",
}  # fmt: skip
"""Every label that there may be: slugs and words of our own lists; no file, no person, no value."""


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_a_metric_says_what_it_is_and_has_labels_of_the_closed_list(metric):
    assert re.fullmatch(r"family_exchange_[a-z_]+", metric.name)
    assert metric.labels[0] == "council"
    assert set(metric.labels) <= CLOSED_LABELS
    assert len(metric.meaning.split()) > 3
    assert (metric.kind is Kind.COUNTER) == metric.name.endswith("_total")


def test_a_reading_has_exactly_the_labels_of_its_metric():
    assert reading("returns", 2, "c", "fpd", "SENT").labels == (("council", "c"), ("code", "fpd"), ("state", "SENT"))
    with pytest.raises(ValueError, match="zip"):
        reading("returns", 2, "c", "fpd")


def test_yes_and_no_are_numbers():
    assert type(reading("closed", True, "c").value) is float


def test_the_text_is_what_prometheus_reads():
    counts = range(1, len(ANSWERED_WITHIN) + 2)
    said = [
        reading("closed", 0, "c"),
        reading("free_ratio", 0.25, "c", "state"),
        reading("rows_total", 1_795_358_786, "c", "police", "police_incidents", "loaded"),
        *histogram("receipt_seconds", counts, 12.5, "c", "police_incidents"),
    ]
    read = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(exposition(said))
        for sample in family.samples
    }
    assert read == {(one.series, tuple(sorted(one.labels))): one.value for one in said}


def test_each_metric_is_explained_once_however_many_series_it_has():
    text = exposition([reading("closed", 0, council) for council in ("a", "b", "c")])
    assert text.count("# HELP family_exchange_closed ") == text.count("# TYPE family_exchange_closed gauge") == 1


@given(value=st.text(max_size=20))
def test_whatever_a_label_holds_comes_back(value):
    (family,) = text_string_to_metric_families(exposition([reading("closed", 1, value)]))
    assert family.samples[0].labels["council"] == value


def test_nothing_to_tell_is_an_empty_text():
    assert exposition([]) == ""
