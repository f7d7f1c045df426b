"""What a contract takes in of people's circumstances is a code, a number, a day or a reference: never words."""

import re

import pytest

from family_exchange.adapters import profiles
from family_exchange.adapters.agreement import WHO_CLASSES
from family_exchange.domain.column import ColumnType
from family_exchange.domain.contract import Contract
from support import profiles as a

LAYOUTS = [(feed, version) for feed in profiles.feeds() for version in profiles.versions(feed)]
NARRATIVE = re.compile(r"note|comment|narrative|descr|remark|detail|summary|story|text|picture|photo|image")
SENTENCES = (
    "the mother said that she could not cope",
    "Seen drunk outside the school again.",
    "child disclosed to teacher, see case file",
)


def parts(contract):
    """The tables of a bundle, or the contract itself."""
    return [contract.of_table(table.name) for table in contract.tables] or [contract]


def open_to_words(column):
    """True when a person could write a sentence about somebody into the column."""
    if column.type is not ColumnType.TEXT:
        return False
    if column.pattern is None:
        return column.data_class not in WHO_CLASSES
    return any(re.search(column.pattern, said) for said in SENTENCES)


@pytest.mark.requirement("R-033")
@pytest.mark.parametrize(("feed", "version"), LAYOUTS)
def test_no_column_of_any_contract_is_open_to_words(feed, version):
    for part in parts(profiles.contract(feed, version)):
        assert [column.name for column in part.columns if open_to_words(column)] == []
        assert [column.name for column in part.columns if NARRATIVE.search(column.name)] == []


@pytest.mark.requirement("R-033")
@pytest.mark.parametrize(("feed", "version"), LAYOUTS)
def test_every_column_has_a_purpose_and_whatever_is_a_code_has_its_list(feed, version):
    for part in parts(profiles.contract(feed, version)):
        for column in part.columns:
            assert set(column.purposes) <= set(part.purposes), column.name
            assert bool(column.codes) == (column.type is ColumnType.CODE), column.name


@pytest.mark.requirement("R-033")
@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"type": "text", "data_class": "housing", "sensitivity": "operational"}, True),
        ({"type": "text", "data_class": "housing", "sensitivity": "operational", "pattern": "^.{1,200}$"}, True),
        ({"type": "text", "data_class": "housing", "sensitivity": "operational", "pattern": "^[A-Z0-9]{1,9}$"}, False),
        ({"type": "text", "data_class": "name", "sensitivity": "identity"}, False),
        ({"type": "decimal", "data_class": "financial", "sensitivity": "operational"}, False),
    ],
)
def test_a_column_for_words_is_found(changes, found):
    written = a.contract(columns=[*a.contract()["columns"], a.column("circumstances", **changes)])
    assert [open_to_words(each) for each in Contract.model_validate(written).columns][-1] is found
