import json

import pytest

from family_exchange.adapters import schemas
from family_exchange.adapters.profiles import ROOT


@pytest.mark.parametrize("name", sorted(schemas.MODELS))
def test_the_schema_for_editors_is_current(name):
    kept = (ROOT / "schemas" / f"{name}.json").read_text(encoding="utf-8")
    assert kept == schemas.text(schemas.MODELS[name]), "run `make schemas`"


def test_a_schema_uses_the_keys_of_the_file():
    profile = json.loads(schemas.text(schemas.MODELS["profile"]))
    assert {"enabled", "fields", "comparison_group"} <= set(profile["$defs"]["ReturnPromise"]["properties"])


def test_writing_twice_leaves_the_same_bytes(tmp_path):
    schemas.write(tmp_path / "schemas")
    first = {path.name: path.read_bytes() for path in (tmp_path / "schemas").iterdir()}
    schemas.write(tmp_path / "schemas")
    assert {path.name: path.read_bytes() for path in (tmp_path / "schemas").iterdir()} == first
    assert set(first) == {f"{name}.json" for name in schemas.MODELS}


@pytest.mark.parametrize("folder", ["councils", "contracts/police_incidents", "frameworks", "returns"])
def test_every_file_names_its_schema(folder):
    for path in (ROOT / folder).glob("*.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        schema = first.removeprefix("# yaml-language-server: $schema=")
        assert (path.parent / schema).is_file(), path.name
