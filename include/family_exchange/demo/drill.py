"""The drill of a restore: a council at work, backups taken, a disk lost, and the way back, with real servers and keys.

`make restore-test` runs it and prints what each step took; tests run it in small. Nothing is a pretence but the people:
PostgreSQL hands out its log through `deploy/archive-wal`, and the old server is killed and its disk wiped.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from time import monotonic

from family_exchange.adapters import audit, closing, database, profiles, purge_plans, retention, returns
from family_exchange.adapters.doors import Doors
from family_exchange.demo import by_hand, families, postgres, recovery, world
from family_exchange.demo.cast import OFFICER, PROGRAMME_LEAD, REASON
from family_exchange.demo.partners import leave
from family_exchange.demo.synthetic import PartnerFile
from family_exchange.demo.world import Tenant
from family_exchange.domain import period
from family_exchange.domain.errors import Halted
from family_exchange.domain.retention import Kind
from family_exchange.stages import assemble, backup, certificate, match, propose, purge, register, restore, rounds
from family_exchange.stages.backup import Looked
from family_exchange.stages.office import CouncilOffice

FIRST = 2
"""So many of the partners' good files come before the backup."""

YEARS_ON = 4
"""Destruction is planned for so many years on, so that some of the records are due and most are not."""


@dataclass(slots=True)
class Report:
    """What the drill saw; a test asks it, and a person reads the times."""

    seconds: dict[str, float] = field(default_factory=dict)
    before: str = ""
    """What the register said just before the disk was lost, with everything taken in and destroyed."""
    closed: str = ""
    """What a stage was told before two people had opened the council."""
    told: dict[str, object] = field(default_factory=dict)
    """What the restore found."""
    agreement: tuple[Looked, ...] = ()
    verified: tuple[Looked, ...] = ()
    rehearsed: tuple[Looked, ...] = ()
    destroyed: tuple[str, ...] = ()
    """Ids of records that were destroyed after the moment to which it was restored."""
    back: tuple[str, ...] = ()
    """Those of them that are there again at the end."""
    after: str = ""
    """What the register said when work had gone on to the end."""
    opened: tuple[bool, ...] = ()
    """What each person who opened was told."""
    returns: dict[str, str] = field(default_factory=dict)
    sent: dict[str, int] = field(default_factory=dict)
    """How many different sealed files the recipient had under each name."""
    whole: bool = False
    """The audit's verdict at the end."""

    def found(self) -> dict[str, bool]:
        """What must be so, and whether it is."""
        looked = (*self.verified, *self.rehearsed, *self.agreement)
        return {f"{one.what} agrees": one.good for one in looked} | {
            "closed until two people opened it": bool(self.closed) and self.opened == (False, False, True),
            "something was destroyed, and is not back": bool(self.destroyed) and not self.back,
            "the register is that of an undisturbed run": self.before == self.after,
            "no name was sent twice with other bytes": set(self.sent.values()) == {1},
            "the audit is whole": self.whole,
        }


def run(*, people: int, seed: int, today: date, say: by_hand.Say) -> Report:
    """The whole drill."""
    report = Report()
    with recovery.safe() as kept, world.standing(
        (profiles.demo_council(),), people=people, seed=seed, today=today, database_settings=kept.settings
    ) as stage:  # fmt: skip
        tenant = stage.tenants[0]
        timed = _Timed(report, say)
        with timed("the council works, and a return is sealed"):
            _leave(tenant, 0)
            work(tenant, today=today)
            sealed = by_hand.prepared(tenant, "fpd", today=today)
        backup.prepare(tenant.doors, kept.place, (kept.place / "recovery.asc").read_bytes())
        with timed("backup of server, vault, keys and journal"):
            backup.take(tenant.doors, server=recovery.copier(stage), at=_now())
        with timed("more files come"):
            _leave(tenant, 1)
            work(tenant, today=today)
        moment = _moment(tenant)
        with timed("a minute too many: files, a destruction, returns sent"):
            _leave(tenant, 2)
            work(tenant, today=today)
            report.destroyed = destroy(tenant, today=today)
            by_hand.sent(tenant, sealed)
            by_hand.sent(tenant, by_hand.prepared(tenant, "nis", today=today))
            report.before = recovery.content(tenant.doors)
        with timed("backup of what lies outside the database"):
            backup.take(tenant.doors, server=None, at=_now())
        recovery.hand_out(stage.server, kept)
        report.verified = backup.verify(tenant.doors)
        with tempfile.TemporaryDirectory(prefix="fx-w-") as work_place:
            report.rehearsed = backup.rehearse(tenant.doors, kept.key, kept.shares, Path(work_place))
        recovery.lose(stage, tenant)
        with postgres.running(stage.folder / "second", durable=False) as server:
            found = recovery.moved(tenant, server, stage.server)
            with timed("restore, to a minute before"):
                report.told = _restored(found, server, kept, moment, today)
            with timed("look whether everything agrees"):
                report.agreement = restore.agreement(found.doors)
            _open(found, report)
            with timed("work goes on to the end"):
                work(found, today=today)
                _finish(found, today=today)
            report.after = recovery.content(found.doors)
            report.back = _still_there(found.doors, report.destroyed)
            _look(found, report)
    return report


def in_turns(tenant: Tenant) -> tuple[tuple[PartnerFile, ...], ...]:
    """What partners leave before the backup, before the moment to which it is restored, and after it.

    What is not as it should be comes last, and so does the file that is sent twice.
    """
    files = tenant.made.files
    twice = {file.content for file in files if file.misbehaviour == "sent_twice"}
    good = [file for file in files if file.misbehaviour is None and file.content not in twice]
    late = [file for file in files if file not in good]
    return tuple(good[:FIRST]), tuple(good[FIRST:]), tuple(late)


def _leave(tenant: Tenant, turn: int) -> None:
    leave(tenant.partners, in_turns(tenant)[turn], council_key=tenant.doors.settings.own_key)


def work(tenant: Tenant, *, today: date) -> None:
    """Everything that the council's Dags would do with what lies there, up to the decisions."""
    doors = tenant.doors
    with CouncilOffice(doors).kept_open() as office:
        for feed in doors.profile.active_feeds:
            rounds.once(office, feed)
    match.people(doors)
    register.families(doors, today=today)
    propose.families(doors, today=today)
    families.say_no(doors, today=today)
    since = by_hand.supported_since(doors, today)
    propose.decide(
        doors, propose.open_proposals(doors), outcome="accepted", decided_by=PROGRAMME_LEAD, reason=REASON, on=today,
        supported_since=since,
    )  # fmt: skip
    families.look_after(doors, today=today, since=since)
    with database.transaction(doors.database) as connection:
        audit.checkpoint(connection, doors.checkpoints, doors.signing_key)


def destroy(tenant: Tenant, *, today: date) -> tuple[str, ...]:
    """Ids of the source records that were due and are destroyed: of a plan for some years on, so that there are some.

    Sealed files are kept, as they would be for a while: what the ledger loses is taken up again from them.
    """
    doors = tenant.doors
    plan_id = purge.plan(doors, today=today.replace(year=today.year + YEARS_ON))
    with database.transaction(doors.database) as connection:
        listed = purge_plans.listed(connection, plan_id)
        for category in sorted({item.category for item in listed if item.kind is not Kind.SOURCE_RECORD}):
            retention.place_hold(connection, "category", category, by=OFFICER, reason="the drill keeps what is sealed")
    purge.approve(doors, plan_id, by=OFFICER)
    purge.destroy(doors, plan_id)
    purge.follow(doors, today=today)
    certificate.issue(doors, plan_id)
    return tuple(item.item_id for item in listed if item.kind is Kind.SOURCE_RECORD)


class _Timed:
    """Notes how long each step took, and says so."""

    def __init__(self, report: Report, say: by_hand.Say) -> None:
        self._report, self._say = report, say

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """The step runs in the block."""
        began = monotonic()
        yield
        self._report.seconds[step] = monotonic() - began
        self._say(f"{self._report.seconds[step]:7.1f} s  {step}")


def _moment(tenant: Tenant) -> datetime:
    """Now, on the server's clock; whatever comes later has a later moment."""
    with database.transaction(tenant.doors.database) as connection:
        return database.clock(connection)


def _restored(
    found: Tenant, server: postgres.Server, kept: recovery.Safe, moment: datetime, today: date
) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="fx-w-") as work_place:
        Path(work_place).chmod(0o711)
        source = restore.Source(kept.place, moment, server.url("postgres"), kept.key, kept.shares, Path(work_place))
        return restore.restore(found.doors, source, by=PROGRAMME_LEAD, at=_now(), today=today)


def _open(found: Tenant, report: Report) -> None:
    """Nothing goes while the council is closed; one person does not open it, and neither does the same one again."""
    try:
        match.people(found.doors)
    except Halted as halted:
        report.closed = str(halted)
    people = (PROGRAMME_LEAD, PROGRAMME_LEAD, OFFICER)
    report.opened = tuple(restore.reopen(found.doors, by=person) for person in people)


def _finish(found: Tenant, *, today: date) -> None:
    """Both returns are with the recipient."""
    for code, promise in sorted(found.doors.profile.returns.items()):
        if promise.enabled:
            closed = period.calendar(promise.periods).last_closed(today)
            newest = assemble.draft(found.doors, code, closed.name)
            by_hand.sent(found, newest if _is_sealed(found, newest) else by_hand.prepared(found, code, today=today))


def _is_sealed(found: Tenant, return_id: str) -> bool:
    with database.transaction(found.doors.database) as connection:
        return returns.read(connection, return_id).ct_sha256 is not None


def _look(found: Tenant, report: Report) -> None:
    doors = found.doors
    with database.transaction(doors.database) as connection:
        verdict = audit.verify(connection, doors.checkpoints, doors.signing_key.public_key())
        rows = connection.execute("SELECT return_id, state FROM returns.return ORDER BY return_id").fetchall()
    report.whole = verdict.whole and closing.of(doors.settings.state) is None
    report.returns = {str(return_id): str(state) for return_id, state in rows}
    taken = sorted((found.third_party.root / "taken").iterdir())
    report.sent = {name: sum(each.name == name for each in taken) for name in {each.name for each in taken}}


def _still_there(doors: Doors, ids: tuple[str, ...]) -> tuple[str, ...]:
    with database.transaction(doors.database) as connection:
        rows = connection.execute(
            "SELECT source_record_id FROM memory.source_record WHERE source_record_id = ANY(%s)", (list(ids),)
        )
        return tuple(str(each) for (each,) in rows)


def _now() -> datetime:
    return datetime.now(UTC)


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201 - what a person asked for


def main() -> None:
    """`make restore-test`: run it, print the times, and end with 1 when anything is not as it must be."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--people", type=int, default=2000)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    report = run(people=given.people, seed=given.seed, today=_now().date(), say=_say)
    wrong = [name for name, good in report.found().items() if not good]
    print(f"\nrestored, with {given.people} people: {'everything agrees' if not wrong else ', '.join(wrong)}")  # noqa: T201 - what a person asked for
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
