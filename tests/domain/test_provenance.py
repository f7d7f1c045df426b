import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from family_exchange.domain.provenance import Promise, Status


@pytest.mark.parametrize(
    "leaf",
    [
        {"status": "published", "source": "anywhere.txt:3"},
        {"status": "published", "source": "anywhere.txt:3-5", "quote": "words"},
        {"status": "interpreted", "source": "anywhere.txt:3"},
        {"status": "interpreted", "note": "the law says so"},
        {"status": "assumed", "note": "nobody says"},
    ],
)
def test_a_leaf_that_says_where_it_comes_from_is_taken(leaf):
    assert Promise[int].model_validate({"value": 6, **leaf}).value == 6


@pytest.mark.requirement("R-001")
@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        ({"status": "published"}, "needs `source"),
        ({"status": "published", "note": "said by phone"}, "needs `source"),
        ({"status": "interpreted"}, "needs a `source` or a `note`"),
        ({"status": "assumed"}, "needs a `note`"),
        ({"status": "assumed", "note": "why", "quote": "words"}, "needs the `source`"),
        ({"status": "published", "source": "anywhere.txt"}, "match pattern"),
        ({"status": "published", "source": "../anywhere.txt:3"}, "match pattern"),
        ({"status": "published", "source": "anywhere.txt:0"}, "match pattern"),
        ({"status": "certain", "note": "why"}, "'published', 'interpreted' or 'assumed'"),
        ({"status": "assumed", "note": "why", "sorce": "anywhere.txt:3"}, "Extra inputs"),
    ],
)
def test_a_leaf_that_does_not_is_refused(leaf, expected):
    with pytest.raises(ValidationError, match=expected):
        Promise[int].model_validate({"value": 6, **leaf})


@given(value=st.integers(), status=st.sampled_from(Status))
def test_a_leaf_cannot_be_changed(value, status):
    leaf = Promise[int](value=value, status=status, source="anywhere.txt:1", note="why")
    with pytest.raises(ValidationError, match="frozen"):
        leaf.value = value + 1
