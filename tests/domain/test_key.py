"""What state a registered key is in, and who is whom."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from family_exchange.domain.errors import NeedsDecision
from family_exchange.domain.key import HeldKey, KeyState, Kind, require_overlap, require_person, same_person, state

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = HeldKey("A" * 40, Kind.OPENPGP, "police", NOW - timedelta(days=9), NOW + timedelta(days=9), "alice", "bob")
NEWER = replace(KEY, fingerprint="B" * 40, valid_from=NOW - timedelta(days=1))


@pytest.mark.parametrize(
    ("changes", "others", "expected"),
    [
        ({}, (), KeyState.VALID),
        ({}, (NEWER,), KeyState.RETIRING),
        ({}, (replace(NEWER, approved_by=None),), KeyState.VALID),
        ({}, (replace(NEWER, revoked_at=NOW),), KeyState.VALID),
        ({}, (replace(NEWER, kind=Kind.SSH),), KeyState.VALID),
        ({}, (replace(NEWER, partner="schools"),), KeyState.VALID),
        ({"approved_by": None}, (), KeyState.PENDING),
        ({"valid_to": NOW}, (), KeyState.EXPIRED),
        ({"valid_to": NOW + timedelta(seconds=1)}, (), KeyState.VALID),
        ({"valid_to": None}, (), KeyState.VALID),
        ({"revoked_at": NOW}, (NEWER,), KeyState.REVOKED),
        ({"revoked_at": NOW, "approved_by": None}, (), KeyState.REVOKED),
    ],
)
def test_a_key_is_in_one_state(changes, others, expected):
    key = replace(KEY, **changes)
    assert state(key, (key, *others), NOW) is expected


@pytest.mark.parametrize("other", ["Alice Smith", "ALICE SMITH", " alice  smith ", "alicesmith", "ALICE\tSMITH"])
def test_case_and_spaces_make_nobody_another_person(other):
    assert same_person("alice smith", other)
    assert not same_person("alice smith", other + "e")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("jo.brown", "Jo Brown"),
        ("jo.brown", "jo_brown"),
        ("Jo Brown", "Brown, Jo"),
        ("jo.brown@council.example", "jo.brown"),
        ("Zoe\u0308 O'Hara", "Zo\u00eb O\u2019Hara"),
        ("Zo\u00eb Hara", "zoe hara"),
        ("\uff4ao brown", "jo brown"),
    ],
)
def test_another_way_to_write_a_name_makes_nobody_another_person(one, other):
    assert same_person(one, other)
    assert same_person(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [("jo.brown", "jo.browne"), ("ann lee", "ann li"), ("it.security", "it.lead")]
)
def test_other_people_stay_other_people(one, other):
    assert not same_person(one, other)


@pytest.mark.parametrize("machine", ["exchange", "Airflow", " SYSTEM ", "machine"])
def test_a_machine_is_not_a_person(machine):
    with pytest.raises(NeedsDecision, match="never by a machine"):
        require_person(machine)
    require_person(f"{machine.strip()} keeper")


@pytest.mark.parametrize("name", ["", "  ", "\t", "a\nb", "x" * 101, "...", "--", "@council.example"])
def test_nobody_is_not_a_person(name):
    with pytest.raises(NeedsDecision, match="say who decides"):
        require_person(name)
    require_person("x" * 100)


@pytest.mark.parametrize("days", [-1, 367])
def test_an_overlap_has_its_bounds(days):
    with pytest.raises(NeedsDecision, match="0 to 366"):
        require_overlap(days)
    for allowed in (None, 0, 366):
        require_overlap(allowed)
