from pathlib import Path

import pytest

from family_exchange.adapters import settings
from family_exchange.adapters.settings import CouncilSettings, SftpEndpoint
from family_exchange.domain.errors import MissingSetting


def an_endpoint(tmp_path, user="a.user"):
    return SftpEndpoint("127.0.0.1", 2222, user, tmp_path / "a key", "ssh-ed25519 AAAA+/=")


@pytest.fixture
def stated(tmp_path):
    return CouncilSettings(
        "a-council",
        "postgresql://u:p@h/d",
        tmp_path,
        "A" * 40,
        "B" * 40,
        an_endpoint(tmp_path),
        an_endpoint(tmp_path, "b"),
    )


def test_settings_survive_the_environment(stated):
    assert settings.from_environment("a-council", settings.as_environment(stated)) == stated


def test_room_is_said_in_mebibytes_and_disks_by_colons(stated):
    environment = settings.as_environment(stated)
    environment["FAMILY_EXCHANGE__A_COUNCIL__LEAST_ROOM_MIB"] = "2048"
    environment["FAMILY_EXCHANGE__A_COUNCIL__DISKS"] = "/srv/data:/srv/wal"
    found = settings.from_environment("a-council", environment)
    assert (found.least_room, found.disks) == (2 << 30, (Path("/srv/data"), Path("/srv/wal")))
    assert settings.from_environment("a-council", settings.as_environment(found)) == found


@pytest.mark.parametrize("wrong", ["0", "-1", "1.5", "much"])
def test_room_that_is_no_number_is_refused(stated, wrong):
    environment = settings.as_environment(stated) | {"FAMILY_EXCHANGE__A_COUNCIL__LEAST_ROOM_MIB": wrong}
    with pytest.raises(MissingSetting, match="LEAST_ROOM_MIB: write a whole number of MiB"):
        settings.from_environment("a-council", environment)


@pytest.mark.parametrize("setting", ["DATABASE", "STATE", "OPENPGP_KEY", "RECIPIENT_KEY", "DROP_ZONE", "RECIPIENT"])
def test_a_missing_setting_is_named(stated, setting):
    environment = settings.as_environment(stated)
    del environment[f"FAMILY_EXCHANGE__A_COUNCIL__{setting}"]
    with pytest.raises(MissingSetting, match=f"FAMILY_EXCHANGE__A_COUNCIL__{setting}"):
        settings.from_environment("a-council", environment)


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("sftp://h?private_key=/k&host_key=x", "user"),
        ("sftp://u@h?host_key=x", "private_key"),
        ("sftp://u@h?private_key=/k", "host_key"),
    ],
)
def test_an_endpoint_without_a_part_names_it(url, part):
    with pytest.raises(MissingSetting, match=f"its {part} is absent"):
        settings.endpoint("c", "S", url)


def test_secrets_do_not_show(stated):
    assert "u:p" not in repr(stated)
