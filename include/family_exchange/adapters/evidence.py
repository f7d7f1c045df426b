"""Evidence: which members of which families a framework's indicators are met by on one day, over the whole register.

Sets, not rows: everything happens in temporary tables of the caller's transaction. `subject` holds the members,
`met` what is evidenced of them.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from psycopg import sql

from family_exchange.adapters import families, indicators, memory
from family_exchange.adapters.database import Connection
from family_exchange.adapters.indicators import Moment
from family_exchange.adapters.linked import linked
from family_exchange.domain import problem
from family_exchange.domain.contract import Contract
from family_exchange.domain.family import Role
from family_exchange.domain.framework import Framework
from family_exchange.domain.person import ADULT_FROM
from family_exchange.domain.problem import Subject

FRESH_MONTHS = 6
"""A feed whose newest file tells of an earlier day did not come."""

Layouts = Callable[[str], Contract]


@dataclass(frozen=True, slots=True)
class Assessed:
    """One family with evidence, on the day asked for."""

    family: str
    subjects: tuple[Subject, ...]
    found: frozenset[tuple[str, str | None]]
    """`(problem, person)`; nobody's are those of the family as a whole."""


def feeds_that_came(connection: Connection, *, today: date) -> frozenset[str]:
    """The feeds of which a registered file says that it covers the last months; silence is never a no."""
    rows = connection.execute(
        """SELECT feed FROM exchange.file WHERE registered_at <= register.as_known() AND as_of <= %s
            GROUP BY feed HAVING max(coverage_to) > %s""",
        (today, problem.window_start(today, FRESH_MONTHS)),
    )
    return frozenset(str(feed) for (feed,) in rows)


def note_members(
    connection: Connection,
    framework: Framework,
    layout: Layouts,
    placeholders: Iterable[date],
    moment: Moment,
    *,
    trusted: Sequence[str],
    only: Collection[str] | None = None,
) -> None:
    """`subject`, for this transaction, holds the members of the families on that day, but for restricted ones.

    `told` holds their records that stand on that day, of the feeds that the framework reads.
    With `only`, of those families alone. `placeholders` are dates that nobody was born on; `trusted`: the feeds
    that the council trusts most about births, so that an age is the one by which families are formed.
    """
    connection.execute("DROP TABLE IF EXISTS member, subject, told")
    # the planner takes what is known now for rare, and would look up each of a million records one by one
    connection.execute("SELECT set_config('enable_nestloop', %s, true)", ("off" if only is None else "on",))
    connection.execute(_MEMBERS, {"on": moment.on, "only": None if only is None else sorted(only)})
    connection.execute("ANALYZE member")
    families.note_births(connection, placeholders, today=moment.on, among="member", trusted=trusted)
    connection.execute(_SUBJECTS, {"on": moment.on, "adult": ADULT_FROM})
    connection.execute("CREATE INDEX ON subject (person_id)")
    connection.execute("ANALYZE subject")
    connection.execute(indicators.told_table(framework))
    for feed in sorted(framework.feeds | {sign.feed for sign in framework.signs}):
        connection.execute(indicators.told_by(framework, layout(feed), moment))
    connection.execute("CREATE INDEX ON told (feed)")
    connection.execute("ANALYZE told")
    connection.execute("SELECT set_config('enable_nestloop', 'on', true)")
    for column, signs in (
        ("kept", framework.dependent_child.kept_by if framework.dependent_child else ()),
        ("expecting", framework.expectant_parent.shown_by if framework.expectant_parent else ()),
    ):
        for sign in signs:
            connection.execute(indicators.signed_by(sign, layout(sign.feed), moment, column))


def assess(
    connection: Connection,
    framework: Framework,
    layout: Layouts,
    placeholders: Iterable[date],
    moment: Moment,
    *,
    trusted: Sequence[str],
    only: Collection[str] | None = None,
) -> None:
    """`met`, for this transaction, holds what is evidenced of the members that `note_members` notes."""
    note_members(connection, framework, layout, placeholders, moment, trusted=trusted, only=only)
    connection.execute("DROP TABLE IF EXISTS met")
    connection.execute(
        """CREATE TEMP TABLE met (family_id text, person_id text, source_record_id text, nomination_no bigint,
                                  problem text, indicator text, as_of date) ON COMMIT DROP"""
    )
    for indicator in framework.indicators:
        if not indicator.holds_on(moment.on):
            continue
        if indicator.feed is None:
            connection.execute(indicators.nominated_by(indicator, framework.code, moment))
        else:
            connection.execute(indicators.met_by(indicator, layout(indicator.feed), moment))


def hold(connection: Connection, framework: Framework, *, only: Collection[str] | None = None) -> memory.Reconciled:
    """What we hold to be evidenced is what is in `met`; what is not met any more is held no more.

    With `only`, of those families alone. Needs `assess`.
    """
    connection.execute("DROP TABLE IF EXISTS believed_evidence")
    connection.execute(_BELIEVED, {"rule": framework.rule})
    connection.execute("ANALYZE believed_evidence")
    within = None if only is None else sql.SQL("t.family_id = ANY({})").format(sql.Literal(sorted(only)))
    return memory.reconcile(connection, memory.EVIDENCE, "believed_evidence", within=within)


def restricted(connection: Connection) -> list[str]:
    """Whom a restriction keeps out of identification, by id."""
    query = f"WITH RECURSIVE {linked(_RESTRICTED)} SELECT person_id FROM linked ORDER BY 1"  # noqa: S608 - our own words
    rows = connection.execute(query.encode())
    return [str(person) for (person,) in rows]


def families_of(connection: Connection, subjects: Collection[str]) -> frozenset[str]:
    """The families among the ids, and those that the persons among them belong or belonged to."""
    rows = connection.execute(
        """SELECT unnest(%(ids)s::text[]) UNION
           SELECT family_id FROM register.family_member WHERE person_id = ANY(%(ids)s)""",
        {"ids": sorted(subjects)},
    )
    return frozenset(str(family) for (family,) in rows)


def families_assessed(connection: Connection) -> int:
    """How many families have members on that day; needs `assess`."""
    row = connection.execute("SELECT count(DISTINCT family_id) FROM subject").fetchone()
    return int(row[0]) if row else 0


def rows_of(connection: Connection, those: Collection[str]) -> dict[str, list[dict[str, object]]]:
    """What is evidenced of these families, by family, in one order; needs `assess`."""
    found: dict[str, list[dict[str, object]]] = {}
    for family, problem_code, indicator, person, record, nomination, as_of in connection.execute(
        """SELECT DISTINCT family_id, problem, indicator, person_id, source_record_id, nomination_no, as_of FROM met
            WHERE family_id = ANY(%s) ORDER BY 1, 2, 3, 4 NULLS FIRST, 5, 6""",
        (list(those),),
    ):
        row = {
            "problem": problem_code, "indicator": indicator, "person": person, "source_record": record,
            "nomination": nomination, "as_of": as_of.isoformat(),
        }  # fmt: skip
        found.setdefault(family, []).append(row)
    return found


_RESTRICTED = """SELECT f.person_id FROM rights.flag f WHERE f.kind = 'restriction' AND (
       SELECT s.status FROM rights.flag_status s WHERE s.flag_id = f.flag_id AND s.recorded_at <= register.as_known()
        ORDER BY s.recorded_at DESC LIMIT 1) IN ('received', 'upheld')"""
"""People kept in the register and out of identification; objections to research are not for this room to read."""

_MEMBERS = f"""
    CREATE TEMP TABLE member ON COMMIT DROP AS
    WITH RECURSIVE {linked(_RESTRICTED)}
    SELECT m.family_id, m.person_id, bool_or(m.resident) AS resident
      FROM register.family_member m
     WHERE m.from_on <= %(on)s AND (m.to_on IS NULL OR m.to_on > %(on)s)
       AND (%(only)s::text[] IS NULL OR m.family_id = ANY(%(only)s))
       AND m.person_id NOT IN (SELECT person_id FROM linked)
     GROUP BY m.family_id, m.person_id
"""  # noqa: S608 - our own words
_SUBJECTS = """
    CREATE TEMP TABLE subject ON COMMIT DROP AS
    SELECT family_id, person_id, resident, born, age, false AS kept, false AS expecting,
           CASE WHEN coalesce(age < %(adult)s, coalesce(relationship = 'child', false)) THEN 'child' ELSE 'adult' END
             AS role
      FROM (SELECT m.*, b.born, b.relationship,
                   CASE WHEN b.born > %(on)s THEN 0 ELSE extract(year FROM age(%(on)s::date, b.born))::int END AS age
              FROM member m LEFT JOIN person_born b USING (person_id)) aged
"""
"""A role is that of the day asked for: the stored one may be older than a birthday."""

_BELIEVED = """
    CREATE TEMP TABLE believed_evidence ON COMMIT DROP AS
    SELECT DISTINCT 'E' || left(encode(sha256(convert_to(concat_ws(chr(31), family_id, person_id, source_record_id,
             'nomination ' || nomination_no, indicator, %(rule)s::text), 'UTF8')), 'hex'), 16) AS evidence_id,
           family_id, person_id, source_record_id, nomination_no, problem, indicator, %(rule)s::text AS framework, as_of
      FROM met
"""


def members(connection: Connection, family: str) -> list[Subject]:
    """The members of one family, adults and the oldest first; needs `note_members`."""
    rows = connection.execute(
        """SELECT person_id, role, resident, born, kept, expecting FROM subject
            WHERE family_id = %s ORDER BY role, born NULLS LAST, person_id""",
        (family,),
    )
    return [Subject(person, Role(role), resident, *rest) for person, role, resident, *rest in rows]


def assessed(connection: Connection, *, least: int) -> list[Assessed]:
    """The families with evidence of at least so many problems, by id; needs `assess`."""
    rows = connection.execute(
        """WITH enough AS (SELECT family_id FROM met GROUP BY 1 HAVING count(DISTINCT problem) >= %s),
             whole AS (SELECT family_id, array_agg(DISTINCT problem) AS problems
                         FROM met WHERE person_id IS NULL GROUP BY 1)
           SELECT s.family_id, s.person_id, s.role, s.resident, s.born, s.kept, s.expecting, w.problems,
                  array_agg(DISTINCT m.problem) FILTER (WHERE m.problem IS NOT NULL)
             FROM subject s JOIN enough USING (family_id) LEFT JOIN whole w USING (family_id)
             LEFT JOIN met m USING (family_id, person_id)
            GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 1, 2""",
        (least,),
    )
    subjects: dict[str, list[Subject]] = {}
    found: dict[str, set[tuple[str, str | None]]] = {}
    for family, person, role, resident, born, kept, expecting, whole, own in rows:
        subjects.setdefault(family, []).append(Subject(person, Role(role), resident, born, kept, expecting))
        found.setdefault(family, set()).update((problem, person) for problem in own or ())
        found[family].update((problem, None) for problem in whole or ())
    return [Assessed(family, tuple(subjects[family]), frozenset(found[family])) for family in subjects]
