import re
from pathlib import Path

import pytest

from family_exchange.domain import delivery, file

PAGE = Path(__file__).parents[2] / "docs" / "data-flow.md"


def drawn(heading):
    section = PAGE.read_text().split(f"## {heading}")[1].split("\n## ")[0]
    return set(re.findall(r"^\s+(\w+) --> (\w+)", section, re.MULTILINE))


@pytest.mark.parametrize(("heading", "moves"), [("A file's life", file.MOVES), ("A return's life", delivery.MOVES)])
def test_the_picture_shows_exactly_the_legal_moves(heading, moves):
    assert drawn(heading) == {(before.value, after.value) for before, after in moves}
