"""Two persons side by side: what their records state, and what the linkage model makes of it, comparison by comparison.

Nothing here changes anything, and nothing here is a decision.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from math import log2
from typing import TYPE_CHECKING, Any

from family_exchange.adapters import linkage, nobodys, statements
from family_exchange.adapters.database import Connection
from family_exchange.adapters.linkage_model import LinkageModel
from family_exchange.domain import matching, resemblance
from family_exchange.domain.column import DataClass
from family_exchange.domain.matching import Conflict
from family_exchange.domain.person import Identity
from family_exchange.domain.resemblance import Comparison, Kind, Standing

if TYPE_CHECKING:
    from family_exchange.adapters.linkage import Pool

SHOWN = {
    "name": (DataClass.NAME, ("forename", "surname")),
    "birthday": (DataClass.DATE_OF_BIRTH, ("date_of_birth",)),
    "address": (DataClass.ADDRESS, ("address_line_1", "address_line_2", "town", "postcode", "uprn")),
    "sex": (DataClass.SEX, ("sex",)),
    "nhs_number": (DataClass.NHS_NUMBER, ("nhs_number",)),
    "upn": (DataClass.UPN, ("upn",)),
    "nino": (DataClass.NINO, ("nino",)),
}
"""Comparison of the model → the class of data that it is about, and its canonical columns in order."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Two persons who may be one."""

    a: str
    b: str
    probability: float
    since: datetime
    standings: dict[Kind, Standing]


@dataclass(frozen=True, slots=True)
class Weighed:
    """The two statements, one of each person, that resemble each other most."""

    prior: float
    """Bits before anything is compared: two people taken at random are hardly ever one."""
    comparisons: tuple[Comparison, ...]
    weight: float
    """Splink's match weight: the prior and every comparison together."""
    probability: float
    forbids: tuple[Conflict, ...]
    """Why no machine joins the two, whatever they weigh; empty: nothing forbids it."""


def waiting(connection: Connection, model: LinkageModel) -> list[Waiting]:
    """The possible matches that nobody has decided, likeliest first."""
    rows = connection.execute(
        """SELECT person_a, person_b, probability, recorded_at FROM register.possible_match
            ORDER BY probability DESC, person_a, person_b"""
    ).fetchall()
    people = _identities(connection, model, {str(person) for row in rows for person in row[:2]})
    return [
        Waiting(a, b, float(probability), since, resemblance.standings(people[a], people[b], model.names))
        for a, b, probability, since in rows
    ]


def weighed(connection: Connection, model: LinkageModel, a: str, b: str) -> Weighed:
    """How the two persons resemble each other most; both have records."""
    people = _identities(connection, model, {a, b})
    found = {matching.conflict(one, other, model.names) for one, other in product(people[a], people[b])}
    table = _standard(connection, model, {a, b})
    with linkage.told_by_kind(), linkage.over(table, model) as pool:
        return _best(pool, model, a, b, tuple(sorted(why for why in found if why is not None)))


def values(reader: Connection, person: str) -> dict[str, tuple[str, ...]]:
    """What a person's records state, comparison by comparison, each once, newest first; as far as the reader may see.

    `reader` has the role of a purpose, and the person was read with it.
    """
    rows = reader.execute(
        """SELECT jsonb_object_agg(stated, value) FROM register.stated WHERE person_id = %s
            GROUP BY as_of, source_record_id ORDER BY as_of DESC, source_record_id DESC""",
        (person,),
    ).fetchall()
    found: dict[str, tuple[str, ...]] = {}
    for name, (_, columns) in SHOWN.items():
        lines = (" ".join(cells[each] for each in columns if each in cells) for (cells,) in rows)
        found[name] = tuple(dict.fromkeys(line for line in lines if line))
    return found


def homes(connection: Connection, person: str) -> frozenset[str]:
    """Every home that a person's records state, as `values` writes it, whoever may see it."""
    columns = ", ".join(f"r.{column}" for column in SHOWN["address"][1])
    rows = connection.execute(
        f"""SELECT DISTINCT concat_ws(' ', {columns}) FROM register.person_record p
              JOIN register.source_record r USING (source_record_id) WHERE p.person_id = %s""".encode(),  # noqa: S608 - our own words
        (person,),
    )
    return frozenset(str(home) for (home,) in rows if home)


def without(weighed: Weighed, name: str) -> Weighed:
    """The same without one comparison, of which not even the outcome is told."""
    left_out = next(each for each in weighed.comparisons if each.name == name)
    weight = weighed.weight - left_out.bits
    untold = Comparison(name, Standing.UNKNOWN, "may not be told", 0.0)
    return replace(
        weighed,
        comparisons=tuple(untold if each is left_out else each for each in weighed.comparisons),
        weight=weight,
        probability=1 / (1 + 2**-weight),
    )


def _identities(connection: Connection, model: LinkageModel, persons: Collection[str]) -> dict[str, list[Identity]]:
    found: dict[str, list[Identity]] = {person: [] for person in persons}
    if not persons:
        return found
    table = _standard(connection, model, persons)
    held = dict(zip(table["key"].to_pylist(), table["person_id"].to_pylist(), strict=True))
    with linkage.told_by_kind(), linkage.over(table, model) as pool:
        for key, said in pool.statements(held).items():
            found[held[key]] += said
    return found


_RAW = f"""
    SELECT DISTINCT {statements.KEY} AS key, p.person_id, coalesce(r.forename, '') AS forename,
           coalesce(r.surname, '') AS surname, coalesce(r.sex, '') AS sex, coalesce(r.uprn, '') AS uprn,
           coalesce(r.nhs_number, '') AS nhs_number, coalesce(r.nino, '') AS nino, coalesce(r.upn, '') AS upn,
           {", ".join(f"coalesce(r.facts ->> '{said}', '') AS {name}" for name, said in statements.JUSTICE.items())},
           concat_ws(E'\\x1f', coalesce(to_char(r.date_of_birth, 'YYYY-MM-DD'), ''),
                     coalesce(r.facts ->> '{statements.BIRTH_ESTIMATED}', 'false'),
                     CASE WHEN r.date_of_birth > r.as_of THEN 't' ELSE 'f' END) AS birth,
           concat_ws(E'\\x1f', coalesce(r.address_line_1, ''), coalesce(r.address_line_2, ''),
                     coalesce(r.postcode, '')) AS address
      FROM register.person_record p JOIN register.source_record r USING (source_record_id)
     WHERE p.person_id = ANY(%s) ORDER BY 1
"""  # noqa: S608 - our own words


def _standard(connection: Connection, model: LinkageModel, persons: Iterable[str]) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Everything that the persons' records state, standardised, without numbers that are nobody's."""
    import pyarrow as pa  # noqa: PLC0415 - costs half a second
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    cursor = connection.execute(_RAW.encode(), (sorted(persons),))
    names = [column.name for column in cursor.description or ()]
    rows = cursor.fetchall()
    raw = pa.table({name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(names)})
    raw = raw.append_column("fresh", pa.array([False] * len(rows), pa.bool_()))
    found = statements.standard(raw, model.names, model.placeholders)
    crowds: dict[str, list[str]] = {}
    for kind, number in nobodys.known(connection):
        crowds.setdefault(kind, []).append(number)
    for kind, numbers in crowds.items():
        crowded = pc.is_in(found[kind], value_set=pa.array(numbers, pa.string()))
        known = pc.if_else(crowded, "", found[kind])
        found = found.set_column(found.schema.get_field_index(kind), kind, known)
    return found


_SIDE = """
    CREATE TABLE {side} AS
    SELECT s.* EXCLUDE (key, person, fresh, stated_birth, birth) FROM statement s WHERE person = ? ORDER BY s.id
"""


def _best(pool: "Pool", model: LinkageModel, a: str, b: str, forbids: tuple[Conflict, ...]) -> Weighed:
    from splink import DuckDBAPI, Linker  # noqa: PLC0415 - costs a second

    engine = pool.connection
    for side, person in (("side_a", a), ("side_b", b)):
        engine.execute(_SIDE.format(side=side), [person]).fetchall()
    api = DuckDBAPI(connection=engine)
    one, other = (api.register(side, dataset_display_name=side) for side in ("side_a", "side_b"))
    settings: dict[str, Any] = dict(model.splink) | {"retain_intermediate_calculation_columns": True}
    linker = Linker([one], settings, log_level=None)
    scored = linker.inference.score_pairs(one, other)
    cursor = engine.execute(f"SELECT * FROM {scored.physical_name} ORDER BY match_weight DESC, id_l, id_r LIMIT 1")  # noqa: S608 - Splink's table
    columns = [column[0] for column in cursor.description or ()]
    row = dict(zip(columns, cursor.fetchall()[0], strict=True))
    chance = float(settings["probability_two_random_records_match"])
    return Weighed(
        prior=log2(chance / (1 - chance)),
        comparisons=tuple(_comparison(model, name, row) for name in dict.fromkeys(name for name, _ in model.levels())),
        weight=float(row["match_weight"]),
        probability=float(row["match_probability"]),
        forbids=forbids,
    )


def _comparison(model: LinkageModel, name: str, row: Mapping[str, Any]) -> Comparison:
    levels = [level for each, level in model.levels() if each == name]
    reached = int(row[f"gamma_{name}"])
    if reached < 0:
        unknown = next(level for level in levels if level.get("is_null_level"))
        return Comparison(name, Standing.UNKNOWN, str(unknown["label_for_charts"]), 0.0)
    known = [level for level in levels if not level.get("is_null_level")]
    bits = float(row[f"mw_{name}"]) + float(row.get(f"mw_tf_adj_{name}") or 0.0)
    how = str(known[len(known) - 1 - reached]["label_for_charts"])  # Splink counts levels from the last one up
    return Comparison(name, resemblance.of_bits(bits, known=True), how, bits)
