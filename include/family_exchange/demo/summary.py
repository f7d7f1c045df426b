"""What the journey came to, read from each council's database: counts, ids and digests, never a person."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from family_exchange.adapters import audit, database
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.stages import enquire

SHOWN = 16
"""Hexadecimal digits of a digest that a table shows."""


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """One return and where it is."""

    return_id: str
    period: str
    state: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Summary:
    """One council's journey in numbers."""

    council: str
    files: tuple[tuple[str, str, int], ...]
    """State, reason (or `""`), number of files."""
    receipts: int
    workbooks: int
    rows_loaded: int
    rows_with_finding: int
    rows_refused: int
    persons: int
    families: int
    possible_matches: int
    proposed: int
    decided: int
    supported: int
    """Families on the programme."""
    said_no: int
    """Families that declined, and those that were not asked."""
    comparison: int
    """Families that were proposed and never were on the programme."""
    exceptions: int
    """Lead workers, places in the plan and children that are missing in supported families."""
    returns: tuple[ReturnLine, ...]
    destroyed: int
    certificates: int
    letters: tuple[str, ...]
    """Where each letter to a person of the council lies."""
    audit_events: int
    audit_whole: bool

    @property
    def whole(self) -> bool:
        """True when every file was answered, every return acknowledged, and the audit chain holds."""
        answered = self.receipts == sum(number for _, _, number in self.files)
        acknowledged = bool(self.returns) and all(line.state == "ACKNOWLEDGED" for line in self.returns)
        return answered and acknowledged and self.audit_whole


@dataclass(frozen=True, slots=True)
class Report:
    """The whole demo."""

    councils: tuple[Summary, ...]
    seconds: float
    address: str | None = None
    """Airflow's address, when it is up."""
    stays: bool = False
    """True while the visitor can look around."""
    users: tuple[tuple[str, str], ...] = ()
    """Who may log in, and with what; throw-away."""

    @property
    def whole(self) -> bool:
        """True when every council's journey is whole."""
        return all(summary.whole for summary in self.councils)

    def as_data(self) -> dict[str, object]:
        """The same as plain data, for `--json`; passwords are left out."""
        return {
            "whole": self.whole,
            "seconds": round(self.seconds, 1),
            "address": self.address,
            "councils": [asdict(summary) | {"whole": summary.whole} for summary in self.councils],
        }


def of(doors: Doors, *, today: date) -> Summary:
    """The council's journey so far."""
    now = enquire.counted(doors, last_day=today, known_at=datetime.now(UTC))
    programme = [one.as_plain() for one in now.values()]
    exceptions = len(enquire.exceptions(doors, today=today))
    with database.transaction(doors.database) as connection:
        verdict = audit.verify(connection, doors.checkpoints, doors.signing_key.public_key())
        files = connection.execute(
            "SELECT state, coalesce(reason, ''), count(*) FROM exchange.file GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()
        rows = connection.execute(
            """SELECT coalesce(sum(rows_loaded), 0), coalesce(sum(rows_with_finding), 0),
                      coalesce(sum(rows_refused), 0), count(receipt_at),
                      count(receipt_at) FILTER (WHERE workbook_sha256 IS NOT NULL) FROM exchange.file"""
        ).fetchone()
        returns = connection.execute(
            """SELECT return_id, period, state, coalesce(rows, 0), coalesce(encode(ct_sha256, 'hex'), '')
                 FROM returns.return ORDER BY return_id"""
        ).fetchall()
        assert rows is not None  # noqa: S101 - an aggregate always gives a row
        return Summary(
            council=doors.profile.council,
            files=tuple((str(state), str(reason), int(number)) for state, reason, number in files),
            receipts=int(rows[3]),
            workbooks=int(rows[4]),
            rows_loaded=int(rows[0]),
            rows_with_finding=int(rows[1]),
            rows_refused=int(rows[2]),
            persons=_count(connection, "SELECT count(DISTINCT person_id) FROM register.person_record"),
            families=_count(connection, "SELECT count(DISTINCT family_id) FROM register.family_member"),
            possible_matches=_count(connection, "SELECT count(*) FROM register.possible_match"),
            proposed=_count(connection, "SELECT count(DISTINCT family_id) FROM register.proposal"),
            decided=_count(connection, "SELECT count(*) FROM register.decision"),
            supported=sum(one["enrolled"] for one in programme),
            said_no=sum(one["declined"] + one["not_invited"] for one in programme),
            comparison=sum(one["comparison"] for one in programme),
            exceptions=exceptions,
            returns=tuple(ReturnLine(str(i), str(p), str(s), int(n), str(h)) for i, p, s, n, h in returns),
            destroyed=_count(connection, "SELECT count(*) FROM rights.purge_item WHERE outcome = 'destroyed'"),
            certificates=_count(connection, "SELECT count(*) FROM rights.certificate"),
            letters=tuple(str(path) for path in sorted(doors.outbox.glob("*.eml"))),
            audit_events=verdict.events,
            audit_whole=verdict.whole,
        )


def drawn(report: Report) -> RenderableType:
    """The report for a person."""
    parts: list[RenderableType] = []
    for summary in report.councils:
        parts += [Text(), Text(summary.council, style="bold"), _numbers(summary), _returns(summary.returns)]
    parts.append(Text(f"\n{report.seconds:.0f} seconds.", style="dim"))
    if report.stays:
        parts += [Text(f"Letter: {path}") for summary in report.councils for path in summary.letters]
    if report.stays and report.address:
        parts.append(Text(f"Airflow: {report.address}"))
        parts += [Text(f"  {user} / {password}") for user, password in report.users]
    return Group(*parts)


def _numbers(summary: Summary) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 1))
    for state, reason, number in summary.files:
        table.add_row("files", f"{state} {reason}".strip(), str(number))
    for words, detail, number in (
        ("receipts", "written to the partners' folders", summary.receipts),
        ("workbooks", "of findings, beside the receipts", summary.workbooks),
        ("rows", "loaded", summary.rows_loaded),
        ("rows", "loaded with a finding", summary.rows_with_finding),
        ("rows", "refused", summary.rows_refused),
        ("register", "persons", summary.persons),
        ("register", "families", summary.families),
        ("register", "possible matches for a person to judge", summary.possible_matches),
        ("register", "families proposed", summary.proposed),
        ("register", "proposals decided by a named person", summary.decided),
        ("programme", "families supported", summary.supported),
        ("programme", "families that declined, or were not asked", summary.said_no),
        ("programme", "families for comparison", summary.comparison),
        ("programme", "exceptions for a person to look at", summary.exceptions),
        ("retention", "items destroyed, with certificate", summary.destroyed),
        ("watch", "letters written", len(summary.letters)),
    ):
        table.add_row(words, detail, f"{number:,}")
    whole = "[green]verified[/]" if summary.audit_whole else "[bold red]broken[/]"
    table.add_row("audit", Text.from_markup(f"events, chain {whole}"), f"{summary.audit_events:,}")
    return table


def _returns(lines: Sequence[ReturnLine]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 1))
    for name in ("return", "period", "state", "rows", "SHA-256 of the sealed bytes"):
        table.add_column(name)
    for line in lines:
        table.add_row(line.return_id, line.period, line.state, str(line.rows), line.sha256[:SHOWN] + "…")
    return table


def _count(connection: Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0
