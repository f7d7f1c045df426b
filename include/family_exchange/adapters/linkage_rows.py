"""Rows of the linkage engine as the domain knows them, and what the engine is told of names."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from family_exchange.adapters import statements
from family_exchange.adapters.statements import Table
from family_exchange.domain.person import Birth, Identity

if TYPE_CHECKING:
    import duckdb

IDENTITY = f"""s.key, s.forename, s.surname, s.stated_birth, s.birth, s.sex, s.dwelling, s.uprn, s.nhs_number, s.nino,
    s.upn, {", ".join(f"s.{name}" for name in statements.JUSTICE)}"""
"""The columns of a statement `s` that `identity` takes."""

_BIRTHS = {str(kind): kind for kind in Birth}


def identity(row: Sequence[Any]) -> Identity:
    """One row of `IDENTITY`."""
    key, forename, surname, born, birth, sex, dwelling, uprn, nhs_number, nino, upn, *justice = row
    numbers = _NONE
    if any(justice):
        numbers = frozenset(f"{kind} {one}" for kind, one in zip(statements.JUSTICE, justice, strict=True) if one)
    return Identity(
        key, forename, surname, born, _BIRTHS[birth], sex, dwelling, uprn, nhs_number, nino, upn, numbers
    )  # fmt: skip


_NONE: frozenset[str] = frozenset()


DERIVED = """forename || ' ' || surname AS full_name,
    CASE WHEN birth <> 'child' THEN year(stated_birth) END AS born_year,
    lpad((year(born) * 10000 + month(born) * 100 + day(born))::VARCHAR, 8, '0') AS born_digits"""
"""What the rules of a model may ask of a statement beyond its own columns."""


def known_names(column: str, names: Iterable[str], share: Callable[[str], float]) -> Table:
    """Each name once with the share of people who bear it, `tf_…`, and its letters as bits, `…_letters`."""
    import pyarrow as pa  # noqa: PLC0415 - costs half a second

    each = list(names)
    return pa.table(
        {
            column: pa.array(each, pa.string()),
            f"tf_{column}": pa.array([share(name) for name in each], pa.float64()),
            f"{column}_letters": pa.array([_letters(name) for name in each], pa.int64()),
        }
    )


def _letters(name: str) -> int:
    """One bit for each sign in it: two names a slip apart differ in two bits at most."""
    bits = 0
    for sign in name:
        bits |= 1 << ord(sign) % _BITS
    return bits


_BITS = 32


def register_list(
    engine: "duckdb.DuckDBPyConnection", table: str, column: str, values: Sequence[str] | Sequence[int]
) -> None:
    """The engine has a table of that name with one column: text, or numbers where it is called `id`."""
    import pyarrow as pa  # noqa: PLC0415 - costs half a second

    kind = pa.string() if column != "id" else pa.int64()
    engine.register(table, pa.table({column: pa.array(values, kind)}))
