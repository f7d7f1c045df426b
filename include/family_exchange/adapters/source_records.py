"""Staged rows taken over: what is new becomes a source record, what was said before a sighting of the record of it.

One hash join finds what stands of each row's key; after that only what is new, and one narrow row for each sighting,
is written. Everything happens in temporary tables of the caller's transaction.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from psycopg import sql

from family_exchange.adapters import memory
from family_exchange.adapters.conditions import staged
from family_exchange.adapters.database import Connection
from family_exchange.domain.column import IDENTITY_COLUMNS
from family_exchange.domain.contract import Contract

_REFERENCES = ("record_ref", "event_ref")
"""Always in the key, and never null in a source record."""
_OWN_COLUMNS = tuple(sorted(IDENTITY_COLUMNS.difference(_REFERENCES)))


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the rows of one feed."""

    records: int
    """Rows that say something new."""
    again: int
    """Rows that say what stands already."""
    superseded: int
    """Records, old or new, that a newer one of the same key now stands before."""


def write(connection: Connection, contract: Contract, files: Sequence[str]) -> Written:
    """The staged rows of these files of one feed are in the register; none of them was before."""
    parts = _parts(contract)
    connection.execute(sql.SQL(_TAKEN).format(**parts), {"files": list(files)})
    connection.execute("ANALYZE taken")
    again = connection.execute(_SEE_AGAIN).rowcount
    if again:
        _make_due(connection, again)
    connection.execute(sql.SQL(_FRESH).format(**parts), {"files": list(files)})
    connection.execute("ANALYZE fresh")
    records = connection.execute(sql.SQL(_WRITE).format(**parts), {"files": list(files)}).rowcount
    closed = connection.execute(_SUPERSEDE).rowcount
    row = connection.execute("SELECT count(*) FROM fresh WHERE NOT stands").fetchone()
    connection.execute("DROP TABLE taken, fresh")
    return Written(records, again, closed + (int(row[0]) if row else 0))


_TAKEN = """
CREATE TEMP TABLE taken ON COMMIT DROP AS
SELECT s.file_id, s.row_no, {as_of} AS as_of, r.source_record_id AS held, r.ctid AS held_at,
       (r.as_of, r.file_id, r.row_no) < ({as_of}, s.file_id, s.row_no) AS later,
       coalesce(({said}) IS NOT DISTINCT FROM ({stated})
         AND r.as_of <= {as_of} AND ({said_days}) IS NOT DISTINCT FROM ({stated_days})
         AND r.category = {category} AND r.retain_from IS NOT DISTINCT FROM {retain_from} AND r.facts = {facts}, false)
         AS again
  FROM {staging} s JOIN exchange.file f USING (file_id)
  LEFT JOIN memory.source_record r ON r.feed = {feed} AND r.superseded_at IS NULL AND r.partner = f.partner AND {key}
 WHERE f.file_id = ANY(%(files)s)
"""
"""Each staged row with the record that stands of its key, and whether it says the same: every column, every fact, how
long it may be kept, and that no day in it has come since: a child who was expected, a tenancy that was to end."""

_SEE_AGAIN = """
INSERT INTO memory.source_sighting (source_record_id, as_of, file_id, row_no)
SELECT held, as_of, file_id, row_no FROM taken WHERE again
"""

_FRESH = """
CREATE TEMP TABLE fresh ON COMMIT DROP AS
SELECT t.file_id, t.row_no, t.as_of, t.held, t.held_at,
       row_number() OVER (PARTITION BY f.partner, {staged_key} ORDER BY t.as_of DESC, t.file_id DESC, t.row_no DESC) = 1
         AND coalesce(t.later, true) AND NOT EXISTS (
           SELECT FROM memory.source_sighting n WHERE n.source_record_id = t.held
              AND (n.as_of, n.file_id, n.row_no) > (t.as_of, t.file_id, t.row_no)) AS stands
  FROM taken t JOIN {staging} s USING (file_id, row_no) JOIN exchange.file f USING (file_id)
 WHERE NOT t.again AND s.file_id = ANY(%(files)s)
"""
"""What is new, and whether it is what was said last of its key."""

_WRITE = """
INSERT INTO memory.source_record (source_record_id, file_id, row_no, partner, feed, record_ref, event_ref, as_of, facts,
                                  category, retain_from, superseded_at {comma} {own})
SELECT 'S' || substr(s.file_id, 2) || '.' || s.row_no, s.file_id, s.row_no, f.partner, {feed}, s.record_ref,
       {event_ref}, n.as_of, {facts}, {category}, {retain_from}, CASE WHEN NOT n.stands THEN clock_timestamp() END
       {comma} {staged_own}
  FROM fresh n JOIN {staging} s USING (file_id, row_no) JOIN exchange.file f USING (file_id)
 WHERE s.file_id = ANY(%(files)s)
"""

_SUPERSEDE = """
UPDATE memory.source_record r SET superseded_at = clock_timestamp()
 WHERE r.ctid = ANY (ARRAY(SELECT held_at FROM fresh WHERE stands)) AND r.superseded_at IS NULL
   AND r.source_record_id IN (SELECT held FROM fresh WHERE stands)
"""
"""Where a row lies is known since it was found, so nothing is looked up."""


def _make_due(connection: Connection, again: int) -> None:
    """Whoever is said again was seen on a later day; when that is most people, everybody is due."""
    row = connection.execute("SELECT reltuples FROM pg_class WHERE oid = 'memory.person'::regclass").fetchone()
    everybody = again > max(_FEW, float(row[0]) / 2 if row else 0)
    for stage in memory.STAGES:
        if everybody:
            memory.make_due(connection, stage, [memory.EVERYTHING])
        else:
            connection.execute(
                """INSERT INTO register.due (stage, subject)
                   SELECT DISTINCT %s, p.person_id FROM taken t
                     JOIN memory.person_record p ON p.source_record_id = t.held AND upper_inf(p.recorded)
                    WHERE t.again ON CONFLICT DO NOTHING""",
                (stage,),
            )


_FEW = 10_000
"""So many persons are brought up to date one by one, however small the register is."""


def _parts(contract: Contract) -> dict[str, sql.Composable]:
    """The words of the statements above; `s` is a staged row, `f` its file, `r` a source record."""
    here = set(contract.canonicals)
    own = [name for name in _OWN_COLUMNS if name in here]
    category, retain_from = _retention(contract)
    event_ref = sql.SQL("coalesce(s.event_ref, '')" if "event_ref" in here else "''")
    more = sorted(IDENTITY_COLUMNS.intersection(contract.key).difference(_REFERENCES))
    keys = [sql.SQL("r.record_ref = s.record_ref"), sql.SQL("r.event_ref = {}").format(event_ref)]
    keys += [sql.SQL("coalesce(r.{0}, '') = coalesce(s.{0}, '')").format(sql.Identifier(name)) for name in more]
    as_of = sql.SQL("coalesce(f.as_of, f.seen_at::date)")
    return {
        "feed": sql.Literal(contract.feed),
        "staging": sql.Identifier("staging", contract.feed),
        "as_of": as_of,
        "key": sql.SQL(" AND ").join(keys),
        "staged_key": _list([sql.Identifier("s", "record_ref"), event_ref, *(sql.Identifier("s", n) for n in more)]),
        "said": _list(sql.Identifier("r", name) for name in _OWN_COLUMNS),
        "stated": _list(sql.Identifier("s", name) if name in here else sql.NULL for name in _OWN_COLUMNS),
        "said_days": _days(sql.SQL("r.as_of"), "r", ("date_of_birth", "event_on")),
        "stated_days": _days(as_of, "s", [name if name in here else None for name in ("date_of_birth", "event_on")]),
        "comma": sql.SQL("," if own else ""),
        "own": _list(map(sql.Identifier, own)),
        "staged_own": _list(sql.Identifier("s", name) for name in own),
        "event_ref": event_ref,
        "facts": _facts(here),
        "category": category,
        "retain_from": retain_from,
    }


def _list(expressions: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(expressions)


def _days(as_of: sql.Composable, row: str, columns: Collection[str | None]) -> sql.Composed:
    """Whether each of these days had come by the day of which the row speaks."""
    return _list(
        [sql.SQL("{} > {}").format(sql.Identifier(row, name), as_of) if name else sql.SQL("NULL") for name in columns]
    )


def _facts(here: Collection[str]) -> sql.Composable:
    """What is in no column of a source record, as an object; naming them costs less than dropping the rest."""
    others = sorted(set(here) - IDENTITY_COLUMNS)
    if not others:
        return sql.SQL("'{}'::jsonb")
    named = _list([sql.Identifier("s", name) for name in others])
    return sql.SQL(
        """CASE WHEN num_nonnulls({0}) = 0 THEN '{{}}'::jsonb
                ELSE jsonb_strip_nulls((SELECT to_jsonb(other) FROM (SELECT {0}) other)) END"""
    ).format(named)


def _retention(contract: Contract) -> tuple[sql.Composable, sql.Composable]:
    """The row's retention category, and the day that starts its clock, as SQL over staging."""
    rule = contract.retention
    categories: list[sql.Composable] = [sql.SQL("CASE")]
    triggers: list[sql.Composable] = [sql.SQL("CASE")]
    for choice in rule.category_by:
        fits = staged(choice.when, contract)
        trigger = sql.Identifier("s", choice.trigger or rule.trigger)
        categories.append(sql.SQL("WHEN {} THEN {}").format(fits, sql.Literal(choice.category)))
        triggers.append(sql.SQL("WHEN {} THEN {}").format(fits, trigger))
    if not rule.category_by:
        return sql.Literal(rule.category), sql.Identifier("s", rule.trigger)
    categories.append(sql.SQL("ELSE {} END").format(sql.Literal(rule.category)))
    triggers.append(sql.SQL("ELSE {} END").format(sql.Identifier("s", rule.trigger)))
    return sql.SQL(" ").join(categories), sql.SQL(" ").join(triggers)
