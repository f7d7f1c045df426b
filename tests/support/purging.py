"""A purge as a test asks for it, and what it left."""

from datetime import date

from family_exchange.stages import purge
from support.register import TODAY

OFFICER = "protection.officer"
SIX_YEARS_AGO = date(2020, 11, 22)


def planned(council, today=TODAY):
    return purge.plan(council.doors, today=today)


def approved(council, today=TODAY):
    plan_id = planned(council, today)
    purge.approve(council.doors, plan_id, by=OFFICER)
    return plan_id


def purged(council, today=TODAY):
    return purge.destroy(council.doors, approved(council, today))


def items(council, plan_id):
    return council.register.run(
        "SELECT kind, item_id, category, due_on FROM rights.purge_item WHERE plan_id = %s ORDER BY kind, item_id",
        plan_id,
    )


def count(council, table):
    return council.register.value(f"SELECT count(*) FROM {table}")


def with_one_due(council):
    """The council with one person whose only record is due, in a family with evidence, a proposal and a decision."""
    register = council.register
    person, other = register.person(), register.person()
    record = register.record(person, retain_from=SIX_YEARS_AGO)
    register.record(other, retain_from=TODAY)
    family = register.supported(person)
    register.evidence(family, person, record)
    register.run(
        "INSERT INTO register.possible_match (person_a, person_b, probability) VALUES (%s, %s, 0.7)", person, other
    )
    return council
