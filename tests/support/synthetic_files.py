"""Synthetic councils for tests: their profiles with more or fewer partners, and the rows of what they send."""

import csv
import io

from family_exchange.adapters import profiles

PROFILES = [profiles.profile(council) for council in profiles.councils()]
PROFILE = max(PROFILES, key=lambda profile: len(profile.active_feeds))
"""A council to which every feed is sent."""
REFERENCES = {feed: profiles.contract(feed).column("record_ref").name for feed in PROFILE.feeds}
"""The column with the partner's own reference of a person."""


def without(feed):
    """The profile as it would be if no partner sent that feed."""
    partners = (
        partner.model_copy(update={"feeds": tuple(each for each in partner.feeds if each != feed)})
        for partner in PROFILE.partners
    )
    return PROFILE.model_copy(update={"partners": tuple(partner for partner in partners if partner.feeds)})


def with_two_schools():
    """The profile as it would be if the schools sent their files from two places."""
    (partner,) = PROFILE.partners_for("school_attendance")
    return PROFILE.model_copy(
        update={"partners": (*PROFILE.partners, partner.model_copy(update={"slug": "more-schools"}))}
    )


def rows(file):
    """The file's rows by header, without its first line."""
    _, _, table = file.content.decode().partition("\n")
    return list(csv.DictReader(io.StringIO(table)))


def good(council, feed):
    """The rows of all good files of one feed."""
    return [row for file in council.files if file.feed == feed and file.misbehaviour is None for row in rows(file)]
