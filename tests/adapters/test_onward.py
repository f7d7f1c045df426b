"""What social security systems tell stays with the council, unless its profile names who gets it and for what."""

import pytest

from family_exchange.adapters import onward, profiles
from family_exchange.adapters.documents import BadFile
from family_exchange.domain.column import Purpose
from support.agreements import a_copy_of_include

FEED = "dwp_benefits"
COUNCIL = profiles.demo_council()
RECIPIENT = profiles.profile(COUNCIL).returns["nis"].recipient
P4 = f"returns.nis.fields[{profiles.profile(COUNCIL).returns['nis'].fields.index('p4')}]"
ENTRY = """onward:
  - feed: {feed}
    recipient: {recipient}
    purpose: {purpose}
    status: assumed
    note: a test
"""


@pytest.fixture
def root(tmp_path):
    """A copy of the data, in which the feed is connected."""
    copy = a_copy_of_include(tmp_path)
    file = copy / "councils" / f"{COUNCIL}.yaml"
    before, after = file.read_text().split(f"      {FEED}:", 1)
    file.write_text(f"{before}      {FEED}:{after.replace('active: false', 'active: true', 1)}")
    return copy


def with_entry(root, **changes):
    said = {"feed": FEED, "recipient": RECIPIENT, "purpose": "evaluate_national"} | changes
    file = root / "councils" / f"{COUNCIL}.yaml"
    file.write_text(file.read_text() + ENTRY.format(**said))


def problems(root):
    return [(each.key, each.expected) for each in profiles.check(COUNCIL, root=root)]


@pytest.mark.requirement("D-03")
def test_a_field_that_such_a_feed_has_a_part_in_is_refused(root):
    ((key, expected),) = problems(root)
    assert key == P4
    assert f"expected no p4, or an entry of `onward` that names {RECIPIENT} and evaluate_national" in expected
    assert "Social Security Administration Act 1992, section 123" in expected
    with pytest.raises(BadFile, match="onward"):
        profiles.profile(COUNCIL, root=root)


@pytest.mark.requirement("D-03")
def test_the_recipient_and_the_purpose_that_the_profile_names_may_have_it(root):
    with_entry(root)
    assert problems(root) == []
    assert profiles.profile(COUNCIL, root=root).goes_on(FEED, RECIPIENT, Purpose.EVALUATE_NATIONAL)


@pytest.mark.requirement("D-03")
@pytest.mark.parametrize("other", [{"recipient": "The police"}, {"purpose": "monitor"}, {"purpose": "statistics"}])
def test_another_recipient_or_purpose_does_not_help(root, other):
    with_entry(root, **other)
    assert [key for key, _ in problems(root)] == [P4]


def test_a_feed_that_is_not_connected_refuses_nothing():
    assert profiles.check(COUNCIL) == []


@pytest.mark.requirement("D-03")
def test_every_connected_return_keeps_back_what_is_protected_and_nothing_else(root):
    with_entry(root)
    profile = profiles.profile(COUNCIL, root=root)
    laws = {
        code: onward.kept_back(profile, profiles.return_definition(code), profiles.contract) for code in profile.returns
    }
    assert laws == {"nis": {}, "fpd": {FEED: "Social Security Administration Act 1992, section 123"}}


@pytest.mark.parametrize(
    ("feed", "expected"),
    [
        ("police_incidents", "expected a feed that a law of its own protects"),
        ("weather", "expected an agreed feed; nobody sends it"),
    ],
)
def test_an_entry_names_an_agreed_feed_that_is_protected(root, feed, expected):
    with_entry(root, feed=feed)
    assert ("onward[0].feed", expected) in problems(root)


@pytest.mark.requirement("D-03")
def test_every_contract_with_social_security_is_protected_by_its_law():
    protected = {
        feed
        for feed in profiles.feeds()
        for version in profiles.versions(feed)
        if profiles.contract(feed, version).protected_by
    }
    social_security = {feed for feed in profiles.feeds() if profiles.contract(feed).partner_types == ("dwp",)}
    assert protected == social_security == {FEED}
