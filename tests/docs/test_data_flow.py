import re
from pathlib import Path

import pytest

from family_exchange.domain import delivery, file, programme

PAGE = Path(__file__).parents[2] / "docs" / "data-flow.md"


def drawn(heading):
    section = PAGE.read_text().split(f"## {heading}")[1].split("\n## ")[0]
    return set(re.findall(r"^\s+(\w+) --> (\w+)", section, re.MULTILINE))


@pytest.mark.parametrize(("heading", "moves"), [("A file's life", file.MOVES), ("A return's life", delivery.MOVES)])
def test_the_picture_shows_exactly_the_legal_moves(heading, moves):
    assert drawn(heading) == {(before.value, after.value) for before, after in moves}


def test_the_picture_of_a_familys_status_shows_exactly_the_legal_moves():
    legal = {(before.value, after.value) for before, reached in programme.MOVES.items() for after in reached}
    assert drawn("A family's status") == legal
