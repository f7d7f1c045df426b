"""Whether the person of a row is known from files of another feed: a rule across files.

A contract says where its people should be known from (`known_by`). A partner is told only what its own files say of one
another. Whether somebody is known to other partners is for the council alone: otherwise whoever names a person would
learn of the absence of a finding that police, health or social care know that person.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from family_exchange.domain.contract import Contract, Whose
from family_exchange.domain.findings import Broken, Severity

AMONG_ITS_OWN, AMONG_ALL = "ACROSS-001", "ACROSS-002"

MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        AMONG_ITS_OWN: (
            "You sent nothing about this person with the feeds that should name the person too. Compare the reference, "
            "the numbers, the name and the date of birth; if they are right, nothing is to be mended: the row counts."
        ),
        AMONG_ALL: "Nobody else has sent anything about this person: look for a slip in name or date of birth.",
    }
)
"""`rule → what to do`; the second one is said to the council only."""


def broken(contract: Contract, rows: Sequence[int]) -> tuple[Broken, ...]:
    """The finding about these rows, whose persons nobody knows; empty without any."""
    if not rows or contract.known_by is None:
        return ()
    header = contract.column("record_ref").name
    if contract.known_by.whose is Whose.PARTNER:
        return (Broken(AMONG_ITS_OWN, header, Severity.WARNING, tuple(rows)),)
    return (Broken(AMONG_ALL, header, Severity.NOTE, tuple(rows)),)
