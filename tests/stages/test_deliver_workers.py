"""Two workers at one return: the one that was overtaken leaves nothing of its own."""

import pytest

from family_exchange.adapters import database, returns
from family_exchange.domain.delivery import State
from family_exchange.domain.errors import NeedsDecision, TryLater
from family_exchange.stages import deliver
from support.sending import Interrupted, a_sealed_return, ledger, through, visible


@pytest.fixture
def sealed(council):
    return a_sealed_return(council)


def cut_guard(council):
    """End the session that holds the lock, as a network fault would; its worker does not notice."""
    council.register.run(
        """SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND granted""",
        returns.LOCK,
    )


@pytest.mark.parametrize("paused", ["upload_new", "rename"])
def test_a_worker_that_was_overtaken_sends_nothing_of_its_own(council, sealed, paused):
    def overtake():
        cut_guard(council)
        assert deliver.send(council.doors, sealed) is State.DELIVERED

    server = Interrupted(council.doors.settings.recipient, before=paused, do=overtake)
    with pytest.raises(TryLater):
        deliver.send(through(council, server).doors, sealed)
    found = ledger(council, sealed)
    assert found.state is State.DELIVERED
    assert council.inbox == [found.final_name]
    assert visible(council, found.final_name) == {found.ct_sha256.hex()}


def test_a_damaged_vault_object_is_never_sent(council, sealed):
    council.doors.vault.path(ledger(council, sealed).ct_sha256).write_bytes(b"damaged")
    with pytest.raises(NeedsDecision, match="restore it"):
        deliver.send(council.doors, sealed)
    assert council.inbox == []


def test_an_epoch_fences_the_ledger(council, sealed):
    with council.register.open() as connection:
        old = returns.claim(connection, sealed)
        returns.claim(connection, sealed)
    with pytest.raises(TryLater, match="FX001"), database.transaction(council.doors.database) as connection:
        returns.advance(connection, sealed, old, State.CLAIMED, {})
