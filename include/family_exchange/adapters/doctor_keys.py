"""How a council's OpenPGP keys stand: our own does its work, the others can be used and for how long."""

from collections.abc import Iterator
from datetime import UTC, datetime

from family_exchange.adapters import backup_place, doctor_database, keys, own_keys
from family_exchange.adapters.certificates import SHORTEST_RSA, Certificate
from family_exchange.adapters.database import Connection
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.openpgp import AGENT_OPTIONS
from family_exchange.domain import expiry
from family_exchange.domain.doctor import Finding, Grade, Room, bad, good, judged, unseen, warning
from family_exchange.domain.expiry import KeyEnd
from family_exchange.domain.key import Kind

SOON, NEAR = 90, 30
"""Days before its end from which on a key is a matter to think of, and one to act on."""
TRIAL = b"family-exchange doctor"
"""What we seal to ourselves, and open again; it is nobody's."""


def own(doors: Doors) -> Iterator[Finding]:
    """Our own key seals and opens."""
    ring, fingerprint = doors.openpgp, doors.settings.own_key
    if not ring.has_secret_key():
        found = f"{fingerprint}: its secret half is not in the ring"
        yield bad(Room.KEYS, "own key", found, "restore it from its backup, or make another: runbook, a lost key")
        return
    sealed = ring.seal(TRIAL, recipient=fingerprint)
    opened = ring.open_signed(sealed, fingerprint)
    yield judged(
        Room.KEYS,
        "own key",
        f"{fingerprint} seals and opens" if opened == TRIAL else f"{fingerprint} opened something else than was sealed",
        well=opened == TRIAL,
        advice="stop intake, keep the ring as it is, and look at gpg",
    )


def ring(doors: Doors) -> Iterator[Finding]:
    """The ring's own settings, and that only registered keys are in it."""
    home = doors.openpgp.home
    try:
        options = (home / "gpg-agent.conf").read_text()
    except OSError as error:
        yield unseen(
            Room.KEYS, "gpg-agent.conf", f"it cannot be read (errno {error.errno})", "`family-exchange set-up`"
        )
    else:
        said = AGENT_OPTIONS.strip()
        yield judged(
            Room.KEYS,
            "gpg-agent.conf",
            f"says {said}" if said in options.split() else f"does not say {said}",
            well=said in options.split(),
            advice=f"write {said} into {home}/gpg-agent.conf, then gpgconf --homedir … --kill gpg-agent: many files at "
            "once use up the agent's memory, and look like files for somebody else",
        )
    with doctor_database.asking(doors.settings.database) as connection:
        registered = _registered(connection, doors)
    strangers = sorted(doors.openpgp.held().keys() - registered)
    yield judged(
        Room.KEYS,
        "keys in the ring",
        f"nobody registered {', '.join(strangers)}" if strangers else "all are registered",
        well=not strangers,
        advice="find out who put them there; gpg --homedir … --delete-keys takes them out",
        otherwise=Grade.WARNING,
    )


def in_force(doors: Doors) -> Iterator[Finding]:
    """Each key that two people registered: there, strong, not revoked, and for how long; and who has none."""
    with doctor_database.asking(doors.settings.database) as connection:
        ends = own_keys.ends(connection, doors.openpgp, recipient=doors.settings.recipient_key)
    held = doors.openpgp.held()  # after the ledger: what that tells of is in the ring
    today = datetime.now(UTC).date()
    for key in ends:
        if key.kind is Kind.OPENPGP:
            yield _usable(key, held.get(key.fingerprint))
        left = expiry.days_left(key.ends_at, today)
        if left is None or left >= 0 or not key.replaced:
            yield _lasting(key, left)
    now = datetime.now(UTC)
    owners = {key.owner for key in ends if key.kind is Kind.OPENPGP and (key.ends_at is None or key.ends_at > now)}
    for partner in doors.profile.active_partners:
        if partner.slug not in owners:
            advice = "two people add one: `family-exchange keys add`; until then no file of theirs is taken"
            yield warning(Room.KEYS, f"a key of {partner.slug}", "there is none in force", advice)


def _registered(connection: Connection, doors: Doors) -> set[str]:
    known = {one.fingerprint for one in (*keys.held(connection), *own_keys.held(connection))}
    _, recovery_key = backup_place.place(doors.settings.state, doors.settings.council)
    return known | {doors.settings.own_key, doors.settings.recipient_key, recovery_key}


def _named(key: KeyEnd) -> str:
    return "council's own key" if key.owner == "own" else f"key of {key.owner}"


def _usable(key: KeyEnd, certificate: Certificate | None) -> Finding:
    subject = _named(key)
    if certificate is None:
        found = f"{key.fingerprint} is not in the ring"
        return bad(Room.KEYS, subject, found, "add it again with `family-exchange keys add`, or gpg --import")
    lacks = [word for use, word in (("s", "sign"), ("e", "be encrypted to")) if not certificate.can(use)]
    if not lacks:
        return good(Room.KEYS, subject, f"{key.fingerprint} can be used")
    over = certificate.ends_at is not None and certificate.ends_at <= datetime.now(UTC)
    why = "it is over" if over else f"revoked, over, or weaker than RSA of {SHORTEST_RSA} bits"
    return bad(
        Room.KEYS,
        subject,
        f"{key.fingerprint} cannot {' or '.join(lacks)}: {why}",
        "its owner prolongs it or makes another and sends it; two people add it with `family-exchange keys add`",
    )


def _lasting(key: KeyEnd, left: int | None) -> Finding:
    subject = f"end of the {_named(key)}"
    if left is None:
        return good(Room.KEYS, subject, f"{key.fingerprint} has none")
    if left < 0:
        return bad(Room.KEYS, subject, f"{key.fingerprint} ended {-left} days ago", "its owner makes another")
    told = f"{key.fingerprint} ends in {left} days"
    advice = "ask its owner for another now; `family-exchange keys rotate` replaces ours"
    if left > SOON:
        return good(Room.KEYS, subject, told)
    return Finding(Room.KEYS, subject, Grade.WARNING if left <= NEAR else Grade.NOTE, told, advice)
