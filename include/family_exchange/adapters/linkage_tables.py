"""The tables of the linkage engine, as SQL: what is stated, what of it is compared, and which pairs count."""

from collections.abc import Collection

from family_exchange.adapters.blocks import NUMBERS
from family_exchange.adapters.linkage_rows import DERIVED

CONFIGURATION: dict[str, str | bool | int | float | list[str]] = {
    "temp_directory": "",  # nothing of a person spills to a disk
    "autoinstall_known_extensions": False,
    "checkpoint_threshold": "10GB",  # else a table of some sizes stalls for seconds
}
_STATED = ", ".join(
    ("forename", "surname", "forms", "stated_birth", "birth", "born", "sex", "dwelling", "postcode", "uprn", *NUMBERS)
)
NOBODYS = """
    CREATE TABLE nobodys_{column} AS
    SELECT {column}, count(DISTINCT key) FILTER (WHERE NOT fresh) <= {most} AS since_now
      FROM stated WHERE {column} <> '' GROUP BY 1 HAVING count(DISTINCT key) > {most}
"""
CROWDED = " UNION ALL ".join(f"SELECT '{each}' WHERE EXISTS (FROM nobodys_{each})" for each in NUMBERS)
"""The columns in which some number is nobody's."""


def borne(crowded: Collection[str]) -> str:
    """A number that is nobody's counts as not stated; who bore it until now states something new by that."""
    if not crowded:
        return "SELECT * FROM stated"
    own = ", ".join(f"CASE WHEN {each}.{each} IS NULL THEN s.{each} ELSE '' END AS {each}" for each in crowded)
    since_now = " ".join(f"OR coalesce({each}.since_now, false)" for each in crowded)
    nobodys = " ".join(f"LEFT JOIN nobodys_{each} {each} ON {each}.{each} = s.{each}" for each in crowded)
    return f"SELECT s.* REPLACE ({own}, s.fresh {since_now} AS fresh) FROM stated s {nobodys}"  # noqa: S608 - our own words


STATEMENT = f"""
    CREATE OR REPLACE TABLE statement AS
    WITH borne AS ({{borne}}),
         several AS (SELECT key FROM borne GROUP BY key HAVING count(*) > 1),
         distinct_one AS (
           SELECT key, nullif(person_id, '') AS person, fresh, {_STATED}, 1 AS place
             FROM borne WHERE key NOT IN (SELECT key FROM several)
           UNION ALL
           SELECT key, nullif(max(person_id), '') AS person, bool_and(fresh) AS fresh, {_STATED},
                  row_number() OVER (PARTITION BY key ORDER BY {_STATED}) AS place
             FROM borne WHERE key IN (SELECT key FROM several) GROUP BY key, {_STATED})
    SELECT row_number() OVER (ORDER BY key, place) AS id, s.* EXCLUDE (place), {DERIVED}, forename_letters,
           surname_letters, tf_forename, tf_surname, tf_forename * tf_surname AS tf_full_name
      FROM distinct_one s JOIN forename_known USING (forename) JOIN surname_known USING (surname)
"""  # noqa: S608 - our own words
"""Numbered in the order of keys and of what they state; only keys with several compare rows."""
COMPARED = """
    CREATE OR REPLACE VIEW compared AS
    SELECT * EXCLUDE (key, person, fresh, stated_birth, birth), {fresh} AS fresh FROM statement WHERE {which}
"""
FOR_SPARK = (
    *(
        f"""CREATE OR REPLACE VIEW {name}_statement AS
            SELECT * EXCLUDE (fresh, tf_forename, tf_surname, tf_full_name) FROM compared WHERE {condition}"""  # noqa: S608 - our own words
        for name, condition in (("fresh", "fresh"), ("known", "NOT fresh"))
    ),
    *(
        f"CREATE OR REPLACE VIEW {name}_share AS SELECT DISTINCT {name}, tf_{name} FROM compared"  # noqa: S608 - our own words
        for name in ("forename", "surname", "full_name")
    ),
)
OF_TWO_KEYS = """
    WITH several AS (SELECT id, key FROM statement WHERE key IN (
      SELECT key FROM statement GROUP BY key HAVING count(*) > 1))
    SELECT least(id_l, id_r) AS a, greatest(id_l, id_r) AS b, round(match_probability, 6)::DOUBLE AS probability,
           round(match_weight, 3)::DOUBLE AS weight
      FROM {scored} p LEFT JOIN several l ON l.id = p.id_l LEFT JOIN several r ON r.id = p.id_r
     WHERE l.key IS NULL OR r.key IS NULL OR l.key <> r.key ORDER BY 1, 2
"""
ADDED = "SELECT * FROM loaded WHERE stated NOT IN (SELECT stated FROM stated)"
SOUGHT = f"""
    WITH anew AS (SELECT stated FROM stated WHERE {{anew}})
    SELECT blocks FROM stated WHERE stated NOT IN (SELECT stated FROM anew)
    UNION ALL
    SELECT {{numbers}} AS blocks FROM (SELECT *, {DERIVED} FROM ({{borne}})) WHERE stated IN (SELECT stated FROM anew)
"""  # noqa: S608 - our own words


def sought_anew(crowded: Collection[str]) -> str:
    """Of a fresh statement: its blocks have not been made, or one is of a number by which nobody is found."""
    return " OR ".join(["blocks IS NULL", *(f"{each} IN (SELECT {each} FROM nobodys_{each})" for each in crowded)])  # noqa: S608 - our own words
