"""Rows of the linkage engine as the domain knows them, and what the engine is told of names."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from family_exchange.adapters import statements
from family_exchange.adapters.linkage_model import LinkageModel
from family_exchange.adapters.statements import Table
from family_exchange.domain.person import Birth, Identity

if TYPE_CHECKING:
    import duckdb

IDENTITY = f"""s.key, s.forename, s.surname, s.stated_birth, s.birth, s.sex, s.dwelling, s.uprn, s.nhs_number, s.nino,
    s.upn, {", ".join(f"s.{name}" for name in statements.JUSTICE)}"""
"""The columns of a statement `s` that `identity` takes."""

_BIRTHS = {str(kind): kind for kind in Birth}


def identity(row: Sequence[str | date | None]) -> Identity:
    """One row of `IDENTITY`."""
    key, forename, surname, born, birth, sex, dwelling, uprn, nhs_number, nino, upn, *justice = row
    numbers = zip(statements.JUSTICE, justice, strict=True) if any(justice) else ()
    return Identity(
        key=str(key),
        forename=str(forename),
        surname=str(surname),
        born=born if isinstance(born, date) else None,
        birth=_BIRTHS[str(birth)],
        sex=str(sex),
        dwelling=str(dwelling),
        uprn=str(uprn),
        nhs_number=str(nhs_number),
        nino=str(nino),
        upn=str(upn),
        justice=frozenset(f"{kind} {number}" for kind, number in numbers if number),
    )


def shares(model: LinkageModel, names: Iterable[tuple[str, str]]) -> dict[str, Table]:
    """What Splink asks of each term frequency: a value `name` and the share `tf_name` of people who bear it.

    `names` are forenames with surnames, each two once.
    """
    import pyarrow as pa  # noqa: PLC0415 - costs half a second

    names = list(names)
    of_forename = {name: model.share_of_forename(name) for name in {forename for forename, _ in names}}
    of_surname = {name: model.share_of_surname(name) for name in {surname for _, surname in names}}
    found = {"forename": of_forename, "surname": of_surname}
    if "full_name" in model.by_share:
        found["full_name"] = {
            f"{forename} {surname}": of_forename[forename] * of_surname[surname] for forename, surname in names
        }
    return {
        name: pa.table({name: list(each), f"tf_{name}": pa.array(each.values(), pa.float64())})
        for name, each in found.items()
    }


def register_list(
    engine: "duckdb.DuckDBPyConnection", table: str, column: str, values: Sequence[str] | Sequence[int]
) -> None:
    """The engine has a table of that name with one column: text, or numbers where it is called `id`."""
    import pyarrow as pa  # noqa: PLC0415 - costs half a second

    kind = pa.string() if column != "id" else pa.int64()
    engine.register(table, pa.table({column: pa.array(values, kind)}))
