"""Many invented people in a moment: enough alike, by names, homes and birthdays, that matching has something to do.

For time and memory only: how well people are matched is measured on the synthetic council, whose mistakes are real.
"""

from datetime import date
from functools import cache

import numpy as np
import polars as pl
from psycopg import sql

from family_exchange.adapters import database, linkage_model

AS_OF = date(2026, 10, 31)
HOMES_PER_POSTCODE = 15
STREETS = ("High Street", "Mill Lane", "Church Road", "Station Road", "Park Avenue", "Green Lane", "Victoria Close")
LETTERS = np.array(list("ABDEFGHJLNPQRSTUWXYZ"))
DIGITS = 10


@cache
def people(number, seed=1):
    """A frame of people in households: `person`, names, birthday, sex, address, and a number for every eighth."""
    rng = np.random.default_rng(seed)
    household = np.sort(rng.integers(0, max(1, int(number / 2.4)), number))
    homes = int(household[-1]) + 1
    forenames, surnames = (_names(shares) for shares in ("forename_share", "surname_share"))
    surname_of = _drawn(rng, surnames, homes)[household]
    lone = rng.random(number) < 0.15
    surname = np.where(lone, _drawn(rng, surnames, number), surname_of)
    day = np.datetime64("1940-01-01") + rng.integers(0, 86 * 365, number)
    postcode, place = household // HOMES_PER_POSTCODE, household % HOMES_PER_POSTCODE
    codes = np.array([_postcode(each) for each in range(int(postcode[-1]) + 1)])
    streets = np.array(STREETS)[postcode % len(STREETS)]
    return pl.DataFrame(
        {
            "person": np.arange(number),
            "forename": _drawn(rng, forenames, number),
            "surname": surname,
            "date_of_birth": day.astype("datetime64[D]"),
            "sex": np.where(rng.random(number) < 0.5, "F", "M"),
            "address_line_1": np.char.add(np.char.add((place * 2 + 1).astype(str), " "), streets),
            "postcode": codes[postcode],
            "nhs_number": [_nhs_number(each) if each % 8 == 0 else None for each in range(number)],
        }
    )


def seen(everyone, rows, seed=2, known=0.7, first=0):
    """What another partner writes of some of them and of strangers: names mistyped, days swapped, homes left."""
    rng = np.random.default_rng(seed)
    share = int(rows * known)
    theirs = everyone.sample(share, seed=seed, with_replacement=share > len(everyone))
    strangers = people(rows - share, seed + 1000).with_columns(person=pl.col("person") + 10**8, nhs_number=None)
    found = pl.concat([theirs, strangers.select(theirs.columns)], how="vertical_relaxed")
    slip, left, swapped = (pl.Series(rng.random(rows) < part) for part in (0.08, 0.2, 0.02))
    day = pl.col("date_of_birth")
    turned = pl.date(day.dt.year(), day.dt.day().clip(1, 12), day.dt.month())
    return found.with_columns(
        forename=pl.when(slip).then(pl.col("forename").str.slice(0, 3) + pl.col("forename").str.slice(4)).otherwise(
            pl.col("forename")
        ),
        address_line_1=pl.when(left).then(pl.lit("99 ") + pl.col("address_line_1")).otherwise("address_line_1"),
        date_of_birth=pl.when(swapped).then(turned).otherwise(day),
        record_ref=pl.lit(f"N{seed}-") + pl.Series(np.arange(first, first + rows)).cast(pl.String),
    )  # fmt: skip


def first_seen(everyone):
    """What the first partner writes of all of them."""
    return everyone.with_columns(record_ref=pl.lit("R") + pl.col("person").cast(pl.String))


def stage(url, feed, rows, *, partner="bulk", as_of=AS_OF):
    """The id of an applied file with these rows, as intake would have left it."""
    rows = rows.drop("person", strict=False)
    names = sql.SQL(", ").join(map(sql.Identifier, ["file_id", "row_no", *rows.columns]))
    with database.transaction(url) as connection:
        (file_id,) = connection.execute(
            """INSERT INTO exchange.file (partner, feed, name_bytes, size, modified_at, state, contract, as_of,
                                          coverage_to)
               VALUES (%s, %s, 'x', 1, 1, 'APPLIED', 'v1', %s, %s) RETURNING file_id""",
            (partner, feed, as_of, as_of),
        ).fetchone()
        numbered = rows.select(
            pl.lit(file_id).alias("file_id"), pl.int_range(1, pl.len() + 1).alias("row_no"), pl.all()
        )
        copy_in = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(sql.Identifier("staging", feed), names)
        with connection.cursor() as cursor, cursor.copy(copy_in) as copy:
            copy.write(numbered.write_csv(include_header=False))
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier("staging", feed)))
    return file_id


def _names(which):
    shares = getattr(linkage_model.model(), which)
    names = np.array([name.title() for name in shares])
    weights = np.array(list(shares.values()))
    return names, weights / weights.sum()


def _drawn(rng, names, number):
    return rng.choice(names[0], number, p=names[1])


def _postcode(number):
    unit, rest = number % len(LETTERS) ** 2, number // len(LETTERS) ** 2
    sector, district = rest % DIGITS, rest // DIGITS
    return f"CH{district + 1} {sector}{LETTERS[unit // len(LETTERS)]}{LETTERS[unit % len(LETTERS)]}"


def _nhs_number(number):
    """A valid number of its own for each."""
    body = f"{400_000_000 + number * 7:09}"
    check = 11 - sum(int(digit) * weight for digit, weight in zip(body, range(10, 1, -1), strict=True)) % 11
    return body + str(check % 11) if check != 10 else None
