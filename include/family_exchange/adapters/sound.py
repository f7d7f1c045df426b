"""Proposals that nothing has shown to be a mistake: what families were found eligible by, in counts and in returns.

A proposal may stand several times: it lapses and comes back, or what is unknown of it changes. How it ended last is
what is known of it. One that a fuller one took the place of is as sound as the fuller one.
"""

_LAST = """
    SELECT DISTINCT ON (proposal_id) proposal_id, family_id, problems, proposed_on, ended
      FROM register.proposal_history {of} ORDER BY proposal_id, stood_from DESC
"""
_SOUND = """
  stood_last AS MATERIALIZED ({last}),
  sound AS (
    SELECT p.proposal_id, p.family_id, p.problems, p.proposed_on FROM stood_last p
     WHERE p.ended IS DISTINCT FROM 'corrected' AND EXISTS (
           SELECT FROM stood_last q WHERE q.family_id = p.family_id AND q.problems @> p.problems
              AND coalesce(q.ended NOT IN ('corrected', 'superseded'), true)))"""

SOUND = _SOUND.format(last=_LAST.format(of=""))
"""The definition of `sound(proposal_id, family_id, problems, proposed_on)`, for a query's `WITH`: as known."""

SOUND_OF_FAMILIES = _SOUND.format(last=_LAST.format(of="WHERE family_id = ANY(%(families)s)"))
"""The same of the families in the parameter `families` alone."""
