"""What an operator sees at one glance: the panels of the dashboard, by section, and the question that each one asks.

`$own` in a query stands for the councils that are chosen at the top of the page.
"""

from dataclasses import dataclass
from enum import StrEnum

from family_exchange.domain.alerts import BACKLOG, DUE_SOON, LEAST_FREE


class Look(StrEnum):
    """How a panel shows its answer."""

    NUMBER = "stat"
    LINES = "timeseries"
    BARS = "bargauge"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel."""

    title: str
    description: str
    look: Look
    unit: str
    """As Grafana calls it: short, s, percentunit, bytes, or a suffix of our own."""
    queries: tuple[tuple[str, str], ...]
    """PromQL and how its series are called."""
    width: int = 8
    """Of 24."""
    bad_from: float | None = None
    """From here on it is red; before it, green."""
    bad_below: float | None = None
    words: tuple[tuple[int, str], ...] = ()
    """What is shown in place of a value."""


DAYS = "suffix: days"
"""Grafana's own unit for days makes weeks and years of them; laws and letters count days."""
_ACTIVE = "and on (council, partner, feed) family_exchange_feed_active{$own} == 1"
_WAITED = "sum by (le, feed) (increase(family_exchange_receipt_seconds_bucket{$own}[1d]))"
_ROWS = "sum by (feed) (family_exchange_rows_total{$own"
_EXPECTED = "family_exchange_feed_expected{$own"

SECTIONS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "Does it live",
        (
            Panel(
                "Last measured", "How long ago the watch last measured each council; three quarters of an hour is an "
                "alert.", Look.NUMBER, "s",
                (("time() - max by (council) (family_exchange_observed_timestamp_seconds{$own})", "{{council}}"),),
                6, bad_from=2700,
            ),
            Panel(
                "Airflow", "How long ago each part of Airflow was last heard of; five minutes is an alert. Of all "
                "councils alike.", Look.NUMBER, "s",
                (("time() - max by (component) (airflow_beat_timestamp_seconds)", "{{component}}"),),
                12, bad_from=300,
            ),
            Panel(
                "Audit chain", "1: the whole chain held when it was last verified. 0: stop the council's Dags.",
                Look.NUMBER, "short", (("min by (council) (family_exchange_audit_chain_whole{$own})", "{{council}}"),),
                6, bad_below=1, words=((1, "whole"), (0, "broken")),
            ),
            Panel(
                "Closed", "1: the council is closed, after a restore or by somebody; nothing is taken in or sent.",
                Look.NUMBER, "short", (("max by (council) (family_exchange_closed{$own})", "{{council}}"),),
                6, bad_from=1, words=((1, "closed"), (0, "open")),
            ),
            Panel(
                "Newest backup", "The age of the newest backup of files, and of the newest copy of the database; not "
                "shown: there is none.", Look.NUMBER, "s",
                (("max by (council, store) (family_exchange_backup_age_seconds{$own})", "{{store}} {{council}}"),),
                6, bad_from=93600,
            ),
            Panel(
                "Backup", "1: the newest backup was whole when it was last looked at; not shown: nobody looked.",
                Look.NUMBER, "short", (("min by (council) (family_exchange_backup_whole{$own})", "{{council}}"),),
                6, bad_below=1, words=((1, "whole"), (0, "not whole")),
            ),
            Panel(
                "Free disk", "The free part of the disks under the council's folder, under temp, under the place of "
                "backups and under further folders of its settings.", Look.BARS, "percentunit",
                (("min by (council, place) (family_exchange_free_ratio{$own})", "{{place}} {{council}}"),),
                6, bad_below=LEAST_FREE,
            ),
            Panel(
                "Free bytes", "The same in bytes, over time: how long it will last.", Look.LINES, "bytes",
                (("family_exchange_free_bytes{$own}", "{{place}} {{council}}"),), 8,
            ),
            Panel(
                "Audit events a day", "How many events the audit chain grew by.", Look.LINES, "short",
                (("increase(family_exchange_audit_events_total{$own}[1d])", "{{council}}"),), 8,
            ),
            Panel(
                "Audit: unsigned and unverified", "Age of the oldest event under no checkpoint, and time since the "
                "chain was last verified.", Look.LINES, "s",
                (
                    ("family_exchange_audit_unsigned_seconds{$own}", "unsigned {{council}}"),
                    ("family_exchange_audit_verified_seconds{$own}", "verified {{council}}"),
                ), 8,
            ),
        ),
    ),
    (
        "Files",
        (
            Panel(
                "Files by state", "Files in the ledger, by state.", Look.BARS, "short",
                (("sum by (state) (family_exchange_files{$own}) > 0", "{{state}}"),),
            ),
            Panel(
                "Oldest file at work", "Age of the oldest file of each active feed that is not taken in yet; a day is "
                "an alert.", Look.LINES, "s",
                ((f"max by (feed) (family_exchange_file_oldest_seconds{{$own}} {_ACTIVE})", "{{feed}}"),),
                bad_from=86400,
            ),
            Panel(
                "In quarantine", "Files in quarantine by reason, until they are rejected or destroyed.", Look.BARS,
                "short", (("sum by (reason) (family_exchange_files_quarantined{$own}) > 0", "{{reason}}"),),
            ),
            Panel(
                "From drop to receipt", "How long partners wait for receipts: half of them, and nineteen of twenty; "
                "over a day.", Look.LINES, "s",
                (
                    (f"histogram_quantile(0.5, {_WAITED}) > 0", "{{feed}} half"),
                    (f"histogram_quantile(0.95, {_WAITED}) > 0", "{{feed}} 19 of 20"),
                ),
            ),
            Panel(
                "Receipts owed", "Age of the oldest judged file whose partner has no receipt.", Look.LINES, "s",
                ((f"max by (feed) (family_exchange_receipt_owed_seconds{{$own}} {_ACTIVE})", "{{feed}}"),),
                bad_from=3600,
            ),
            Panel(
                "Refused rows", "The part of each feed's rows that was refused, of all that it ever sent.", Look.BARS,
                "percentunit",
                (
                    (
                        f'{_ROWS}, outcome="refused"}}) / {_ROWS}}}) > 0',
                        "{{feed}}",
                    ),
                ),
            ),
            Panel(
                "Expected files", "Files that the calendars expect, by how they stand; active feeds only.", Look.TABLE,
                "short",
                (
                    (
                        f'sum by (council, partner, feed, state) ({_EXPECTED}, state=~"late_soon|overdue"}}) > 0',
                        "{{council}} {{partner}} {{feed}} {{state}}",
                    ),
                ), 12,
            ),
            Panel(
                "Next deadlines", "Time to the next deadline of each active feed.", Look.BARS, "s",
                (("family_exchange_feed_deadline_seconds{$own} > 0", "{{feed}} {{partner}}"),), 12,
            ),
        ),
    ),
    (
        "People",
        (
            Panel(
                "Decisions that wait", "Things that wait for people: files, keys, pairs, proposals, sign-offs, "
                "destruction plans.", Look.BARS, "short",
                (("sum by (council, kind) (family_exchange_decisions_pending{$own})", "{{kind}} {{council}}"),),
            ),
            Panel(
                "For how long they wait", "Age of the oldest of each kind.", Look.LINES, "s",
                (("max by (council, kind) (family_exchange_decision_oldest_seconds{$own})", "{{kind}} {{council}}"),),
            ),
            Panel(
                "Letters that wait", "Messages in the outbox that no letter carried yet, and the age of the oldest.",
                Look.TABLE, "short",
                (
                    ("sum by (council) (family_exchange_messages_waiting{$own})", "{{council}} messages"),
                    ("max by (council) (family_exchange_message_oldest_seconds{$own})", "{{council}} seconds"),
                ),
            ),
        ),
    ),
    (
        "Returns, keys and retention",
        (
            Panel(
                "Returns by state", "The newest version of each period's return, by state.", Look.BARS, "short",
                (("sum by (code, state) (family_exchange_returns{$own}) > 0", "{{code}} {{state}}"),),
            ),
            Panel(
                "Days until a return is due", "Negative: overdue.", Look.NUMBER, DAYS,
                (("min by (council, code) (family_exchange_return_due_days{$own})", "{{code}} {{council}}"),),
                bad_below=DUE_SOON + 1,
            ),
            Panel(
                "Unacknowledged returns", "Since when the oldest return that was sent has no receipt.", Look.NUMBER,
                "s",
                (
                    ("max by (council, code) (family_exchange_return_unacknowledged_seconds{$own})",
                     "{{code}} {{council}}"),
                ), bad_from=86400,
            ),
            Panel(
                "Keys that end", "Days until the newest key of each owner and use ends.", Look.BARS, DAYS,
                (("min by (council, owner, use) (family_exchange_key_days{$own})", "{{owner}} {{use}} {{council}}"),),
                bad_below=31,
            ),
            Panel(
                "Due for destruction", "What the newest plan lists and nobody has destroyed, by category.", Look.BARS,
                "short",
                (("sum by (council, category) (family_exchange_purge_backlog_items{$own}) > 0",
                  "{{category}} {{council}}"),),
            ),
            Panel(
                "Oldest thing due for destruction", "Days since it was due.", Look.NUMBER, DAYS,
                (("max by (council) (family_exchange_purge_backlog_days{$own})", "{{council}}"),), bad_from=BACKLOG + 1,
            ),
        ),
    ),
)  # fmt: skip
"""The sections of the page from its top, each with its panels."""
