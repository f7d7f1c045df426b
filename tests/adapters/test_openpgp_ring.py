"""A council's key ring: what comes in, what goes out, and what is left running."""

import os
import stat
from pathlib import Path
from time import monotonic, sleep, time

import pytest

from family_exchange.adapters.openpgp import SOCKET_LIMIT, OpenPGP, make_key, make_ring, stop_agent
from family_exchange.domain.errors import NeedsDecision
from support.keys import Ring


def processes_of(home):
    """Command lines of living processes that name the ring."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(home) in line:
            found.append(line)
    return found


def left_after(home, seconds):
    """As above, of those that live on for so long: an agent says that it will end, and then does."""
    until = monotonic() + seconds
    while (found := processes_of(home)) and monotonic() < until:
        sleep(0.05)
    return found


def test_a_new_key_seals_and_opens(home):
    door = OpenPGP(home, make_key(home, "Halton council"))
    assert door.open_signed(door.seal(b"x", recipient=door.own_key), door.own_key) == b"x"


def test_a_ring_is_for_its_owner_alone_and_serves_many_at_once(home):
    make_ring(home)
    make_ring(home)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert "auto-expand-secmem" in (home / "gpg-agent.conf").read_text()


def locked(home, seconds_ago):
    """The ring as a writer left it that was killed in another container: gpg cannot know that it is dead."""
    lock = home / "pubring.kbx.lock"
    lock.write_text(f"{1749:>10}\nanother-container\n")
    os.utime(lock, (time() - seconds_ago,) * 2)
    return lock


def test_what_a_writer_locked_that_died_elsewhere_stops_nobody(home):
    make_ring(home)
    locked(home, seconds_ago=600)
    assert make_key(home, "Halton council")


def test_what_somebody_has_just_locked_stays_locked(home):
    make_ring(home)
    lock = locked(home, seconds_ago=1)
    make_ring(home)
    assert lock.exists()


def test_a_locked_ring_still_opens_and_seals(home):
    door = OpenPGP(home, make_key(home, "Halton council"))
    locked(home, seconds_ago=1)
    assert door.open_signed(door.seal(b"x", recipient=door.own_key), door.own_key) == b"x"


def test_a_ring_keeps_the_agent_options_that_somebody_chose(home):
    make_ring(home)
    (home / "gpg-agent.conf").write_text("auto-expand-secmem\nmax-cache-ttl 60\n")
    make_ring(home)
    assert "max-cache-ttl" in (home / "gpg-agent.conf").read_text()


def test_a_folder_whose_name_is_too_long_for_a_socket_is_refused_in_words(tmp_path):
    long = tmp_path / ("x" * SOCKET_LIMIT)
    with pytest.raises(NeedsDecision, match="at most"):
        make_ring(long)
    assert not long.exists()


def test_a_ring_whose_name_is_just_short_enough_works(home):
    home.parent.mkdir(exist_ok=True)
    longest = home.parent / ("x" * (SOCKET_LIMIT - len(os.fsencode(home.parent)) - 1))
    try:
        assert OpenPGP(longest, make_key(longest, "Long")).has_secret_key()
    finally:
        stop_agent(longest)


def test_a_stopped_ring_leaves_no_process(home):
    fingerprint = make_key(home, "Halton council")
    assert any("gpg-agent" in line for line in processes_of(home))
    stop_agent(home)
    assert left_after(home, seconds=120) == []
    assert OpenPGP(home, fingerprint).has_secret_key()
    assert processes_of(home) == []


def test_no_work_starts_a_program_that_asks_the_network(parties):
    door = parties.council.door
    sealed = door.seal(b"x", recipient=parties.police.fingerprint)
    parties.police.door.open_signed(sealed, parties.council.fingerprint)
    with pytest.raises(NeedsDecision):
        door.seal(b"x", recipient=parties.lapsed.fingerprint)
    running = processes_of(parties.council.home) + processes_of(parties.police.home)
    assert running
    assert not any("dirmngr" in line for line in running)


def test_a_public_key_comes_in_once_however_often_it_is_given(home, parties):
    door = OpenPGP(home, parties.council.fingerprint)
    given = parties.police.door.export_public(parties.police.fingerprint)
    assert given.startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----")
    assert {door.import_key(given), door.import_key(given)} == {parties.police.fingerprint}
    assert Ring(home).gpg("--with-colons", "--list-keys").count(b"\npub:") == 1


def test_a_revocation_comes_in_with_the_key(home, parties):
    door = OpenPGP(home, make_key(home, "Halton council"))
    assert door.import_key(parties.withdrawn.door.export_public(parties.withdrawn.fingerprint))
    assert door.seal(b"x", recipient=parties.withdrawn.fingerprint)
    door.import_key(parties.council.door.export_public(parties.withdrawn.fingerprint))
    with pytest.raises(NeedsDecision, match="cannot be encrypted to"):
        door.seal(b"x", recipient=parties.withdrawn.fingerprint)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(lambda _: b"", id="nothing"),
        pytest.param(lambda _: b"a,b\n1,2\n", id="a CSV file"),
        pytest.param(lambda p: p.police.gpg("--export-secret-keys", p.police.fingerprint), id="a secret key"),
        pytest.param(lambda p: p.council.gpg("--export", p.police.fingerprint, p.schools.fingerprint), id="two keys"),
    ],
)
def test_what_is_not_one_public_key_does_not_come_in(given, home, parties):
    door = OpenPGP(home, parties.council.fingerprint)
    with pytest.raises(NeedsDecision, match="exactly one"):
        door.import_key(given(parties))
    assert b"pub:" not in Ring(home).gpg("--with-colons", "--list-keys")


def test_a_key_that_is_not_in_the_ring_cannot_be_given_out(parties):
    with pytest.raises(NeedsDecision, match="does not hold"):
        parties.council.door.export_public(parties.stranger.fingerprint)


def test_a_key_that_gpg_will_not_make_is_said_in_words(home):
    with pytest.raises(NeedsDecision, match="could not make a key"):
        make_key(home, "Halton council", expires="yesterday")
