import pytest
from pydantic import ValidationError

from family_exchange.domain.condition import Ages, Condition
from family_exchange.domain.contract import Contract
from support import profiles as a


def test_a_contract_names_its_columns_both_ways():
    contract = Contract.model_validate(a.contract())
    assert contract.headers == contract.canonicals == ("record_ref", "event_on", "role")
    assert [column.canonical for column in contract.fact_columns] == ["role"]
    assert contract.column("role").codes == ("victim", "offender")


def test_a_column_that_is_not_there_is_a_key_error():
    with pytest.raises(KeyError, match="nothing"):
        Contract.model_validate(a.contract()).column("nothing")


@pytest.mark.requirement("R-098")
def test_every_category_that_a_row_may_get_is_known():
    choice = {"category": "children_other", "when": [{"column": "role", "op": "eq", "value": "victim"}]}
    retention = {"category": "crime_asb", "trigger": "event_on", "category_by": [choice]}
    contract = Contract.model_validate(a.contract(retention=retention))
    assert contract.categories == {"crime_asb", "children_other"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"columns": [a.column("record_ref"), a.column("record_ref")]}, "each name once; record_ref repeats"),
        (
            {"columns": [a.column("record_ref"), a.column("ref", canonical="record_ref")]},
            "each canonical once; record_ref repeats",
        ),
        ({"key": ["nothing"]}, "it has no nothing"),
        ({"retention": {"category": "crime_asb", "trigger": "born_on"}}, "it has no born_on"),
        ({"purposes": ["monitor"]}, "purposes of the contract; it has no identify"),
        ({"partner_types": ["postman"]}, "Input should be"),
        ({"version": "1"}, "match pattern"),
        ({"columns": [a.column("record_ref", type="code")]}, "`codes` goes with `type: code`"),
        ({"columns": [a.column("record_ref", codes=["x"])]}, "`codes` goes with `type: code`"),
        ({"columns": [a.column("record_ref", type="code", codes=["x", "x"])]}, "must not repeat"),
        ({"age_gate": {"min": 18, "max": 10}}, "must not be above"),
        ({"known_by": {"whose": "partner", "by": [["upn"]]}}, "columns of the contract; not upn"),
        ({"known_by": {"whose": "partner", "by": [["sex"]]}}, "expected some of"),
        ({"known_by": {"whose": "partner", "by": [[]]}}, "expected some of"),
        ({"known_by": {"whose": "anybody", "by": [["record_ref"]]}}, "each partner has its own"),
        ({"known_by": {"whose": "partner", "feeds": ["police_incidents"], "by": [["record_ref"]]}}, "other feeds"),
    ],
)
def test_a_contract_that_does_not_hold_together_is_refused(changes, expected):
    with pytest.raises(ValidationError, match=expected):
        Contract.model_validate(a.contract(**changes))


def secret(flag=None, **address):
    """Columns of which `secret` withholds an address; `flag` and `address` change one each."""
    flags = {"type": "boolean", "data_class": "address", "nullable": False, **(flag or {})}
    withheld = {"nullable": True, "data_class": "address", "withheld_by": "secret"}
    return [
        *a.contract()["columns"],
        a.column("secret", **flags),
        a.column("town", **withheld),
        a.column("address", **{**withheld, **address}),
    ]


def test_a_contract_knows_the_flag_that_withholds_some_of_its_columns():
    contract = Contract.model_validate(a.contract(columns=secret()))
    assert contract.withholding == contract.column("secret")
    assert Contract.model_validate(a.contract()).withholding is None
    of_any_class = secret({"data_class": "reference"})
    assert Contract.model_validate(a.contract(columns=of_any_class)).withholding is not None


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (secret({"type": "text"}), "one column of type boolean"),
        (secret({"withheld_by": "secret", "nullable": True}), "one column of type boolean"),
        (secret(withheld_by="nothing"), "one column of type boolean"),
        (secret(withheld_by=None), "expected `withheld_by: secret`, as others of its class have"),
        (secret(nullable=False), "may be empty and is not in the key"),
        (secret({"data_class": "housing"}), "lest it be dropped alone"),
    ],
)
def test_a_flag_that_does_not_protect_what_it_seems_to_protect_is_refused(columns, expected):
    with pytest.raises(ValidationError, match=expected):
        Contract.model_validate(a.contract(columns=columns))


def test_a_contract_may_say_from_where_its_people_should_be_known():
    agreed = {"whose": "partner", "feeds": ["school_attendance"], "by": [["record_ref"]]}
    contract = Contract.model_validate(a.contract(known_by=agreed))
    assert contract.known_by.by == (("record_ref",),)
    assert Contract.model_validate(a.contract()).known_by is None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"op": "present", "value": 1}, "takes no value"),
        ({"op": "in", "value": "one"}, "takes a list"),
        ({"op": "in", "value": []}, "takes a list"),
        ({"op": "eq"}, "takes one value"),
        ({"op": "ge", "value": [1, 2]}, "takes one value"),
    ],
)
def test_a_condition_whose_value_does_not_fit_its_operator_is_refused(condition, expected):
    with pytest.raises(ValidationError, match=expected):
        Condition.model_validate({"column": "role", **condition})


def test_a_condition_keeps_the_type_of_its_value():
    values = [Condition.model_validate({"column": "c", "op": "eq", "value": value}).value for value in (True, 1, "1")]
    assert [type(value) for value in values] == [bool, int, str]


def test_ages_are_open_unless_they_are_given():
    assert (Ages().min, Ages().max) == (None, None)
