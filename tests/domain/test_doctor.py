"""How a look at an installation ends."""

import pytest

from family_exchange.domain.doctor import Ending, Finding, Grade, Room, ending, judged


def findings(*grades):
    return [Finding(Room.FILES, "s", grade, "f") for grade in grades]


@pytest.mark.parametrize(
    ("grades", "end"),
    [
        ((), Ending.GOOD),
        ((Grade.GOOD, Grade.NOTE), Ending.GOOD),
        ((Grade.GOOD, Grade.WARNING), Ending.FINDINGS),
        ((Grade.BAD,), Ending.FINDINGS),
        ((Grade.UNSEEN, Grade.GOOD), Ending.COULD_NOT_LOOK),
        ((Grade.UNSEEN, Grade.BAD), Ending.FINDINGS),
    ],
)
def test_what_is_wrong_counts_before_what_could_not_be_seen(grades, end):
    assert ending(findings(*grades)) is end


def test_what_is_well_comes_without_advice():
    assert judged(Room.FILES, "s", "f", well=True, advice="do") == Finding(Room.FILES, "s", Grade.GOOD, "f")
    assert judged(Room.FILES, "s", "f", well=False, advice="do").advice == "do"
    assert judged(Room.FILES, "s", "f", well=False, advice="do", otherwise=Grade.NOTE).grade is Grade.NOTE
