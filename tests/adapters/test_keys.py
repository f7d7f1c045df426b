"""Keys in the ledger and in the ring: two people open, one closes, a window ends; real gpg and a real PostgreSQL."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from family_exchange.adapters import audit, database, keys, own_keys
from family_exchange.adapters.openpgp import OpenPGP, make_key
from family_exchange.domain.errors import DataRefused, NeedsDecision
from family_exchange.domain.key import LIFE, KeyState, Kind, Revocation, state
from family_exchange.domain.seal import RegisteredKey
from support import sealed_files
from support.keys import Ring
from support.sealed_files import CONTENT
from support.unsealing import opener

NOW = datetime.now(UTC)
SSH = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIQMCFYxY3OSYPXDDKA3ZhGrFOWIQ5uvI4vyiWGLL0Gd police@its laptop\n"


@pytest.fixture
def ring(home):
    """The council's own ring, with its own key only."""
    return OpenPGP(home, make_key(home, "council"))


@pytest.fixture
def books(council_database, ring):
    """One transaction for one act, as a command has it."""

    class Books:
        def act(self, function, *arguments, **named):
            with database.transaction(council_database) as connection:
                return function(connection, *arguments, **named)

        def add(self, public, by, *, partner="police", at=NOW, overlap_days=None):
            key = keys.read(public, ring, at=at)
            return self.act(keys.add, ring, partner, key, by=by, at=at, overlap_days=overlap_days)

        def events(self):
            with database.transaction(council_database) as connection:
                return [(event["kind"], event["actor"]) for event in audit.newest(connection)]

    return Books()


def public(ring):
    return ring.door.export_public(ring.fingerprint)


@pytest.mark.requirement("R-046")
def test_a_key_counts_when_a_second_person_said_the_same(books, ring, parties, tmp_path):
    pending = books.add(public(parties.police), "alice")
    assert (pending.approved_by, state(pending, (), NOW)) == (None, KeyState.PENDING)
    assert books.act(keys.registered) == {}
    assert parties.police.fingerprint not in ring.held()
    valid = books.add(public(parties.police), "bob")
    assert (valid.added_by, valid.approved_by) == ("alice", "bob")
    assert [key.fingerprint for key in books.act(keys.registered)["police"]] == [parties.police.fingerprint]
    assert parties.police.fingerprint in ring.held()
    assert books.events() == [("key.added", "alice"), ("key.approved", "bob")]


def test_a_key_that_waits_opens_nothing(books, ring, parties, tmp_path):
    council = Ring(ring.home, ring.own_key)
    parties.police.knows(council)
    sealed = parties.police.sealed(CONTENT, council)
    books.add(public(parties.police), "alice", at=NOW - timedelta(hours=1))
    opener(council, tmp_path / "pending", books.act(keys.registered)).refuses(sealed, "UNKNOWN_SIGNER")
    books.act(keys.approve, ring, parties.police.fingerprint, by="bob", at=NOW - timedelta(hours=1))
    assert opener(council, tmp_path / "valid", books.act(keys.registered)).open(sealed).plaintext == CONTENT


@pytest.mark.parametrize("again", ["alice", "ALICE", " Alice "])
def test_one_person_cannot_be_two(books, ring, parties, again):
    books.add(public(parties.police), "alice")
    assert books.add(public(parties.police), again).approved_by is None
    with pytest.raises(NeedsDecision, match="two different people"):
        books.act(keys.approve, ring, parties.police.fingerprint, by=again, at=NOW)
    registered = RegisteredKey(parties.police.fingerprint, NOW)
    with pytest.raises(NeedsDecision, match="two different people"):
        books.act(keys.register, "police", registered, added_by="alice", approved_by=again)
    assert books.act(keys.registered) == {}
    assert books.act(keys.approve, ring, parties.police.fingerprint, by="bob", at=NOW).approved_by == "bob"


def test_nobody_is_nobody(books, parties):
    with pytest.raises(NeedsDecision, match="say who decides"):
        books.add(public(parties.police), "  ")
    assert books.act(keys.held) == []


def test_saying_it_again_changes_nothing(books, ring, parties):
    for by in ("alice", "alice", "bob", "carol"):
        books.add(public(parties.police), by)
    (key,) = books.act(keys.held)
    assert (key.added_by, key.approved_by) == ("alice", "bob")
    assert books.act(keys.approve, ring, key.fingerprint, by="dora", at=NOW) == key
    assert [kind for kind, _ in books.events()] == ["key.added", "key.approved", "key.refreshed"]


def test_a_key_belongs_to_one_partner(books, parties):
    books.add(public(parties.police), "alice")
    with pytest.raises(NeedsDecision, match="another partner"):
        books.add(public(parties.police), "bob", partner="schools")
    assert books.add(public(parties.police), "bob").approved_by == "bob"


def test_one_person_takes_a_key_back_at_once_and_a_second_confirms_it(books, ring, parties):
    fingerprint = parties.police.fingerprint
    for by in ("alice", "bob"):
        books.add(public(parties.police), by)
    revoke = {"reason": Revocation.COMPROMISED, "at": NOW}
    revoked = books.act(keys.revoke, fingerprint, by="alice", **revoke)
    assert (revoked.revoked_by, revoked.revoke_reason, revoked.revoke_confirmed_by) == ("alice", "compromised", None)
    assert books.act(keys.registered)["police"][0].revoked_at == NOW
    assert books.act(keys.revoke, fingerprint, by="Alice", **revoke).revoke_confirmed_by is None
    assert books.act(keys.revoke, fingerprint, by="carol", **revoke).revoke_confirmed_by == "carol"
    books.act(keys.revoke, fingerprint, by="dora", **revoke)
    kinds = [kind for kind, _ in books.events()]
    assert kinds == ["key.added", "key.approved", "key.revoked", "key.revocation_confirmed"]


def test_a_revoked_key_never_comes_back(books, ring, parties):
    books.add(public(parties.police), "alice")
    books.act(keys.revoke, parties.police.fingerprint, by="bob", reason=Revocation.REGISTERED_IN_ERROR, at=NOW)
    with pytest.raises(NeedsDecision, match="never comes back"):
        books.add(public(parties.police), "carol")
    with pytest.raises(NeedsDecision, match="never comes back"):
        books.act(keys.approve, ring, parties.police.fingerprint, by="carol", at=NOW)
    assert books.act(keys.registered) == {}
    assert books.add(public(parties.schools), "carol").approved_by is None


def test_what_nobody_added_is_neither_approved_nor_revoked(books, ring):
    with pytest.raises(NeedsDecision, match="keys list"):
        books.act(keys.approve, ring, "A" * 40, by="bob", at=NOW)
    with pytest.raises(NeedsDecision, match="keys list"):
        books.act(keys.revoke, "A" * 40, by="bob", reason=Revocation.LOST, at=NOW)
    assert books.events() == []


def test_a_new_key_retires_the_old_one_after_the_overlap(books, ring, parties):
    long_ago = NOW - timedelta(days=100)
    for by in ("alice", "bob"):
        books.add(public(parties.police), by, at=long_ago)
    books.add(public(parties.stranger), "alice", overlap_days=30)
    old, new = books.act(keys.held)
    assert old.valid_to == long_ago.replace(microsecond=0) + LIFE
    assert books.act(keys.recipient, "police", at=NOW) == old.fingerprint
    with pytest.raises(NeedsDecision, match="another overlap"):
        books.add(public(parties.stranger), "bob", overlap_days=31)
    books.add(public(parties.stranger), "bob", overlap_days=30)
    old, new = books.act(keys.held)
    assert old.valid_to == NOW + timedelta(days=30)
    assert books.act(keys.recipient, "police", at=NOW) == new.fingerprint == parties.stranger.fingerprint
    assert [state(one, (old, new), NOW) for one in (old, new)] == [KeyState.RETIRING, KeyState.VALID]
    assert [state(one, (old, new), old.valid_to) for one in (old, new)] == [KeyState.EXPIRED, KeyState.VALID]


def test_a_partner_without_a_valid_key_cannot_be_answered(books, ring, parties):
    books.add(public(parties.police), "alice")
    with pytest.raises(NeedsDecision, match="no valid key"):
        books.act(keys.recipient, "police", at=NOW)
    books.act(keys.approve, ring, parties.police.fingerprint, by="bob", at=NOW)
    assert books.act(keys.recipient, "police", at=NOW) == parties.police.fingerprint
    books.act(keys.revoke, parties.police.fingerprint, by="bob", reason=Revocation.LOST, at=NOW)
    with pytest.raises(NeedsDecision, match="no valid key"):
        books.act(keys.recipient, "police", at=NOW)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda p: p.council.gpg("--export", p.withdrawn.fingerprint), id="revoked"),
        pytest.param(lambda p: p.lapsed.gpg("--export", p.lapsed.fingerprint), id="over"),
        pytest.param(lambda p: a_key(p, "weak", "rsa1024", "sign"), id="too short"),
        pytest.param(lambda p: a_key(p, "dsa", "dsa2048", "sign"), id="DSA"),
        pytest.param(lambda p: a_key(p, "signer", "ed25519", "sign"), id="signs only"),
    ],
)
def test_a_key_that_cannot_do_its_work_is_not_registered(make, ring, parties):
    with pytest.raises(NeedsDecision, match=r"cannot be used|has run out"):
        keys.read(make(parties), ring, at=NOW)
    assert keys.read(public(parties.police), ring, at=NOW).fingerprint == parties.police.fingerprint


def a_key(parties, name, algorithm, use):
    other = parties.another(name)
    other.gpg("--quick-generate-key", f"{name} two", algorithm, use, "never")
    listing = other.gpg("--with-colons", "--list-keys", f"{name} two").decode().splitlines()
    return other.gpg("--export", next(line.split(":")[9] for line in listing if line.startswith("fpr")))


def test_an_ssh_key_lets_in_from_the_second_person_until_somebody_takes_it_back(books, ring):
    key = books.add(SSH, "alice")
    assert books.act(keys.log_ins, at=NOW) == {}
    books.act(keys.approve, ring, key.fingerprint, by="bob", at=NOW)
    line = " ".join(SSH.decode().split()[:2])
    assert books.act(keys.log_ins, at=NOW + timedelta(seconds=1)) == {"police": (line,)}
    assert books.act(keys.log_ins, at=NOW + LIFE) == {}
    books.act(keys.revoke, key.fingerprint, by="alice", reason=Revocation.LOST, at=NOW + timedelta(hours=1))
    assert books.act(keys.log_ins, at=NOW + timedelta(hours=2)) == {}


def test_an_openpgp_key_lets_nobody_in(books, ring, parties):
    for by in ("alice", "bob"):
        books.add(public(parties.police), by)
    assert books.act(keys.log_ins, at=NOW + timedelta(seconds=1)) == {}


def test_an_ssh_key_is_recorded_without_its_comment(books, ring, council_database):
    for by in ("alice", "bob"):
        books.add(SSH, by)
    (key,) = books.act(keys.held)
    assert (key.kind, key.approved_by) == (Kind.SSH, "bob")
    assert key.fingerprint.startswith("SHA256:")
    assert books.act(keys.registered) == {}
    with database.transaction(council_database) as connection:
        ((material,),) = connection.execute("SELECT material FROM exchange.partner_key").fetchall()
        told = json.dumps(audit.newest(connection))
    assert material == " ".join(SSH.decode().split()[:2])
    assert "laptop" not in told


@pytest.mark.parametrize(
    "line",
    [b"ssh-ed25519 AAAA x", b"ssh-ed25519", b"ssh-dss AAAAB3NzaC1kc3MAAACB", SSH + SSH, SSH.replace(b"GLL0Gd", b"G")],
)
def test_what_is_not_one_ssh_key_is_not_recorded(line, ring):
    with pytest.raises(NeedsDecision):
        keys.read(line, ring, at=NOW)
    assert keys.read(SSH, ring, at=NOW).kind is Kind.SSH


@pytest.fixture
def rotated(books, ring, parties):
    """A council whose own key was replaced with thirty days of overlap: its old ring, and the new key."""
    new = make_key(ring.home, "council, again")
    books.act(own_keys.add, ring, new, by="alice", moment=NOW, overlap_days=30)
    assert books.act(own_keys.at, ring.own_key, NOW) == own_keys.OwnKeys(frozenset({ring.own_key}))
    with pytest.raises(NeedsDecision, match="two different people"):
        books.act(own_keys.approve, ring.own_key, new, by="ALICE", moment=NOW)
    books.act(own_keys.approve, ring.own_key, new, by="bob", moment=NOW)
    return new


@pytest.mark.requirement("R-046")
def test_h07_files_for_the_old_the_new_and_both_own_keys(books, ring, parties, rotated, tmp_path):
    for fingerprint in (ring.own_key, rotated):
        parties.police.gpg("--import", content=ring.export_public(fingerprint))
    old, new = Ring(ring.home, ring.own_key), Ring(ring.home, rotated)
    for by in ("alice", "bob"):
        books.add(public(parties.police), by, at=NOW - timedelta(days=1))
    sealed = {
        "old": parties.police.sealed(CONTENT, old),
        "new": parties.police.sealed(CONTENT, new),
        "both": parties.police.sealed(CONTENT, old, f"--recipient={rotated}"),
        "both, the new one first": parties.police.sealed(CONTENT, new, f"--recipient={ring.own_key}"),
    }
    council = opener(old, tmp_path / "state", books.act(keys.registered))
    during = books.act(own_keys.at, ring.own_key, NOW + timedelta(days=29))
    after = books.act(own_keys.at, ring.own_key, NOW + timedelta(days=31))
    for each in sealed.values():
        assert council.later(29).open(each, own=during).plaintext == CONTENT
    assert council.later(31).open(sealed.pop("new"), own=after).plaintext == CONTENT
    for each in sealed.values():
        council.later(31).refuses(each, "WRONG_RECIPIENT", own=after)
    assert [kind for kind, _ in books.events()][:2] == ["own_key.added", "own_key.approved"]


def test_an_own_key_is_in_our_ring_before_it_is_added(books, ring, parties):
    with pytest.raises(NeedsDecision, match="secret half"):
        books.act(own_keys.add, ring, parties.police.fingerprint, by="alice", moment=NOW, overlap_days=30)
    assert books.act(own_keys.held) == []


def test_one_own_key_waits_at_a_time(books, ring, rotated):
    first, second = (make_key(ring.home, f"council {name}") for name in ("b", "c"))
    for _ in range(2):
        books.act(own_keys.add, ring, first, by="alice", moment=NOW, overlap_days=30)
    with pytest.raises(NeedsDecision, match="another own key waits"):
        books.act(own_keys.add, ring, second, by="alice", moment=NOW, overlap_days=30)
    later = NOW + timedelta(days=1)
    assert books.act(own_keys.approve, ring.own_key, first, by="bob", moment=later).fingerprint == first
    ends = {one.fingerprint: one.valid_to for one in books.act(own_keys.held)}
    assert ends == {ring.own_key: NOW + timedelta(days=30), rotated: later + timedelta(days=30), first: None}
    with pytest.raises(NeedsDecision, match="waits for nobody any more"):
        books.act(own_keys.approve, ring.own_key, first, by="bob", moment=later)


def test_a_second_person_approves_the_own_key_that_they_named_and_no_other(books, ring):
    named, waits = (make_key(ring.home, f"council {name}") for name in ("b", "c"))
    books.act(own_keys.add, ring, waits, by="alice", moment=NOW, overlap_days=30)
    with pytest.raises(NeedsDecision, match="waits for nobody any more"):
        books.act(own_keys.approve, ring.own_key, named, by="bob", moment=NOW)
    assert books.act(own_keys.waiting).fingerprint == waits
    assert books.act(own_keys.approve, ring.own_key, waits, by="bob", moment=NOW).approved_by == "bob"


def test_a_key_that_is_approved_while_keys_are_looked_at_is_told_with_its_own_end(books, ring, parties, monkeypatch):
    books.add(public(parties.police), "alice")
    listed, left = OpenPGP.held, [True]

    def meanwhile(one):
        found = listed(one)
        if left and left.pop():
            books.act(keys.approve, ring, parties.police.fingerprint, by="bob", at=NOW)
        return found

    monkeypatch.setattr(OpenPGP, "held", meanwhile)
    for there in (False, True):
        told = {end.fingerprint for end in books.act(own_keys.ends, ring)}
        assert (parties.police.fingerprint in told) is there, "what is told was looked for in the ring"


def test_every_key_that_counts_is_counted_down(books, ring, parties, home):
    ring.import_key(public(parties.schools))
    books.add(public(parties.police), "alice")
    books.add(SSH, "alice")
    books.add(SSH, "bob")
    ends = {end.fingerprint: end for end in books.act(own_keys.ends, ring, recipient=parties.schools.fingerprint)}
    assert {end.owner for end in ends.values()} == {"police", "own", "recipient"}
    assert parties.police.fingerprint not in ends
    assert ends[parties.schools.fingerprint].ends_at is None
    own = ends[ring.own_key].ends_at
    assert abs(own - NOW - timedelta(days=730)) < timedelta(days=2)
    books.act(keys.approve, ring, parties.police.fingerprint, by="bob", at=NOW)
    ends = {end.fingerprint: end for end in books.act(own_keys.ends, ring)}
    assert ends[parties.police.fingerprint].ends_at == NOW.replace(microsecond=0) + LIFE


def test_a_keys_own_end_counts_when_it_is_before_ours(books, ring, parties):
    short = parties.another("short", expires="600d")
    for by in ("alice", "bob"):
        books.add(public(short), by)
    (end,) = [one for one in books.act(own_keys.ends, ring) if one.fingerprint == short.fingerprint]
    assert end.ends_at < NOW + timedelta(days=200)
    short.gpg("--quick-set-expire", short.fingerprint, "never")
    short.gpg("--quick-set-expire", short.fingerprint, "never", "*")
    books.add(public(short), "carol")
    (end,) = [one for one in books.act(own_keys.ends, ring) if one.fingerprint == short.fingerprint]
    assert end.ends_at == NOW.replace(microsecond=0) + LIFE


def test_a_refused_key_leaves_no_trace(books, ring, parties):
    with pytest.raises((NeedsDecision, DataRefused)):
        books.add(sealed_files.good(parties), "alice")
    assert books.act(keys.held) == []
    assert books.events() == []
