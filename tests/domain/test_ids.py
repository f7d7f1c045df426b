"""No message repeats what somebody typed, unless it has the form of an id of ours."""

import pytest

from family_exchange.domain import ids


@pytest.mark.parametrize(
    "own",
    [
        "P7c7481e265c04a74",
        "F00000012",
        "S00000012.7",
        "P-2026-11-22-e3b0c44298fc",
        "fpd-2026-H1-v1",
        "Q00d84e47f9964dbd",
    ],
)
def test_an_id_of_ours_is_said_again(own):
    assert ids.said(own) == own


@pytest.mark.parametrize(
    "other", ["", "Quillfeather", "P7c7481e265c04a74 Smith", "AB123456C", "9434765919", "2012-02-29", "F123", "fpd-x"]
)
def test_nothing_else_is(other):
    assert ids.said(other) == "of that id"
