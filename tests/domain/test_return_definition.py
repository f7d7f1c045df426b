import pytest
from pydantic import ValidationError

from family_exchange.domain.return_definition import ReturnDefinition
from support import profiles as a


def test_fields_are_written_in_the_order_of_the_definition():
    definition = ReturnDefinition.model_validate(a.return_definition())
    assert [field.name for field in definition.in_order(["incidents", "la_code"])] == ["la_code", "incidents"]


def test_a_check_is_made_only_where_its_fields_are_sent():
    definition = ReturnDefinition.model_validate(a.return_definition())
    assert [check.code for check in definition.checks_for(["la_code"])] == ["E01"]
    assert [check.severity for check in definition.checks_for(definition.names)] == ["error", "query"]


@pytest.mark.requirement("R-051")
def test_a_measure_says_which_feeds_it_needs_and_what_an_empty_value_means():
    definition = ReturnDefinition.model_validate(a.return_definition())
    assert [field.name for field in definition.fields if field.measure] == ["incidents"]
    assert definition.field("incidents").nulls == ("not_collected", "none_recorded")


def test_a_field_that_is_not_there_is_a_key_error():
    with pytest.raises(KeyError, match="nothing"):
        ReturnDefinition.model_validate(a.return_definition()).field("nothing")


PERIOD = {"code": "H1", "start": "04-01", "end": "09-30"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"fields": [a.return_field("x"), a.return_field("x")]}, "x repeats"),
        ({"fields": [a.return_field("x", type="code")]}, "`codes` goes with"),
        ({"fields": [a.return_field("x", feeds=["police_incidents"])]}, "both its `feeds` and its `nulls`"),
        ({"checks": [{"code": "E01", "fields": ["nothing"], "message": "m"}]}, "it has no nothing"),
        ({"checks": [{"code": "X01", "message": "m"}]}, "match pattern"),
        (
            {"calendar": {"periods": [PERIOD, PERIOD], "due_working_days": 30, "status": "assumed"}},
            "`periods` repeat a code",
        ),
        (
            {"calendar": {"periods": [PERIOD | {"end": "13-01"}], "due_working_days": 30, "status": "assumed"}},
            "match pattern",
        ),
    ],
)
def test_a_return_that_does_not_hold_together_is_refused(changes, expected):
    with pytest.raises(ValidationError, match=expected):
        ReturnDefinition.model_validate(a.return_definition(**changes))
