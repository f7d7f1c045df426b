"""What wakes whom: each alert with its expression, its threshold, who answers for it and where the runbook tells of it.

The watch writes letters about some of the same things and takes its thresholds from here and from `expiry.STEPS`. A
letter says a thing once; an alert stands for as long as it is so. A feed that the profile does not call active never
has one, and however many files are concerned there is one alert for each council and feed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from family_exchange.domain import expiry
from family_exchange.domain.metrics import INCIDENTS, PREFIX, Pending

TOO_LONG = timedelta(hours=24)
"""How long a file may be worked on or wait for people, and a return for its receipt, before somebody is told."""
RECEIPT_LATE = timedelta(hours=1)
"""How long a partner waits for the receipt of a file that is judged."""
PATIENCE = {
    Pending.FILE: TOO_LONG,
    Pending.SIGN_OFF: timedelta(days=3),
    Pending.KEY: timedelta(days=7),
    Pending.PURGE: timedelta(days=7),
    Pending.PROPOSAL: timedelta(days=14),
    Pending.MATCH: timedelta(days=30),
}
"""How long each kind of decision may wait before somebody is told."""
DUE_SOON = 10
"""Days before a return is due."""
BACKLOG = 14
"""Days for which what is due for destruction may lie."""
LETTER_LATE = timedelta(hours=2)
SILENT = timedelta(minutes=45)
"""Three runs of the watch."""
NO_BEAT = timedelta(minutes=5)
"""Since when a part of Airflow was last heard of."""
UNSIGNED = timedelta(hours=1)
BACKUP_OLD = timedelta(hours=26)
"""A daily backup, and two hours for it."""
LOG_STUCK = timedelta(minutes=15)
"""A piece is due each minute in which there is work."""
LEAST_FREE = 0.10


class Severity(StrEnum):
    """How soon somebody has to look."""

    CRITICAL = "critical"
    """Now, at night too."""
    WARNING = "warning"
    """On the same working day."""
    INFO = "info"
    """This week."""


class Owner(StrEnum):
    """The role that answers for an alert."""

    OPERATIONS = "operations"
    PROGRAMME = "programme"
    DATA_PROTECTION = "data_protection"


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule."""

    name: str
    expression: str
    """PromQL; true for each series that it gives."""
    lasts: str
    """For how long it must have been so."""
    severity: Severity
    owner: Owner
    runbook: str
    """The heading in docs/runbook.md, as its anchor."""
    summary: str
    """One sentence; `{{ $labels.… }}` stands for a label and `{{ $value }}` for the value."""
    threshold: str
    """In words, for the page of alerts."""


def metric(name: str) -> str:
    """The metric of that name as an expression names it."""
    return PREFIX + name


def _active(selector: str, compare: str) -> str:
    """`selector`, compared, of active feeds only; the worst of each council and feed."""
    active = f"and on (council, partner, feed) {metric('feed_active')} == 1"
    return f"max by (council, feed) ({metric(selector)} {compare} {active})"


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f}"


_DECIDE = " or ".join(
    f'{metric("decision_oldest_seconds")}{{kind="{kind}"}} > {_seconds(span)}' for kind, span in PATIENCE.items()
)
_INCIDENT = "|".join(INCIDENTS)

_KEY = {
    90: Severity.INFO,
    30: Severity.WARNING,
    14: Severity.WARNING,
    7: Severity.CRITICAL,
    1: Severity.CRITICAL,
}


def _keys() -> Iterator[Alert]:
    """One alert for each step of the countdown, and one for its end; a key is in one of them at a time.

    Whose key it is becomes the label `key_owner`, for an alert's own `owner` would take its place, and two partners'
    keys would be one alert twice, which Prometheus refuses.
    """
    owner, page = Owner.OPERATIONS, "a-key-ends-soon-or-has-ended"
    days, whose = metric("key_days"), "the {{ $labels.use }} key of {{ $labels.key_owner }}"
    for step, below in zip(expiry.STEPS, (*expiry.STEPS[1:], -1), strict=True):
        yield Alert(
            f"KeyEndsIn{step}Days", _whose(f"{days} <= {step} and {days} > {below}"), "0m", _KEY[step], owner, page,
            f"{{{{ $labels.council }}}}: {whose} ends in {{{{ $value }}}} days", f"{step} days before its end",
        )  # fmt: skip
    yield Alert(
        "KeyEnded", _whose(f"{days} < 0"), "0m", Severity.CRITICAL, owner, page,
        f"{{{{ $labels.council }}}}: {whose} has ended", "past its end, without a successor",
    )  # fmt: skip


def _whose(expression: str) -> str:
    return f'label_replace({expression}, "key_owner", "$1", "owner", "(.*)")'


_AT = "{{ $labels.council }}: "
_OF_FEED = _AT + "{{ $labels.feed }} "

ALERTS = (
    Alert(
        "FileStuck", _active("file_oldest_seconds", f"> {_seconds(TOO_LONG)}"), "15m",
        Severity.WARNING, Owner.OPERATIONS, "a-file-is-stuck",
        _OF_FEED + "has a file that is not taken in a day after coming", "a day after it was first seen",
    ),
    Alert(
        "ReceiptLate", _active("receipt_owed_seconds", f"> {_seconds(RECEIPT_LATE)}"), "30m",
        Severity.WARNING, Owner.OPERATIONS, "a-receipt-is-late",
        _OF_FEED + "has a judged file whose partner has no receipt", "an hour, twice looked at",
    ),
    Alert(
        "FeedLateSoon", _active('feed_expected{state="late_soon"}', "> 0"),
        "0m", Severity.INFO, Owner.PROGRAMME, "a-feed-is-overdue-or-will-be",
        _OF_FEED + "has not come by its usual hour; its deadline is ahead", "the partner's usual hour, learned",
    ),
    Alert(
        "FeedOverdue", _active('feed_expected{state="overdue"}', "> 0"),
        "0m", Severity.WARNING, Owner.PROGRAMME, "a-feed-is-overdue-or-will-be",
        _OF_FEED + "has not come; its deadline and its days of grace are over", "due moment and grace of the profile",
    ),
    Alert(
        "QuarantineIncident",
        f'sum by (council, feed, reason) ({metric("files_quarantined")}{{reason=~"{_INCIDENT}"}}'
        f" and on (council, partner, feed) {metric('feed_active')} == 1) > 0",
        "0m", Severity.CRITICAL, Owner.DATA_PROTECTION, "a-quarantine-is-an-incident",
        _OF_FEED + "has {{ $value }} files in quarantine as {{ $labels.reason }}", "any, until two people reject it",
    ),
    Alert(
        "DecisionPending", _DECIDE, "15m", Severity.WARNING, Owner.PROGRAMME, "a-decision-waits-too-long",
        _AT + "a decision about {{ $labels.kind }} waits for too long",
        ", ".join(f"{kind}: {span.days} days" for kind, span in PATIENCE.items()),
    ),
    Alert(
        "ReturnDueSoon", f"{metric('return_due_days')} >= 0 and {metric('return_due_days')} <= {DUE_SOON}", "0m",
        Severity.WARNING, Owner.PROGRAMME, "a-return-is-due-soon-or-overdue",
        _AT + "the {{ $labels.code }} return is due in {{ $value }} days", f"{DUE_SOON} days before `due_working_days`",
    ),
    Alert(
        "ReturnOverdue", f"{metric('return_due_days')} < 0", "0m",
        Severity.CRITICAL, Owner.PROGRAMME, "a-return-is-due-soon-or-overdue",
        _AT + "the {{ $labels.code }} return is overdue", "the day after the profile's `due_working_days`",
    ),
    Alert(
        "ReturnUnacknowledged", f"{metric('return_unacknowledged_seconds')} > {_seconds(TOO_LONG)}", "0m",
        Severity.WARNING, Owner.OPERATIONS, "no-receipt",
        _AT + "the recipient has not acknowledged a {{ $labels.code }} return", "a day after it was sent",
    ),
    Alert(
        "ReturnHalted",
        f'{metric("returns")}{{state=~"CONFLICT|REFUSED_BY_RECIPIENT"}} > 0', "0m",
        Severity.CRITICAL, Owner.DATA_PROTECTION, "a-return-has-halted",
        _AT + "a {{ $labels.code }} return is {{ $labels.state }}", "any, until a next version stands",
    ),
    *_keys(),
    Alert(
        "AuditChainBroken", f"{metric('audit_chain_whole')} == 0", "0m",
        Severity.CRITICAL, Owner.DATA_PROTECTION, "audit-verify-says-broken",
        _AT + "the audit chain does not hold", "any",
    ),
    Alert(
        "AuditUnsigned", f"{metric('audit_unsigned_seconds')} > {_seconds(UNSIGNED)}", "0m",
        Severity.WARNING, Owner.OPERATIONS, "no-new-checkpoint",
        _AT + "events of the audit log are under no checkpoint", "an event an hour old",
    ),
    Alert(
        "AuditUnverified",
        f"{metric('audit_verified_seconds')} > {_seconds(UNSIGNED)}"
        f" or max by (council) ({metric('observed_timestamp_seconds')})"
        f" unless on (council) {metric('audit_verified_seconds')}",
        "30m",
        Severity.WARNING, Owner.OPERATIONS, "no-new-checkpoint",
        _AT + "the audit chain was not verified for an hour", "an hour; the watch does it every quarter of one",
    ),
    Alert(
        "PurgeBacklog", f"{metric('purge_backlog_days')} > {BACKLOG}", "0m",
        Severity.WARNING, Owner.DATA_PROTECTION, "what-is-due-is-not-destroyed",
        _AT + "something has been due for destruction for {{ $value }} days", f"{BACKLOG} days",
    ),
    Alert(
        "OutboxStuck", f"{metric('message_oldest_seconds')} > {_seconds(LETTER_LATE)}", "0m",
        Severity.WARNING, Owner.OPERATIONS, "letters-do-not-go-out",
        _AT + "messages to people wait in the outbox", "two hours",
    ),
    Alert(
        "DiskNearlyFull", f"{metric('free_ratio')} < {LEAST_FREE:.2f}", "15m",
        Severity.CRITICAL, Owner.OPERATIONS, "a-disk-is-nearly-full",
        _AT + "the disk under {{ $labels.place }} is nearly full", f"{LEAST_FREE:.0%} free",
    ),
    Alert(
        "ExchangeSilent",
        f"time() - max by (council) (max_over_time({metric('observed_timestamp_seconds')}[1d])) > {_seconds(SILENT)}",
        "5m", Severity.CRITICAL, Owner.OPERATIONS, "the-exchange-is-silent",
        _AT + "nothing was measured for three quarters of an hour", "three runs of the watch",
    ),
    Alert(
        "NothingMeasured", f"absent_over_time({metric('observed_timestamp_seconds')}[1d])", "30m",
        Severity.CRITICAL, Owner.OPERATIONS, "the-exchange-is-silent",
        "no council's metrics arrive here", "a day without any",
    ),
    Alert(
        "AirflowSilent",
        f"time() - max by (component) (airflow_beat_timestamp_seconds) > {_seconds(NO_BEAT)}"
        ' or label_replace(rate(airflow_scheduler_heartbeat_total[15m]) == 0, "component", "scheduler", "", "")',
        "2m", Severity.CRITICAL, Owner.OPERATIONS, "the-exchange-is-silent",
        "Airflow's {{ $labels.component }} does not beat", "five minutes",
    ),
    Alert(
        "CouncilClosed", f"{metric('closed')} == 1", "4h",
        Severity.WARNING, Owner.DATA_PROTECTION, "a-council-is-closed",
        _AT + "it is closed, and nobody has opened it again", "four hours",
    ),
    Alert(
        "BackupOld",
        f"max by (council) ({metric('backup_age_seconds')}) > {_seconds(BACKUP_OLD)}"
        f" or max by (council) ({metric('observed_timestamp_seconds')})"
        f' unless on (council) {metric("backup_age_seconds")}{{store="database"}}',
        "1h", Severity.CRITICAL, Owner.OPERATIONS, "backups-are-old",
        _AT + "the newest backup is too old, or there is none", "26 hours, or none at all",
    ),
    Alert(
        "BackupNotWhole", f"{metric('backup_whole')} == 0", "0m",
        Severity.CRITICAL, Owner.OPERATIONS, "backups-are-old",
        _AT + "the newest backup is not whole", "any, until a look finds one that is",
    ),
    Alert(
        "LogNotHandedOut", f'{metric("backup_age_seconds")}{{store="log"}} > {_seconds(LOG_STUCK)}', "15m",
        Severity.CRITICAL, Owner.OPERATIONS, "backups-are-old",
        _AT + "the database server cannot hand out its log", "a quarter of an hour, for as long again",
    ),
)  # fmt: skip
"""Every alert, in the order of the file of rules."""
