import pytest

from support.journeys import a_journey


@pytest.fixture(scope="module")
def by_hand():
    with a_journey(without_airflow=True) as told:
        yield told


@pytest.fixture(scope="module")
def by_airflow():
    with a_journey(stay=True) as told:
        yield told
