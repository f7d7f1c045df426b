"""What records state of who people are, standardised, by columns.

A rule of `domain.person` is applied once to each distinct value, never to each row.
"""

from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any

from family_exchange.domain import person
from family_exchange.domain.likeness import Names
from family_exchange.domain.person import Birth, Placeholders

BIRTH_ESTIMATED = "pers_dob_estimated"
"""The canonical column by which a partner says that a date of birth is an estimate or an expectation."""

KEY = "r.feed || '|' || r.partner || '|' || r.record_ref"
"""`person.record_key`, as SQL over `register.source_record r`."""

Table = Any
"""A pyarrow table; its package has no types."""

SEPARATOR = "\x1f"
RAW = (
    "key", "person_id", "forename", "surname", "sex", "uprn", "nhs_number", "nino", "upn", "pnc", "cro", "crn", "noms",
    "birth", "address",
)  # fmt: skip
JUSTICE = {"pnc": "pnc_id", "cro": "cro", "crn": "crn", "noms": "noms_number"}
"""Numbers of police, prison and probation, and the canonical columns in which feeds carry them."""


def standard(raw: Table, names: Names, placeholders: Placeholders) -> Table:
    """One row for each of `raw`: `key`, `person_id` (empty: none yet), `fresh` and the standardised identity.

    `raw` has the columns `RAW` as text, what is unknown empty, and `fresh`. Its `birth` is the day, whether it is an
    estimate (`true`) and whether it lay ahead (`t`), and without a day the year in which somebody was a child, if it is
    known; its `address` two lines and the postcode; parted by `SEPARATOR`.
    `stated_birth` is any known date of birth, its kind in `birth`; `born` is one that is actual; `forms` are
    the groups of customary forms that the forename belongs to. A place that many share is no home, so that nothing of
    its address is there.
    """
    import pyarrow as pa  # noqa: PLC0415 - costs half a second
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    def mapped(column: str, rule: Callable[[str], object], kind: object = None) -> object:
        return _mapped(raw[column], rule, kind)

    @cache
    def births(value: str) -> tuple[date | None, Birth]:
        day, estimated, unborn, *child_in = value.split(SEPARATOR)
        if child_in:
            return person.earliest_birth(int(child_in[0])), Birth.CHILD
        stated = date.fromisoformat(day) if day else None
        kind = person.birth_kind(
            stated, estimated=estimated == "true", unborn=unborn == "t", placeholders=placeholders.births
        )
        return (None if kind is Birth.UNKNOWN else stated), kind

    def actual(value: str) -> date | None:
        stated, kind = births(value)
        return stated if kind is Birth.ACTUAL else None

    @cache
    def shared(value: str) -> bool:
        line_1, line_2, _ = value.split(SEPARATOR)
        return person.is_shared_place(line_1, line_2, placeholders)

    @cache
    def postcode(value: str) -> str:
        return "" if shared(value) else person.standard_postcode(value.split(SEPARATOR)[2], placeholders)

    @cache
    def home(line_1: str, line_2: str) -> str | None:
        return person.home_within(line_1, line_2)

    def dwelling(value: str) -> str:
        code, (line_1, line_2, _) = postcode(value), value.split(SEPARATOR)
        within = home(line_1, line_2) if code else None
        return "" if within is None else f"{code}{person.SEPARATOR}{within}"

    def uprn(value: str) -> str:
        number = person.uprn(value)
        return "" if number in placeholders.shared_uprns else number

    standard = {
        "key": raw["key"],
        "person_id": raw["person_id"],
        "fresh": raw["fresh"],
        "sex": raw["sex"],
        "forename": mapped("forename", person.standard_name, pa.string()),
        "surname": mapped("surname", person.standard_name, pa.string()),
        "stated_birth": mapped("birth", lambda value: births(value)[0], pa.date32()),
        "birth": mapped("birth", lambda value: str(births(value)[1]), pa.string()),
        "born": mapped("birth", actual, pa.date32()),
        "dwelling": mapped("address", dwelling, pa.string()),
        "postcode": mapped("address", postcode, pa.string()),
        "uprn": pc.if_else(mapped("address", shared, pa.bool_()), "", mapped("uprn", uprn, pa.string())),
        "nhs_number": mapped("nhs_number", person.nhs_number, pa.string()),
        "nino": mapped("nino", person.nino, pa.string()),
        "upn": mapped("upn", person.upn, pa.string()),
        **{name: mapped(name, person.justice_number, pa.string()) for name in JUSTICE},
    }
    return with_forms(pa.table(standard), names)


def with_forms(standard: Table, names: Names) -> Table:
    """The table with one column more: `forms`, the groups of customary forms that the forename belongs to."""
    import pyarrow as pa  # noqa: PLC0415 - costs half a second

    forms = _mapped(standard["forename"], lambda value: sorted(names.groups(value)), pa.list_(pa.int32()))
    return standard.append_column("forms", forms)


def _mapped(column: Table, rule: Callable[[str], object], kind: object) -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa  # noqa: PLC0415 - costs half a second

    coded = column.combine_chunks().dictionary_encode()
    if len(coded.dictionary) == 1:  # a number that this partner never sends
        return pa.repeat(pa.scalar(rule(coded.dictionary[0].as_py()), kind), len(column))
    return pa.array([rule(value) for value in coded.dictionary.to_pylist()], kind).take(coded.indices)
