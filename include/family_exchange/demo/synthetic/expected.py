"""What is wrong with each misbehaving file, and what the platform promises to say of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from family_exchange.demo.synthetic.mishaps import Misbehaviour
from family_exchange.domain.file import Reason, State


@dataclass(frozen=True, slots=True)
class Expected:
    """The answer to one kind of file."""

    wrong: str
    """What is the matter with it, in plain words."""
    state: State = State.CLOSED
    """Where the file ends."""
    reason: Reason | None = None
    """Why it is in quarantine."""
    readable: bool = True
    """False when the content itself is refused, so that a check before sending says so too."""
    aside: str = ""
    """What else there is to know."""


GOOD = Expected("nothing")
_Q = State.QUARANTINED
_HELD = "held until two people release or reject it, once two files of 50 rows or more were taken in before it"
EXPECTED: Mapping[Misbehaviour, Expected] = MappingProxyType(
    {
        Misbehaviour.UNSIGNED: Expected(
            "send it sealed, but signed by nobody", _Q, Reason.UNSIGNED, aside="the content itself is good"
        ),
        Misbehaviour.CUT_SHORT: Expected(
            "send it sealed without the last third of its bytes", _Q, Reason.CORRUPT, aside="the content itself is good"
        ),
        Misbehaviour.SENT_TWICE: Expected(
            "the same content as the good file, under another name", State.DUPLICATE, aside="nothing is done twice"
        ),
        Misbehaviour.WRONG_COLUMNS: Expected(
            "a column renamed, one left out, one that nobody agreed on", _Q, Reason.SCHEMA, readable=False
        ),
        Misbehaviour.BAD_ROWS: Expected(
            "rows that break rules; findings.csv has each", aside="the good rows are loaded"
        ),
        Misbehaviour.WRONG_ENCODING: Expected(
            "written in code page 850, which no contract allows", _Q, Reason.ENCODING, readable=False
        ),
        Misbehaviour.OPEN_QUOTE: Expected(
            "a quote is opened and never closed", _Q, Reason.CSV_SYNTAX, readable=False
        ),
        Misbehaviour.RAGGED_ROW: Expected("the last row lacks a cell", _Q, Reason.CSV_SYNTAX, readable=False),
        Misbehaviour.EMPTY: Expected("no byte at all", _Q, Reason.CONTENT, readable=False),
        Misbehaviour.HEADER_ONLY: Expected("a header and no rows", _Q, Reason.CONTENT, readable=False),
        Misbehaviour.WRONG_ROW_COUNT: Expected(
            "the first line promises one row more than there is", _Q, Reason.CONTENT, readable=False
        ),
        Misbehaviour.OTHER_COUNCIL: Expected(
            "the first line names another council", _Q, Reason.CONTENT, readable=False,
            aside="a check before sending says so when it is told the council",
        ),
        Misbehaviour.SHRUNK: Expected("one row in twenty of the good file", _Q, Reason.CONTENT, aside=_HELD),
        Misbehaviour.DRIFTED_CODE: Expected(
            "a column of codes has the same one everywhere", _Q, Reason.CONTENT, aside=_HELD
        ),
        Misbehaviour.EMPTIED_COLUMN: Expected("a column that was filled is empty", _Q, Reason.CONTENT, aside=_HELD),
        Misbehaviour.NEXT_SEQUENCE: Expected("nothing: the partner's file number 2"),
        Misbehaviour.OLDER_SEQUENCE: Expected(
            "file number 1 of the same day, after number 2 was taken in", State.SUPERSEDED, aside="number 2 stands"
        ),
        Misbehaviour.SAME_SEQUENCE: Expected(
            "number 2 again, with other rows", _Q, Reason.CONFLICT, aside="both files are named"
        ),
        Misbehaviour.FORMULAS: Expected(
            "nothing: names that a spreadsheet would run", aside="they stay text, in the register and in workbooks"
        ),
        Misbehaviour.ODD_NAMES: Expected("nothing: names that careless programs lose", aside="they stay as they are"),
        Misbehaviour.MISSING_TABLE: Expected("a bundle that lacks a table", _Q, Reason.SCHEMA, readable=False),
    }
)  # fmt: skip


_OF_A_BUNDLE: Mapping[Misbehaviour, Expected] = MappingProxyType(
    {Misbehaviour.EMPTY: Expected("no byte at all, so no bundle", _Q, Reason.SCHEMA, readable=False)}
)


def expected(misbehaviour: Misbehaviour | None, *, bundle: bool = False) -> Expected:
    """The answer to a file of this kind; a file without misbehaviour is good."""
    if misbehaviour is None:
        return GOOD
    return (_OF_A_BUNDLE if bundle else EXPECTED).get(misbehaviour, EXPECTED[misbehaviour])
