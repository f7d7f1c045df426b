"""A council's doors for those who read its register: a profile and a database, and nothing else."""

from datetime import date
from pathlib import Path

from psycopg.types.json import Jsonb
from psycopg.types.range import Range

from family_exchange.adapters import profiles
from family_exchange.adapters.doors import Doors
from family_exchange.adapters.settings import CouncilSettings, SftpEndpoint
from support import folders

COUNCIL = "cheshire-west-and-chester"
READER = "ada.lead"
NOWHERE = SftpEndpoint("127.0.0.1", 1, "nobody", Path("none"), "none")
LIVING_AT = "22 Nowhere Lane"


def doors(url, council=COUNCIL):
    """Doors of which only the database opens."""
    settings = CouncilSettings(council, url, folders.set_up(), "none", "none", NOWHERE, NOWHERE)
    return Doors(profiles.profile(council), settings)


def fact(register, person, attribute, value, *, data_class, record=None, slot="", valid_from=date(2025, 1, 1)):
    """A fact about that person, told by the record, or by a new one."""
    return register.value(
        """INSERT INTO memory.fact (person_id, attribute, slot, value, data_class, valid, source_record_id)
           VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING fact_no""",
        person,
        attribute,
        slot,
        Jsonb(value),
        data_class,
        Range(valid_from, None),
        record or register.record(person),
    )


def address(register, person, line, **more):
    """The fact that the person lives there."""
    value = {"address_line_1": line, "postcode": "ZZ99 3AA"}
    return fact(register, person, "address", value, data_class="address", **more)


def name(register, person, surname, **more):
    """The fact that the person is called so."""
    value = {"forename": "Ashley", "surname": surname}
    return fact(register, person, "name", value, data_class="name", **more)
