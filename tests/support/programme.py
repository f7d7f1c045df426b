"""A family that the rules propose, and what named people record of it."""

import pytest

from family_exchange.domain.programme import Status
from family_exchange.stages import programme
from support.register import TODAY, Register
from support.registry import doors_to

BY, WHY = "Lead Worker A", "agreed with the family"


@pytest.fixture
def register(council_database):
    return Register(council_database)


@pytest.fixture
def doors(register):
    return doors_to(register.url)


@pytest.fixture
def family(register):
    """A family that is proposed, and that nobody has decided about."""
    family_id = register.family(register.person(), register.person())
    register.proposal(family_id)
    return family_id


def set_to(doors, family, to, on, **changes):
    """Somebody records that status of the family, from that day on."""
    said = {"by": BY, "reason": WHY, "on": on, "today": TODAY} | changes
    return programme.status(doors, family, Status(to), **said)
