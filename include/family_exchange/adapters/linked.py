"""People who were decided to be one human being, as SQL: a flag or a hold on one of them is a flag or a hold on all."""


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
