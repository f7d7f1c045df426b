"""People who were decided to be one human being, as SQL: a flag or a hold on one of them is a flag or a hold on all."""

from family_exchange.adapters.database import Connection
from family_exchange.domain.errors import NeedsDecision


def linked(seed: str) -> str:
    """The definition of `linked(person_id)`: everyone in `seed`, and whoever was merged with them, either way round.

    `seed` is a query of one column of person ids; put the result after `WITH RECURSIVE`.
    """
    return f"""linked(person_id) AS (
        {seed}
        UNION
        SELECT other.person_id FROM linked l, LATERAL (
          SELECT merged_into AS person_id FROM register.person p
           WHERE p.person_id = l.person_id AND p.merged_into IS NOT NULL
          UNION ALL
          SELECT person_id FROM register.person p WHERE p.merged_into = l.person_id) other)"""  # noqa: S608 - our own queries


def survivor(connection: Connection, person: str) -> str:
    """The person whom the id means now.

    Raises:
        NeedsDecision: there is nobody of that id.
    """
    row = connection.execute(
        """WITH RECURSIVE way(person_id, merged_into) AS (
             SELECT person_id, merged_into FROM register.person WHERE person_id = %s
             UNION SELECT p.person_id, p.merged_into FROM way w JOIN register.person p ON p.person_id = w.merged_into)
           SELECT person_id FROM way WHERE merged_into IS NULL""",
        (person,),
    ).fetchone()
    if row is None:
        raise NeedsDecision("the register knows nobody of that id")
    return str(row[0])
