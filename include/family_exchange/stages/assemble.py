"""A return before it leaves: its rows frozen, checked, signed off by different people, and sealed once."""

import io
import logging
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256

from family_exchange.adapters import audit, database, onward, profiles, register, return_rows, returns, said
from family_exchange.adapters.audit import Plain
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.faultpoint import faultpoint
from family_exchange.adapters.return_rows import Cohort
from family_exchange.adapters.returns import Return
from family_exchange.domain import delivery, return_rules
from family_exchange.domain.delivery import State
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.domain.key import among, require_person
from family_exchange.domain.period import Period, calendar
from family_exchange.domain.promises import ReturnPromise
from family_exchange.domain.return_definition import ReturnField
from family_exchange.domain.return_file import final_name, plain
from family_exchange.domain.return_rules import Asked, Finding, Severity

log = logging.getLogger(__name__)


class Why(StrEnum):
    """Why a return is given up; a closed list, because free text would carry names into the audit."""

    CHECKS_FAILED = "checks_failed"
    ROWS_WRONG = "rows_wrong"
    RECIPIENT_HOLDS_OTHER_BYTES = "recipient_holds_other_bytes"


AGAIN = frozenset({State.VOID, State.REFUSED_BY_RECIPIENT})
"""After these a period needs a new version; after any other state there is one already."""

ARRIVED = frozenset({State.DELIVERED, State.ACKNOWLEDGED})
"""What the recipient holds; it is corrected by a later version, never changed."""

FREEZING = 44
"""Namespace of the advisory lock under which a version is made."""


def draft(doors: Doors, code: str, period: str) -> str:
    """The id of this period's return, with its rows frozen as known now and nobody in it who may not be.

    Nobody writes the register or a flag meanwhile: the same rows can be made again as known at that moment. A second
    run gives the same id and changes nothing, unless the earlier version was voided or refused: it makes the next.

    Raises:
        NeedsDecision: the council does not make this return, there is no such period, or a field is not known.
        TryLater: another worker assembles it, or is writing the register or a flag.
    """
    wanted = period_of(doors, code, period)
    with database.transaction(doors.database) as connection:
        _turn(connection, code, wanted.name)
        earlier = returns.newest(connection, code, wanted.name)
        if earlier is not None and earlier.state not in AGAIN:
            return earlier.return_id
        return _freeze(doors, connection, code, wanted, earlier)


def correct(doors: Doors, return_id: str, *, by: str, reason: Why) -> str:
    """The id of the next version of a return that has arrived, with its rows frozen as known now.

    What was sent stays what was sent; the new version is checked, signed off, sealed and delivered like any other, and
    `rebuild.diff` tells the two apart. A second run gives the version that there is.

    Raises:
        NeedsDecision: nobody is named, or the return has not arrived.
        TryLater: as with `draft`.
    """
    require_person(by)
    with database.transaction(doors.database) as connection:
        wrong = returns.read(connection, return_id)
        _turn(connection, wrong.code, wrong.period)
        newest = returns.newest(connection, wrong.code, wrong.period)
        if newest is not None and newest.version > wrong.version:
            return newest.return_id
        if wrong.state not in ARRIVED:
            raise NeedsDecision(f"return {return_id} is {wrong.state}; only what has arrived is corrected")
        body: dict[str, Plain] = {"return": return_id, "reason": str(reason)}
        audit.append(connection, "return.correction", by.strip(), body)
        wanted = period_of(doors, wrong.code, wrong.period)
        return _freeze(doors, connection, wrong.code, wanted, wrong)


def _turn(connection: Connection, code: str, period: str) -> None:
    if not database.lock(connection, FREEZING, f"{code} {period}"):
        raise TryLater(f"another worker assembles {code} for {period}")


def _freeze(doors: Doors, connection: Connection, code: str, wanted: Period, earlier: Return | None) -> str:
    """The id of the version after `earlier`, ASSEMBLED."""
    promise = promise_of(doors, code)
    if not database.lock_shared(connection, register.LOCK, "register"):
        raise TryLater("another worker is bringing the register up to date")
    return_rows.flags_stand(connection)
    version = earlier.version + 1 if earlier else 1
    at = database.clock(connection)
    made = returns.create(connection, code, wanted.name, version, fields=promise.fields, at=at)
    audit.append(connection, "return.draft", returns.ACTOR, {"return": made.return_id, "version": version})
    cohort, rules = cohort_of(doors, code, wanted), said.rules(doors.profile)
    assembled = return_rows.assemble(connection, made.return_id, fields_of(code, promise.fields), cohort, rules)
    digest = sha256(_plain(connection, made)).digest()
    returns.note_content(connection, made.return_id, rows=assembled.rows, sha256=digest)
    body: dict[str, Plain] = {"rows": assembled.rows, "excluded": assembled.excluded, "sha256": digest.hex()}
    returns.advance(connection, made.return_id, returns.claim(connection, made.return_id), State.ASSEMBLED, body)
    log.info("return %s: %d rows", made.return_id, assembled.rows)
    return made.return_id


def void(doors: Doors, return_id: str, *, by: str, reason: Why) -> None:
    """The return is VOID, by a named person; `draft` makes the next version. A second run changes nothing.

    Raises:
        NeedsDecision: nobody is named, or the return is on its way or with the recipient already.
    """
    require_person(by)
    with database.transaction(doors.database) as connection:
        found = returns.read(connection, return_id, alone=True)
        if found.state is State.VOID:
            return
        if not delivery.may_move(found.state, State.VOID):
            raise NeedsDecision(f"return {return_id} is {found.state}; it can no longer be given up")
        epoch = found.epoch if found.state is State.CONFLICT else returns.claim(connection, return_id)
        body: dict[str, Plain] = {"by": by.strip(), "reason": str(reason)}
        returns.advance(connection, return_id, epoch, State.VOID, body)


def check(doors: Doors, return_id: str) -> dict[str, int]:
    """Counts: `rows`, `errors`, `queries`, and each rule that found something; the findings stand in the database.

    A second run with the same rows and rights finds the same.
    """
    with database.transaction(doors.database) as connection:
        found = _check(doors, connection, returns.read(connection, return_id))
        rows = returns.read(connection, return_id).rows or 0
    return {"rows": rows, **_counts(found)}


def sign_off(doors: Doors, return_id: str, *, by: str, other_than: tuple[str, ...] = ()) -> int:
    """How many different people have signed exactly this content; with enough of them the return is SIGNED_OFF.

    `other_than` names people whose signature this one must not be: somebody who is asked to be the second signer. A
    second run by the same person changes nothing and never counts as another person.

    Raises:
        NeedsDecision: the return is not assembled, a check finds an error, or `by` is not another person.
    """
    require_person(by)
    if among(by, other_than):
        raise NeedsDecision(f"return {return_id} needs the sign-off of a different person")
    with database.transaction(doors.database) as connection:
        found = returns.read(connection, return_id, alone=True)  # one person, in two sessions at once, is one signer
        signers = returns.signers(connection, return_id)
        content = found.content_sha256
        if among(by, signers) or found.state is not State.ASSEMBLED or content is None:
            return _signed_before(found, signers, by)
        _no_errors(found, _check(doors, connection, found))
        epoch = returns.claim(connection, return_id)
        returns.sign(connection, return_id, by=by.strip(), content_sha256=content)
        audit.append(connection, "return.signed", by.strip(), {"return": return_id, "sha256": content.hex()})
        signed = len(returns.signers(connection, return_id))
        if signed >= promise_of(doors, found.code).sign_offs:
            returns.advance(connection, return_id, epoch, State.SIGNED_OFF, {"people": signed}, actor=by.strip())
    return signed


def seal(doors: Doors, return_id: str) -> str:
    """The id again: the return has one sealed form, durably in the vault, and a name that carries its digest.

    The CSV is built again from the rows and must have the digest that people signed. OpenPGP gives other bytes every
    time, so the digest is committed before the bytes are stored; a second run keeps what a first one stored.

    Raises:
        NeedsDecision: too few different people have signed, or the rows are not what they signed.
        TryLater: another worker is at it, or gpg or the vault cannot serve now.
    """
    with returns.held(doors.database, return_id):
        with database.transaction(doors.database) as connection:
            found = returns.read(connection, return_id)
            if found.state is not State.SIGNED_OFF:
                return _sealed_before(doors, connection, found)
            text = _plain(connection, found)
            if sha256(text).digest() != found.content_sha256:
                raise NeedsDecision(f"the rows of return {return_id} are not those that people signed off")
            epoch = returns.claim(connection, return_id)
        if found.ct_sha256 is None or not doors.vault.whole(found.ct_sha256):
            _store(doors, found, text)
        with database.transaction(doors.database) as connection:
            found = returns.read(connection, return_id)
            body: dict[str, Plain] = {"sha256": (found.ct_sha256 or b"").hex(), "bytes": found.size}
            body |= {"to": doors.settings.recipient_key}
            returns.advance(connection, return_id, epoch, State.SEALED, body)
    return return_id


def _store(doors: Doors, found: Return, text: bytes) -> None:
    """The sealed bytes are in the vault, and the ledger knew their digest before."""
    sealed = doors.openpgp.seal(text, recipient=doors.settings.recipient_key)
    digest = sha256(sealed).digest()
    name = final_name(doors.profile.council, found.code, found.period, found.version, sealed_sha256=digest)
    with database.transaction(doors.database) as connection:
        returns.note_seal(connection, found.return_id, sha256=digest, size=len(sealed), final_name=name)
    faultpoint("seal.noted")
    doors.vault.put(io.BytesIO(sealed))
    faultpoint("seal.stored")


def _check(doors: Doors, connection: Connection, found: Return) -> tuple[Finding, ...]:
    asked = Asked(
        definition=profiles.return_definition(found.code),
        disclosed=promise_of(doors, found.code).fields,
        period=period_of(doors, found.code, found.period),
        min_problems=doors.profile.framework_on(period_of(doors, found.code, found.period).last_day).min_problems,
        flagged_rows=return_rows.flagged_rows(connection, found.return_id, return_rules.excluding(found.code)),
    )
    findings = return_rules.check(tuple(return_rows.rows(connection, found.return_id)), asked)
    returns.keep_findings(connection, found.return_id, findings)
    return findings


def _no_errors(found: Return, findings: tuple[Finding, ...]) -> None:
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        first = errors[0]
        where = f"row {first.row_no or 'none'}, field {first.field or 'none'}, rule {first.rule}"
        raise NeedsDecision(f"return {found.return_id} has {len(errors)} errors; the first: {where}")


def _counts(findings: tuple[Finding, ...]) -> dict[str, int]:
    severities = Counter(finding.severity for finding in findings)
    rules = Counter(finding.rule for finding in findings)
    return {"errors": severities[Severity.ERROR], "queries": severities[Severity.QUERY], **dict(sorted(rules.items()))}


def _signed_before(found: Return, signers: tuple[str, ...], by: str) -> int:
    if found.state in {State.DRAFT, State.VOID} or (not among(by, signers) and found.state is not State.ASSEMBLED):
        raise NeedsDecision(f"return {found.return_id} is {found.state}; there is nothing to sign off")
    return len(signers)


def _sealed_before(doors: Doors, connection: Connection, found: Return) -> str:
    if found.state in {State.DRAFT, State.ASSEMBLED, State.VOID}:
        signed, needed = len(returns.signers(connection, found.return_id)), promise_of(doors, found.code).sign_offs
        raise NeedsDecision(
            f"return {found.return_id} is {found.state}: {signed} of {needed} different people have signed it off"
        )
    return found.return_id


def _plain(connection: Connection, found: Return) -> bytes:
    return plain(found.fields, (row.content for row in return_rows.rows(connection, found.return_id)))


def promise_of(doors: Doors, code: str) -> ReturnPromise:
    """What the council sends as that return.

    Raises:
        NeedsDecision: the council does not make it.
    """
    promise = doors.profile.returns.get(code)
    if promise is None or not promise.enabled:
        made = ", ".join(sorted(one for one, its in doors.profile.returns.items() if its.enabled))
        raise NeedsDecision(f"council {doors.profile.council} does not make that return; it makes: {made or 'none'}")
    return promise


def period_of(doors: Doors, code: str, name: str) -> Period:
    """The period of that name in the return's calendar.

    Raises:
        NeedsDecision: there is none.
    """
    return calendar(promise_of(doors, code).periods).period(name)


def fields_of(code: str, names: Sequence[str]) -> tuple[ReturnField, ...]:
    """The fields of these names, each as the return defines it, in the same order.

    Raises:
        NeedsDecision: the return has no such field; its name is the profile's, never somebody's file's.
    """
    definition = profiles.return_definition(code)
    if unknown := sorted(set(names) - set(definition.names)):
        raise NeedsDecision(f"the return {code} has no field {', '.join(unknown)}; mend the council's profile")
    return tuple(definition.field(name) for name in names)


def cohort_of(doors: Doors, code: str, period: Period) -> Cohort:
    """Whom the council's return covers."""
    promise, definition = promise_of(doors, code), profiles.return_definition(code)
    kept_back = tuple(sorted(onward.kept_back(doors.profile, definition, profiles.contract)))
    excluding = return_rules.excluding(code)
    return Cohort(doors.profile.la_code, period, promise.comparison_group, excluding, kept_back)
