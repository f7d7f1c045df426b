"""Stage 3: check an authentic file against its contract, and keep what may be kept of it.

The same function serves the platform and the partner's own check, so both say the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from family_exchange.adapters import containers, tabular
from family_exchange.adapters.accepted import Accepted
from family_exchange.adapters.sheet import Shape, Sheet
from family_exchange.domain.contract import Contract
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason
from family_exchange.domain.findings import Findings
from family_exchange.domain.manifest import Manifest
from family_exchange.domain.profile import Profile
from family_exchange.stages import bundle


@dataclass(frozen=True, slots=True)
class Validated:
    """A file that could be read, what was found in it, and what may be staged."""

    contract: str
    """The version of the feed's contract."""
    findings: Findings
    accepted: Accepted = field(repr=False)
    """`row_no` and the canonical columns that the council takes in, typed; without the refused rows."""
    references: Mapping[int, tuple[str, ...]] | Mapping[tuple[str, int], tuple[str, ...]] = field(repr=False)
    """Row number, or table and row number → text of the key columns of rows with a finding; the partner's own words."""
    shape: Shape
    """What the table is made of, in counts."""
    columns_dropped: int
    """Columns of the contract that the council's notice does not allow."""
    as_of: date | None
    coverage_from: date | None
    coverage_to: date | None
    said: Manifest
    """What the file's first line states; the days above may stand in for it."""


def table(
    plaintext: bytes, contract: Contract, profile: Profile | None, *, received_on: date | None = None
) -> Validated:
    """What may be staged of the file, and every finding in it; of a bundle, all its tables joined.

    Columns whose class of data the council's notice does not name are gone before any rule reads them; without a
    profile all columns stay. `received_on` stands in for the file's own day where its first line does not say one.
    A second run gives the same.

    Raises:
        DataRefused: the file cannot be read, or says that it is meant for another council.
    """
    parts = containers.opened(plaintext, contract)
    if contract.tables:
        return bundle.validated(parts, contract, profile, received_on=received_on, each=_one)
    return _one(parts[0].csv, contract, profile, received_on=received_on)


def _one(csv: bytes, contract: Contract, profile: Profile | None, *, received_on: date | None) -> Validated:
    """What may be staged of one table, and every finding in it."""
    read = tabular.read(csv, contract)
    if profile and read.manifest.council not in {None, profile.council}:
        raise DataRefused(Reason.CONTENT, "the first line names another council")
    dropped = frozenset(
        column.name for column in contract.columns if profile and not profile.collects(column.data_class)
    )
    sheet = Sheet(read, dropped, read.manifest.as_of or received_on)
    findings, shape = sheet.checked()
    return Validated(
        contract=contract.version,
        findings=findings,
        accepted=sheet.accepted(findings),
        references=sheet.references(findings),
        shape=shape,
        columns_dropped=len(dropped),
        as_of=sheet.as_of,
        coverage_from=read.manifest.coverage_from,
        coverage_to=read.manifest.coverage_to,
        said=read.manifest,
    )
