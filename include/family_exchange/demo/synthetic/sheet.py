"""A partner's table before it is a file: a header, rows of text, and whom each of its references means in truth."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field

from family_exchange.demo.synthetic.people import Likeness, Person
from family_exchange.demo.synthetic.span import Span

CONTRACT = "v1"


@dataclass(frozen=True, slots=True)
class Truth:
    """Whom one partner means by one of its references; one per feed, partner and reference."""

    feed: str
    partner: str
    record_ref: str
    person: int
    """The true person's number."""
    family: int
    """The number of the family that the person truly lives in."""
    likeness: Likeness


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows that one partner would send in one file."""

    feed: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list, repr=False)
    meant: dict[str, Person] = field(default_factory=dict, repr=False)
    """The true person behind each of the partner's references."""
    contract: str = CONTRACT

    def truth(self, partner: str) -> Iterable[Truth]:
        """Whom `partner` means, reference by reference in the order of the rows."""
        for record_ref, person in self.meant.items():
            yield Truth(self.feed, partner, record_ref, person.number, person.family, person.likeness)

    def empty(self) -> "Sheet":
        """A sheet of the same feed without any row."""
        return Sheet(self.feed, self.header, contract=self.contract)

    def content(self, during: Span) -> bytes:
        """The whole file as a partner would sign it: the preamble, the header, the rows."""
        return preamble(self.feed, during, len(self.rows), contract=self.contract) + as_csv(self.header, self.rows)


def preamble(feed: str, during: Span, rows: int, *, contract: str = CONTRACT, **more: str) -> bytes:
    """The line that says what the file covers; it is signed with the rest. `more` are further keys that it states."""
    said = "".join(f" {key}={value}" for key, value in more.items())
    return (
        f"#family-exchange feed={feed} contract={contract} as_of={during.as_of} "
        f"coverage_from={during.coverage_from} coverage_to={during.as_of} rows={rows}{said}\n"
    ).encode()


def as_csv(header: Iterable[str], rows: Iterable[Iterable[str]], delimiter: str = ",") -> bytes:
    """A header and rows as CSV, quoted only where it must be."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()
