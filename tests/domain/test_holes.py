"""When a version is behind the repair of a hole, and when it is not."""

import pytest

from family_exchange.domain.holes import Hole, is_open, numbers


def hole(*closed_in, **more):
    return Hole(product="p", closed_in=closed_in, names=("CVE-1",), means="m", source="s", status="published", **more)


@pytest.mark.parametrize(
    ("version", "found"),
    [("3.2.2", (3, 2, 2)), ("9.2p1", (9, 2, 1)), ("9.2p1-2+deb12u10", (9, 2, 1, 2, 12, 10)), ("unknown", ())],
)
def test_the_numbers_of_a_version(version, found):
    assert numbers(version) == found


@pytest.mark.parametrize(
    ("version", "still"),
    [("3.2.1", True), ("3.2.2", False), ("3.10.0", False), ("3.2.10", False), ("2.11.9", True), ("", True)],
)
def test_a_release_before_the_repair_has_the_hole(version, still):
    assert is_open(hole("3.2.2"), version) is still


@pytest.mark.parametrize(
    ("version", "still"),
    [
        ("15.17", True),
        ("15.18", False),
        ("15.20", False),
        ("17.9", True),
        ("17.10", False),
        ("18.4", False),
        ("18.3", True),
        ("19.0", False),
        ("13.23", True),
    ],
)
def test_each_branch_has_its_own_repair(version, still):
    assert is_open(hole("14.23", "15.18", "16.14", "17.10", "18.4"), version) is still


@pytest.mark.parametrize(
    ("version", "still"),
    [("2.2.50", True), ("2.2.51", False), ("2.4.8", True), ("2.4.9", False), ("2.5.13", True), ("2.6.0", False)],
)
def test_a_branch_may_be_two_numbers(version, still):
    assert is_open(hole("2.2.51", "2.4.9", "2.5.14", branch=2), version) is still


@pytest.mark.parametrize(
    ("packaged", "still"),
    [
        ("9.2p1-2+deb12u2", True),
        ("9.2p1-2+deb12u3", False),
        ("1:9.2p1-2+deb12u10", False),
        ("9.7p1-1", True),
        (None, True),
    ],
)
def test_a_distribution_may_have_taken_the_repair_back(packaged, still):
    assert is_open(hole("9.8p1", debian=("9.2p1-2+deb12u3",)), "9.2p1", packaged) is still


@pytest.mark.parametrize(("version", "still"), [("9.4p1", False), ("9.5p1", True), ("9.9p1", True), ("9.9p2", False)])
def test_a_hole_that_came_later_is_not_in_what_was_before(version, still):
    assert is_open(hole("9.9p2", since="9.5p1"), version) is still
