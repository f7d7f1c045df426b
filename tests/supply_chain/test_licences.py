"""Every package may be used as we use it; a licence that nobody has looked at fails and says what to do."""

import pytest

from support import licences
from support.licences import OURS, Rules, problems
from support.pinned import CHECKS, RUNS, pins

RULES = Rules(
    frozenset({"MIT", "Apache-2.0"}),
    {"MIT License": "MIT", "ISC License (ISCL)": "ISC", "DFSG approved": ""},
    {"copyleft": {"licence": "GPL-3.0", "reason": "a tool of its own"}},
)


def wrong(**known):
    return list(problems({"copyleft": "GPL-3.0"} | known, {"copyleft", *known}, RULES))


@pytest.mark.parametrize(
    "words",
    [
        "MIT",
        "MIT License",
        "Apache-2.0 OR GPL-3.0",
        "MIT AND Apache-2.0",
        "DFSG approved; MIT License",
        "(MIT OR X) AND Apache-2.0",
    ],
)
def test_what_is_allowed_passes(words):
    assert wrong(package=words) == []


@pytest.mark.parametrize(
    "words",
    ["GPL-3.0", "UNKNOWN", "", "MIT AND GPL-3.0", "MIT License; GPL-3.0", "ISC License (ISCL)", "DFSG approved"],
)
def test_copyleft_and_what_nobody_knows_fails_and_says_what_to_do(words):
    (said,) = wrong(package=words)
    assert said.startswith(f"package: {words} is not on the list. Take another package; or")


def test_an_exception_ends_when_the_package_says_something_else():
    assert [
        "the exception is for GPL-3.0, and it now says AGPL-3.0" in said for said in wrong(copyleft="AGPL-3.0")
    ] == [True]


def test_an_exception_that_nobody_needs_is_noticed():
    (said,) = problems({}, set(), RULES)
    assert said == "copyleft: nobody needs this exception any more"


def test_every_exception_gives_its_reason():
    bare = Rules(RULES.allowed, {}, {"copyleft": {"licence": "GPL-3.0"}})
    assert list(problems({"copyleft": "GPL-3.0"}, {"copyleft"}, bare)) == ["copyleft: the exception gives no reason"]


def test_every_package_that_runs_or_checks_may_be_used():
    known = licences.stated()
    names = {pin.name for file in (RUNS, CHECKS) for pin in pins(file)}
    assert len(names & known.keys()) > 200
    assert OURS not in names
    assert list(problems(known, names, licences.rules())) == []
