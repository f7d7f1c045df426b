"""Who is who in a register, in words that do not depend on ids: to hold one register against another."""

from collections import defaultdict

from support.registry import query


def persons(url):
    """Person → their source records, each by what its partner calls it."""
    found = defaultdict(set)
    for person, *record in query(
        url,
        """SELECT p.person_id, r.feed, r.partner, r.record_ref, r.event_ref
             FROM register.source_record r JOIN register.person_record p USING (source_record_id)""",
    ):
        found[person].add(tuple(record))
    return {person: frozenset(records) for person, records in found.items()}


def who_is_who(url):
    """The persons as sets of records, and the pairs of them that somebody must look at."""
    records = persons(url)
    rows = query(url, "SELECT person_a, person_b, probability FROM register.possible_match")
    return set(records.values()), {(frozenset({records[a], records[b]}), probability) for a, b, probability in rows}
