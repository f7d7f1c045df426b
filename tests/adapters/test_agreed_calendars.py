"""Every feed of every partner has a calendar and somebody who chases it, or the profile is refused with the line."""

import re

import pytest

from family_exchange.adapters import profiles
from support.agreements import a_copy_of_include, changed

COUNCIL = profiles.demo_council()


@pytest.fixture
def root(tmp_path):
    return a_copy_of_include(tmp_path)


def refused(root):
    with pytest.raises(profiles.BadFile) as refusal:
        profiles.profile(COUNCIL, root=root)
    return refusal.value


@pytest.mark.parametrize("council", profiles.councils())
def test_every_feed_has_a_calendar_whose_contact_can_be_reached(council):
    profile = profiles.profile(council)
    for partner in profile.partners:
        assert set(partner.calendars) == set(partner.feeds)
        for calendar in partner.calendars.values():
            assert profile.mailboxes[calendar.contact].email.endswith(".example.org")
            assert calendar.status == "assumed"


def test_a_feed_without_a_calendar_is_refused(root):
    text = (root / f"councils/{COUNCIL}.yaml").read_text()
    block = re.search(r"      police_incidents:\n(        .*\n)+", text)
    changed(root, f"councils/{COUNCIL}.yaml", block[0], "")
    assert "expected a calendar of police_incidents" in str(refused(root))


def test_a_calendar_of_a_feed_that_the_partner_does_not_send_is_refused(root):
    line = changed(root, f"councils/{COUNCIL}.yaml", "      police_incidents:\n", "      police_accidents:\n")
    found = {(each.line, each.key.rpartition(".")[2]): each.expected for each in refused(root).problems}
    assert found[line, "police_accidents"] == "expected a feed of this partner"


def test_a_contact_without_a_mailbox_is_refused(root):
    line = changed(root, f"councils/{COUNCIL}.yaml", "contact: programme", "contact: nobody")
    assert (refused(root).line, refused(root).expected) == (line, "expected one of `mailboxes`: programme, operations")


def test_a_council_without_a_mailbox_for_operations_is_refused(root):
    changed(root, f"councils/{COUNCIL}.yaml", "  operations:\n", "  others:\n")
    assert "operations" in refused(root).expected


def test_a_calendar_by_terms_needs_to_know_the_terms(root):
    text = (root / f"councils/{COUNCIL}.yaml").read_text()
    changed(root, f"councils/{COUNCIL}.yaml", text[text.index("school_terms:") : text.index("statistics_preset:")], "")
    assert refused(root).key.endswith("calendars.school_attendance.every")


@pytest.mark.parametrize("address", ["nobody", "a b@example.org", "a@example", "a@b.org\\nBcc: c@d.org"])
def test_a_mailbox_that_is_no_plain_address_is_refused(root, address):
    email = profiles.profile(COUNCIL).mailboxes["operations"].email
    changed(root, f"councils/{COUNCIL}.yaml", f"email: {email}", f'email: "{address}"')
    assert refused(root).key == "mailboxes.operations.email"


def test_a_feed_that_is_paused_makes_no_dag_and_tells_nothing(root):
    before = set(profiles.profile(COUNCIL, root=root).active_feeds)
    changed(root, f"councils/{COUNCIL}.yaml", "active: true", "active: false")
    profile = profiles.profile(COUNCIL, root=root)
    (paused,) = before - set(profile.active_feeds)
    assert paused in profile.feeds
    assert profile.partners_for(paused) == ()
    framework = profiles.framework_in_force(profile, profile.partners[0].agreement.approved_on, root=root)
    assert paused not in {indicator.feed for indicator in framework.indicators}
