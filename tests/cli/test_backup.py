"""The recovery key on the command line, and a worker that is at work when its council is closed."""

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from family_exchange.adapters import closing, recovery_key
from family_exchange.adapters.closing import Closed
from family_exchange.cli import application
from family_exchange.domain import shares
from family_exchange.domain.errors import Halted, NeedsDecision
from family_exchange.stages.office import CouncilOffice
from support.council import council, recipient_server, rings

__all__ = ["council", "recipient_server", "rings"]


def backup(*words):
    answer = CliRunner().invoke(application("backup"), ["backup", *words])
    if answer.exception and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer


def test_the_key_and_its_shares_lie_in_files_and_are_never_printed(tmp_path):
    answer = backup("key", "--out", str(tmp_path / "key"), "--shares", "4", "--needed", "3", "--json")
    assert answer.exit_code == 0
    files = sorted((tmp_path / "key").glob("share-*.txt"))
    made = [shares.read(file.read_text()) for file in files]
    assert [(share.number, share.needed) for share in made] == [(number, 3) for number in (1, 2, 3, 4)]
    assert not any(share.values.hex() in answer.output for share in made)
    told = json.loads(answer.stdout)
    with recovery_key.ring(
        tmp_path / "r", tmp_path / "key" / "recovery.secret", [file.read_text() for file in files[1:]]
    ) as ring:
        assert (ring.own_key, ring.has_secret_key()) == (told["recovery_key"], True)


def test_one_person_alone_can_never_be_enough(tmp_path):
    with pytest.raises(NeedsDecision, match="at least 2 are needed"):
        backup("key", "--out", str(tmp_path / "key"), "--needed", "1")


def test_a_worker_that_is_at_work_stops_between_two_files(council):
    with CouncilOffice(council.doors).kept_open() as office:
        with office.desk() as desk:
            assert desk.waiting("police_incidents", office.settle, office.patience) == []
        closing.close(council.doors.settings.state, Closed(datetime.now(UTC), "it.security", "leak"))
        with pytest.raises(Halted, match="this council is closed"), office.desk():
            pass
