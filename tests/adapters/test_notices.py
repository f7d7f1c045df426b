import pytest

from family_exchange.adapters.notices import Notices

TEXT = "First line\n\n- you\u2019ll be \u201casked\u201d  to join\u2028and more\nLast line"


@pytest.fixture
def notices(tmp_path):
    (tmp_path / "anywhere.txt").write_text(TEXT, encoding="utf-8")
    return Notices(tmp_path)


@pytest.mark.parametrize(
    ("source", "quote"),
    [
        ("anywhere.txt:1", None),
        ("anywhere.txt:4", "Last line"),
        ("anywhere.txt:3", 'you\'ll be "asked" to join'),
        ("anywhere.txt:3", "AND MORE"),
        ("anywhere.txt:3-4", "more Last"),
        ("anywhere.txt:1-4", "First line - you'll"),
    ],
)
def test_a_line_that_stands_there_and_holds_the_quote_is_a_source(notices, source, quote):
    assert notices.objection(source, quote) is None


@pytest.mark.parametrize(
    ("source", "quote", "expected"),
    [
        ("elsewhere.txt:1", None, "expected a notice that is kept here; elsewhere.txt is not"),
        ("anywhere.txt:5", None, "which has 4 lines"),
        ("anywhere.txt:4-9", None, "which has 4 lines"),
        ("anywhere.txt:3-1", None, "which has 4 lines"),
        ("anywhere.txt:2", None, "it is blank"),
        ("anywhere.txt:1", "Last", "expected words that stand in anywhere.txt:1"),
    ],
)
def test_anything_else_is_objected_to(notices, source, quote, expected):
    assert expected in notices.objection(source, quote)


def test_a_last_line_feed_makes_no_line_of_its_own(tmp_path):
    (tmp_path / "anywhere.txt").write_text("one\ntwo\n", encoding="utf-8")
    assert "has 2 lines" in Notices(tmp_path).objection("anywhere.txt:3", None)
