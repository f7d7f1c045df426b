"""The ledger in memory: the same answers as `adapters.desk` gives over PostgreSQL, a transaction a call."""

from dataclasses import dataclass, field, fields
from datetime import timedelta
from itertools import chain, islice, zip_longest

from family_exchange.adapters.landings import SET_ASIDE
from family_exchange.adapters.ledger import File
from family_exchange.domain.errors import Busy, TryLater
from family_exchange.domain.file import ACCEPTED, MOVES, UNFINISHED, Reason, State, Verdict, looks_unfinished
from family_exchange.domain.identity import Place, Sibling, Siblings, place
from family_exchange.domain.release import waives
from support.simulator.lines import each_answered


class Row:
    """A `File` that is quick to copy; whoever holds one sees it as it was."""

    def __init__(self, columns):
        self.__dict__ = columns

    def with_(self, columns):
        return Row(self.__dict__ | columns)


NOTHING = {column.name: None for column in fields(File)} | {
    "attempt": 0,
    "answers": 0,
    "epoch": 0,
    "history": False,
    "waived": frozenset(),
}


@dataclass
class MemoryLedger:
    """What every desk sees."""

    files: dict = field(default_factory=dict)
    moves: list = field(default_factory=list)
    """(file, from, to), in order: the audit events."""
    staged: set = field(default_factory=set)
    locks: dict = field(default_factory=dict)
    """file → the session that holds it."""
    world: object = None

    def change(self, file, **columns):
        self.files[file.file_id] = self.files[file.file_id].with_(columns)

    def people(self, file, to):
        """What two people agree on, as `adapters.decisions` does it: CLAIMED again, or REJECTED."""
        answers = file.answers + (file.receipt_at is None)
        columns = {"epoch": file.epoch + 1, "receipt_at": None, "answers": answers}
        if to is State.CLAIMED:
            waived = {*file.waived, waives(file.reason, held=False)} - {None}
            columns |= {"waived": frozenset(waived), "reason": None, "verdict": None, "conflicts_with": None}
        self.move(file, to, **columns)

    def move(self, file, to, **columns):
        before = self.files[file.file_id].state
        _must_be_legal(before, to)
        self.moves.append((file.file_id, before, to))
        self.change(file, state=to, attempt=0, **columns)


@each_answered
class MemoryDesk:
    """`stages.ports.Desk`."""

    def __init__(self, world, worker, session):
        self.world, self.worker, self.session = world, worker, session
        self.ledger = world.ledger
        self._failures = {}

    def land(self, partner, feed, entries):
        self._call("land")
        listed = {(one.name, one.size, one.modified_at) for one in entries if not one.name.startswith(SET_ASIDE)}
        rows = [
            file for file in self.ledger.files.values() if file.partner == partner and file.landing_removed_at is None
        ]
        fresh = {one[0]: one for one in listed - {_entry(file) for file in rows}}
        for file in rows:
            if _entry(file) in listed:
                continue
            if file.state is State.SEEN and file.name_bytes in fresh:
                _, size, modified = fresh.pop(file.name_bytes)
                self.ledger.change(file, size=size, modified_at=modified, changed_at=self.world.now)
            elif self._never_had(file) and self.ledger.locks.get(file.file_id, self.session) is self.session:
                self.ledger.change(file, epoch=file.epoch + 1)
                self._gone(file)
        for name, size, modified in sorted(fresh.values(), key=lambda each: (each[2], each[0])):
            file_id = f"F{len(self.ledger.files) + 1:08d}"
            self.ledger.files[file_id] = _new(file_id, partner, feed, name, size, modified, self.world.now)

    def unsettled(self, _feed, settle):
        self._call("unsettled")
        left = (
            file.changed_at + settle - self.world.now
            for file in self.ledger.files.values()
            if file.state is State.SEEN and not looks_unfinished(file.name_bytes, file.size)
        )
        return max((one for one in left if one > timedelta()), default=timedelta())

    def waiting(self, _feed, settle, patience):
        self._call("waiting")
        by_partner = {}
        for file in self.ledger.files.values():
            if self._waits(file, settle, patience):
                by_partner.setdefault(file.partner, []).append(file.file_id)
        turns = chain.from_iterable(zip_longest(*by_partner.values()))
        return list(islice(filter(None, turns), self.world.most_at_once))

    def hold(self, file_id):
        self._call("hold")
        holder = self.ledger.locks.setdefault(file_id, self.session)
        return holder is self.session

    def read(self, file_id):
        self._call("read")
        return self.ledger.files[file_id]

    def claim(self, file_id):
        self._call("claim")
        file = self.ledger.files[file_id]
        self.ledger.change(file, epoch=file.epoch + 1, attempt=file.attempt + 1)
        if file.state is State.SEEN:
            self.ledger.move(file, State.CLAIMED)
            self.ledger.change(file, attempt=1)
        return self.ledger.files[file_id]

    def excuse(self, file):
        self._call("excuse", file)
        self.ledger.change(file, attempt=max(self.ledger.files[file.file_id].attempt - 1, 0))

    def failed(self, file, failure):
        self._call("failed", file)
        raise AssertionError(f"intake met an error that nobody foresaw: {failure}")

    def still_arriving(self, file):
        self._call("still_arriving", file)
        attempt = max(self.ledger.files[file.file_id].attempt - 1, 0)
        self.ledger.change(file, reason=Reason.CORRUPT, attempt=attempt)

    def vaulted(self, file, fetched):
        self._call("vaulted", file)
        self.ledger.move(file, State.VAULTED, ct_sha256=fetched.stored.sha256, landed_sha256=fetched.landed)
        self.ledger.change(file, attempt=1)
        return self.ledger.files[file.file_id]

    def same_ciphertext(self, file):
        self._call("same_ciphertext")
        return self._accepted(file, "ct_sha256", file.ct_sha256)

    def siblings(self, file, identity):
        self._call("siblings")
        return self._siblings(file, identity)

    def admit(self, file, signer, identity, contents):
        self._call("admit", file)
        if original := self._accepted(file, "ct_sha256", file.ct_sha256):
            self.ledger.move(file, State.DUPLICATE, duplicate_of=original)
            return State.DUPLICATE
        placed = place(identity, self._siblings(file, identity), waived=file.waived)
        taken = placed.place in {Place.NEWS, Place.HISTORY}
        _must_be_legal(self.ledger.files[file.file_id].state, State.AUTHENTIC)
        if taken and contents is None:
            raise Busy("has to be read after all")
        agreed = Reason.CONFLICT in file.waived
        self.ledger.move(
            file,
            State.AUTHENTIC,
            signer=signer,
            sig_id=None if agreed else identity.signature,
            signed_at=identity.signed_at,
            as_of=identity.as_of or identity.signed_at.date(),
            sequence=None if agreed else identity.sequence,
            columns_dropped=identity.content,  # stands for the keyed digest, which a File does not show
            history=placed.place is Place.HISTORY,
            reason=None,
        )
        if taken:
            self.ledger.move(file, State.VALID, verdict=Verdict.ACCEPTED)
            self.ledger.staged.add(file.file_id)
            self.ledger.move(file, State.APPLIED)
        elif placed.place is Place.DUPLICATE:
            self.ledger.move(file, State.DUPLICATE, duplicate_of=placed.other)
        elif placed.place is Place.SUPERSEDED:
            self.ledger.move(file, State.SUPERSEDED, superseded_by=placed.other)
        else:
            reason = Reason.CONFLICT if placed.place is Place.CONFLICT else Reason.STALE
            conflicting = placed.other if placed.place is Place.CONFLICT else None
            self.ledger.move(file, State.QUARANTINED, reason=reason, conflicts_with=conflicting)
        return self.ledger.files[file.file_id].state

    def quarantine(self, file, reason, detail=None):
        self._call("quarantine", file)
        self.ledger.move(file, State.QUARANTINED, reason=reason, detail=detail)
        return State.QUARANTINED

    def duplicate(self, file, of):
        self._call("duplicate", file)
        self.ledger.move(file, State.DUPLICATE, duplicate_of=of)
        return State.DUPLICATE

    def gone(self, file):
        self._call("gone", file)
        self._gone(file)
        return State.GONE

    def answered(self, file):
        self._call("answered", file)
        self.ledger.change(file, receipt_at=self.world.now, answers=self.ledger.files[file.file_id].answers + 1)

    def close(self, file):
        self._call("close", file)
        self.ledger.move(file, State.CLOSED)

    def cleared(self, file):
        self._call("cleared", file)
        self.ledger.change(file, landing_removed_at=self.world.now)

    def _call(self, what, fenced=None):
        """The transaction begins: the session must live, and the worker must not have been overtaken."""
        self.world.at(self.worker, f"ledger.{what}")
        if self.session.lost:
            raise TryLater("the database does not answer")
        if fenced is not None and self.ledger.files[fenced.file_id].epoch != fenced.epoch:
            raise Busy("another worker holds this item")

    def _never_had(self, file):
        if file.state is State.VAULTED:
            return file.reason is not None
        return file.state in {State.SEEN, State.CLAIMED} and file.ct_sha256 is None

    def _gone(self, file):
        self.ledger.move(file, State.GONE, landing_removed_at=self.world.now, reason=None)

    def _waits(self, file, settle, patience):
        if file.state is State.SEEN:
            unfinished = looks_unfinished(file.name_bytes, file.size)
            return file.changed_at + (patience if unfinished else settle) <= self.world.now
        if file.state in UNFINISHED or file.state is State.APPLIED:
            return True
        unanswered = file.receipt_at is None and file.state is not State.GONE
        return unanswered or (file.landing_removed_at is None and file.ct_sha256 is not None)

    def _of_partner(self, file):
        return [each for each in self.ledger.files.values() if each.state in ACCEPTED and each.partner == file.partner]

    def _accepted(self, file, column, value):
        if value is None:
            return None
        others = (each for each in self._of_partner(file) if each.file_id != file.file_id)
        return next((each.file_id for each in others if getattr(each, column) == value), None)

    def _siblings(self, file, identity):
        accepted = self._of_partner(file)
        same_day = [other for other in accepted if identity.as_of and other.as_of == identity.as_of]
        number = identity.sequence

        def newest(other):
            return (other.sequence or 0 if number is not None else 0), other.signed_at, other.file_id

        day = max(same_day, key=newest, default=None)
        return Siblings(
            same_content=self._accepted(file, "columns_dropped", identity.content),
            same_signature=self._accepted(file, "sig_id", identity.signature),
            same_sequence=self._accepted(file, "sequence", number),
            newest_signed_at=max((other.signed_at for other in accepted), default=None),
            newest_as_of=max((other.as_of for other in accepted), default=None),
            same_day=Sibling(day.file_id, day.signed_at, day.sequence) if day else None,
        )


def _must_be_legal(before, to):
    if (before, to) not in MOVES:
        raise AssertionError(f"no legal move from {before} to {to}")


def _entry(file):
    return file.name_bytes, file.size, file.modified_at


def _new(file_id, partner, feed, name, size, modified, now):
    first = {"file_id": file_id, "partner": partner, "feed": feed, "name_bytes": name, "size": size}
    return Row(NOTHING | first | {"modified_at": modified, "state": State.SEEN, "seen_at": now, "changed_at": now})
