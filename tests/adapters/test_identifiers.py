import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from family_exchange.adapters import identifiers as by_columns
from family_exchange.domain import identifiers as one_by_one
from family_exchange.domain.identifiers import Kind

YEAR = 2026

SHAPES = {
    Kind.NHS_NUMBER: r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}",
    Kind.NINO: r"[A-Za-z]{2} ?[0-9]{6}[A-Ea-e]?",
    Kind.UPN: r"[A-Za-z][0-9]{11}[0-9A-Za-z]",
    Kind.ULN: r"[0-9]{1,10}",
    Kind.PNC: r"([0-9]{2}|[0-9]{4})/?[0-9]{1,8}[A-Za-z]",
    Kind.CRO: r"([0-9]{1,6}/[0-9]{2}|SF[0-9]{2}/[0-9]{1,6})[A-Za-z]",
    Kind.UPRN: r"0{0,3}[0-9]{1,12}",
    Kind.POSTCODE: r"[A-Za-z]{1,2}[0-9][0-9A-Za-z]? ?[0-9][A-Za-z]{2}",
}
VECTORS = [
    "9434765919", "A950000178301", "W35020011400A", "AB123456C", "1979/0163001B", "79163001B", "265416/21G",
    "SF05/482703J", "0000000042", "100023336956", "EC1A 1BB", "GIR0AA", "\u017fB123456C", "9\n", "\n", "", "0", " ",
    "1979/0163001B\n", "M1 1AA\n", "\u0130", "0000/0000001Z",
]  # fmt: skip


def alone(kind, text, year=YEAR):
    return one_by_one.pnc(text, this_year=year) if kind is Kind.PNC else one_by_one.NORMAL[kind](text)


def together(kind, texts, year=YEAR):
    return by_columns.normal(pl.Series(texts, dtype=pl.String), kind, this_year=year).to_list()


@pytest.mark.requirement("R-030")
@pytest.mark.parametrize("kind", Kind)
def test_a_column_is_judged_like_each_of_its_texts(kind):
    @given(st.lists(st.one_of(st.from_regex(SHAPES[kind], fullmatch=True), st.text(max_size=16)), min_size=1))
    @example(VECTORS)
    def law(texts):
        assert together(kind, texts) == [alone(kind, text) for text in texts]

    law()


@pytest.mark.parametrize("year", [1999, 2000, 2026, None])
def test_a_police_year_of_two_digits_is_placed_the_same_way(year):
    texts = ["79/163001B", "01/171310W", "1979/0163001B", "00/1A", "99/1A"]
    assert together(Kind.PNC, texts, year) == [alone(Kind.PNC, text, year) for text in texts]


@pytest.mark.parametrize("kind", Kind)
def test_what_is_missing_stays_missing(kind):
    assert together(kind, [None]) == [None]


def test_a_temporary_upn_is_told_from_a_permanent_one():
    frame = pl.DataFrame({"upn": ["W35020011400A", "A950000178301", None]})
    assert frame.select(by_columns.temporary_upn(pl.col("upn"))).to_series().to_list() == [True, False, None]
