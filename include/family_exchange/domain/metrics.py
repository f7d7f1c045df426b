"""What the exchange measures of one council: metrics by name, kind, labels and meaning, and how a reading is written.

Every metric is read from what is stored, never counted in memory, so that a crash loses no measurement. A label is a
slug or a word of a closed list of ours; nothing that a partner typed, no file's name and no person ever is one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from family_exchange.domain.file import Reason

PREFIX = "family_exchange_"

DAY_SECONDS = 86_400
HOUR_SECONDS = 3_600

ANSWERED_WITHIN = (60, 120, 300, 600, 1_800, HOUR_SECONDS, 6 * HOUR_SECONDS, DAY_SECONDS)
"""Seconds; the bounds between which the time from a file's drop to its receipt is counted."""

INCIDENTS = (
    Reason.RESEARCH_WALL,
    Reason.SIGNER_REVOKED,
    Reason.SIGNER_NOT_PARTNER,
    Reason.UNKNOWN_SIGNER,
    Reason.EXPANSION,
)
"""Reasons for quarantine after which somebody looks before anything else of that partner is trusted."""


class Kind(StrEnum):
    """How a metric behaves."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


class Pending(StrEnum):
    """What waits for people to decide."""

    FILE = "file"
    KEY = "key"
    MATCH = "match"
    PROPOSAL = "proposal"
    PURGE = "purge"
    SIGN_OFF = "sign_off"


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing that is measured."""

    name: str
    """With the prefix, and the unit at its end."""
    kind: Kind
    labels: tuple[str, ...]
    """In the order in which they are written; `council` first."""
    meaning: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one series at one moment."""

    metric: str
    labels: tuple[tuple[str, str], ...]
    value: float
    part: str = ""
    """Of a histogram: `_bucket`, `_sum` or `_count`."""

    @property
    def series(self) -> str:
        """The name under which the value is told."""
        return self.metric + self.part


_FEED = ("council", "partner", "feed")

_DEFINED = (
    Metric("feed_active", Kind.GAUGE, _FEED, "1 while the profile says that the partner sends the feed, 0 while not"),
    Metric("files", Kind.GAUGE, (*_FEED, "state"), "Files in the ledger, by state"),
    Metric("file_oldest_seconds", Kind.GAUGE, _FEED, "Age of the oldest file that is still worked on; 0: none"),
    Metric("files_quarantined", Kind.GAUGE, (*_FEED, "reason"), "Files in quarantine whose sealed bytes are kept"),
    Metric("receipt_seconds", Kind.HISTOGRAM, ("council", "feed"), "Time from a file's drop to its receipt"),
    Metric("receipt_owed_seconds", Kind.GAUGE, _FEED, "Age of the oldest judged file without its receipt; 0: none"),
    Metric("rows_total", Kind.COUNTER, (*_FEED, "outcome"), "Rows of judged files, by what became of them"),
    Metric("feed_expected", Kind.GAUGE, (*_FEED, "state"), "Files that the calendar expects, by how they stand"),
    Metric("feed_deadline_seconds", Kind.GAUGE, _FEED, "Seconds to the next deadline; 0: nothing is expected"),
    Metric("decisions_pending", Kind.GAUGE, ("council", "kind"), "Things that wait for people to decide"),
    Metric("decision_oldest_seconds", Kind.GAUGE, ("council", "kind"), "For how long the oldest waits; 0: none"),
    Metric(
        "returns", Kind.GAUGE, ("council", "code", "state"), "Returns, by the state of each period's newest version"
    ),
    Metric("return_due_days", Kind.GAUGE, ("council", "code"), "Days until the next return is due; negative: overdue"),
    Metric(
        "return_unacknowledged_seconds", Kind.GAUGE, ("council", "code"), "Since when the oldest sent one is unanswered"
    ),
    Metric("key_days", Kind.GAUGE, ("council", "owner", "use"), "Days until the newest key of its owner ends"),
    Metric("audit_events_total", Kind.COUNTER, ("council",), "Events in the audit chain"),
    Metric("audit_unsigned_seconds", Kind.GAUGE, ("council",), "Age of the oldest event under no checkpoint; 0: none"),
    Metric("audit_verified_seconds", Kind.GAUGE, ("council",), "Time since the whole chain was last verified"),
    Metric("audit_chain_whole", Kind.GAUGE, ("council",), "1 when it held then, 0 when it did not"),
    Metric("purge_backlog_items", Kind.GAUGE, ("council", "category"), "What is due by the newest plan, not destroyed"),
    Metric("purge_backlog_days", Kind.GAUGE, ("council",), "Days since the oldest of them was due; 0: none"),
    Metric("messages_waiting", Kind.GAUGE, ("council",), "Messages to people here that no letter carried yet"),
    Metric("message_oldest_seconds", Kind.GAUGE, ("council",), "Age of the oldest of them; 0: none"),
    Metric("free_bytes", Kind.GAUGE, ("council", "place"), "Free bytes of the disk under a place"),
    Metric("free_ratio", Kind.GAUGE, ("council", "place"), "Free part of that disk, 0 to 1"),
    Metric(
        "backup_age_seconds",
        Kind.GAUGE,
        ("council", "store"),
        "Age of the newest backup of files and of the database; of the log, while it cannot be handed out, else 0",
    ),
    Metric("backup_whole", Kind.GAUGE, ("council",), "1 when the newest backup was whole at the last look, 0 when not"),
    Metric("closed", Kind.GAUGE, ("council",), "1 while the council is closed; little else is told then"),
    Metric("observed_timestamp_seconds", Kind.GAUGE, ("council",), "When these values were read, as Unix time"),
)

METRICS: Mapping[str, Metric] = {
    PREFIX + one.name: Metric(PREFIX + one.name, one.kind, one.labels, one.meaning) for one in _DEFINED
}
"""Every metric by its whole name, in the order in which they are told."""


def reading(name: str, value: float, *labels: str, part: str = "", le: str | None = None) -> Reading:
    """The value of the series of the metric `name` (without the prefix) whose labels have these values, in order.

    Raises:
        ValueError: the metric has other labels.
    """
    metric = METRICS[PREFIX + name]
    named = tuple(zip(metric.labels, labels, strict=True))
    return Reading(metric.name, (*named, *((("le", le),) if le is not None else ())), float(value), part)


def histogram(name: str, counts: Iterable[int], total: float, *labels: str) -> Iterator[Reading]:
    """The readings of a histogram; `counts` are of values up to each bound of `ANSWERED_WITHIN`, then of all."""
    cumulative = tuple(counts)
    for bound, count in zip((*map(str, ANSWERED_WITHIN), "+Inf"), cumulative, strict=True):
        yield reading(name, count, *labels, part="_bucket", le=bound)
    yield reading(name, total, *labels, part="_sum")
    yield reading(name, cumulative[-1], *labels, part="_count")


def exposition(readings: Iterable[Reading]) -> str:
    """The readings in Prometheus' text format 0.0.4, metric by metric in the order of `METRICS`."""
    place = {name: number for number, name in enumerate(METRICS)}
    lines: list[str] = []
    for name, group in groupby(sorted(readings, key=lambda one: place[one.metric]), key=lambda one: one.metric):
        metric = METRICS[name]
        lines += [f"# HELP {name} {metric.meaning}", f"# TYPE {name} {metric.kind}"]
        lines += [f"{one.series}{{{_labels(one)}}} {_number(one.value)}" for one in group]
    return "".join(f"{line}\n" for line in lines)


def _labels(one: Reading) -> str:
    return ",".join(f'{key}="{_escaped(value)}"' for key, value in one.labels)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
