"""The rules of `domain.identifiers` by columns: the same answer for a hundred thousand texts at once.

A property test compares both on anything that can be typed. Rules work in steps, so that polars does no step twice.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from family_exchange.domain import identifiers
from family_exchange.domain.identifiers import Kind

if TYPE_CHECKING:
    import polars as pl

_UPN_VALUES = {**{str(digit): digit for digit in range(10)}, **{v: i for i, v in enumerate(identifiers.UPN_LETTERS)}}


def normal(texts: "pl.Series", kind: Kind, *, this_year: int | None) -> "pl.Series":
    """The normal form of each text, null where there is none; `this_year` places police years of two digits."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    text = pl.col("text")
    ready = (_READY[kind](text) if kind in _READY else pl.lit(value=False)).fill_null(value=False)
    split = texts.alias("text").to_frame().select(ready=ready & text.is_not_null(), other=~ready & text.is_not_null())
    nothing = pl.Series(texts.name, [None], pl.String).new_from_index(0, len(texts))
    as_it_is = texts.zip_with(split["ready"], nothing)
    if not split["other"].any():
        return as_it_is
    rule = partial(_pnc, this_year=this_year) if kind is Kind.PNC else _RULES[kind]
    found = rule(texts.filter(split["other"]).alias("text").to_frame().lazy()).collect().to_series()
    place = split.select(pl.when("other").then(pl.col("other").cum_sum() - 1)).to_series()
    return as_it_is.zip_with(split["ready"], found.gather(place).alias(texts.name))


def temporary_upn(upn: "pl.Expr") -> "pl.Expr":
    """True where a UPN in normal form is a school's own, temporary one."""
    return upn.str.contains("[A-Z]$")


def _bare(frame: "pl.LazyFrame", *, drop: str = "[ -]") -> "pl.LazyFrame":
    """With `bare`: upper case, without the marks that people put in to read it; null when it is not plain ASCII."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    text = pl.col("text")
    ascii_only = text.str.len_bytes() == text.str.len_chars()
    return frame.select(bare=pl.when(ascii_only).then(text.str.replace_all(drop, "")).str.to_uppercase())


def _number(frame: "pl.LazyFrame", form: str) -> "pl.LazyFrame":
    """With `number`: the digits in `bare` where they have the form."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    bare = pl.col("bare")
    return frame.with_columns(number=pl.when(bare.str.contains(form)).then(bare).cast(pl.Int64, strict=False))


def _weighted(length: int, weights: tuple[int, ...]) -> "pl.Expr":
    """The weighted sum of the leading digits of `number`, which has `length` digits."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    number = pl.col("number")
    digits = (number // 10 ** (length - 1 - place) % 10 * weight for place, weight in enumerate(weights))
    return pl.sum_horizontal(*digits, ignore_nulls=False)


def _nhs_number(frame: "pl.LazyFrame") -> "pl.LazyFrame":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    number = pl.col("number")
    check = (11 - _weighted(10, identifiers.NHS_WEIGHTS) % 11) % 11
    return _number(_bare(frame), identifiers.NHS_FORM).select(
        pl.when((check == number % 10) & (number % 1_111_111_111 != 0)).then("bare")
    )


def _nino(frame: "pl.LazyFrame") -> "pl.LazyFrame":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    bare = pl.col("bare")
    never = bare.str.contains(f"^(?:{'|'.join(identifiers.NINO_NEVER)})")
    return _bare(frame).select(pl.when(bare.str.contains(identifiers.NINO_FORM) & ~never).then(bare))


def _upn(frame: "pl.LazyFrame") -> "pl.LazyFrame":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    bare = pl.col("bare")
    formed = bare.str.contains(f"(?:{identifiers.UPN_FORM}|{identifiers.TEMPORARY_UPN_FORM})")
    letters = {letter: value for value, letter in enumerate(identifiers.UPN_LETTERS)}
    *eleven, twelfth = identifiers.UPN_WEIGHTS
    return (
        _bare(frame)
        .with_columns(bare=pl.when(formed).then(bare))
        .with_columns(
            number=bare.str.slice(1, 11).cast(pl.Int64, strict=False),
            first=bare.str.slice(0, 1).replace_strict(letters, default=None, return_dtype=pl.Int64),
            last=bare.str.slice(12, 1).replace_strict(_UPN_VALUES, default=None, return_dtype=pl.Int64),
        )
        .select(pl.when((_weighted(11, tuple(eleven)) + pl.col("last") * twelfth) % 23 == pl.col("first")).then(bare))
    )


def _uln(frame: "pl.LazyFrame") -> "pl.LazyFrame":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    number, remainder = pl.col("number"), pl.col("remainder")
    valid = (remainder != 0) & (10 - remainder == number % 10) & (number != 9_999_999_999)  # noqa: PLR2004 - "none"
    return (
        _number(_bare(frame), "^[0-9]{1,10}$")
        .with_columns(remainder=_weighted(10, identifiers.NHS_WEIGHTS) % 11)
        .select(pl.when(valid).then(pl.col("bare").str.zfill(10)))
    )


def _pnc(frame: "pl.LazyFrame", this_year: int | None) -> "pl.LazyFrame":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    part = pl.col
    year, serial = part("year"), part("serial")
    years = year if this_year is None else _whole_years(year, this_year)
    return (
        _bare(frame)
        .select(pl.col("bare").str.extract_groups(identifiers.PNC_FORM).alias("parts"))
        .unnest("parts")
        .select(
            year=pl.coalesce(part("1"), part("3"), part("5")),
            serial=pl.coalesce(part("2"), part("4"), part("6")).str.zfill(7),
            letter=part("7"),
        )
        .select(
            pl.when(_letter(year.str.tail(2) + serial) == part("letter")).then(
                pl.concat_str(years, pl.lit("/"), serial, part("letter"))
            )
        )
    )


def _whole_years(year: "pl.Expr", this_year: int) -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    number = year.cast(pl.Int32, strict=False)
    ahead = pl.when(number > this_year % 100).then(100).otherwise(0)
    placed = (this_year // 100 * 100 + number - ahead).cast(pl.String).str.zfill(4)
    return pl.when(year.str.len_bytes() == 4).then(year).otherwise(placed)  # noqa: PLR2004 - a whole year


def _cro(frame: "pl.LazyFrame") -> "pl.LazyFrame":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    bare = pl.col("bare")
    plain, file = pl.col("plain").struct.field, pl.col("file").struct.field
    serial = plain("1").str.zfill(6)
    return (
        _bare(frame)
        .with_columns(
            plain=bare.str.extract_groups(identifiers.CRO_FORM),
            file=bare.str.extract_groups(identifiers.CRO_FILE_FORM),
        )
        .select(
            pl.when(_letter(plain("2") + serial) == plain("3"))
            .then(pl.concat_str(serial, pl.lit("/"), plain("2"), plain("3")))
            .when(_letter(file("1") + file("2")) == file("3"))
            .then(bare)
        )
    )


def _letter(digits: "pl.Expr") -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    return (digits.cast(pl.Int64, strict=False) % 23).replace_strict(
        dict(enumerate(identifiers.PNC_LETTERS)), default=None, return_dtype=pl.String
    )


def _uprn(frame: "pl.LazyFrame") -> "pl.LazyFrame":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    text = pl.col("text")
    stripped = text.str.strip_chars_start("0")
    return frame.select(pl.when(text.str.contains(identifiers.UPRN_FORM) & (stripped != "")).then(stripped))


def _postcode(frame: "pl.LazyFrame") -> "pl.LazyFrame":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    bare, spaced = pl.col("bare"), pl.col("spaced")
    return (
        _bare(frame, drop=" ")
        .select(spaced=pl.concat_str(bare.str.head(-3), pl.lit(" "), bare.str.tail(3)))
        .select(pl.when(spaced.str.contains(identifiers.POSTCODE_FORM)).then(spaced))
    )


def _ready_pnc(text: "pl.Expr") -> "pl.Expr":
    letter = _letter(text.str.slice(2, 2) + text.str.slice(5, 7))
    return text.str.contains("^[0-9]{4}/[0-9]{7}[A-Z]$") & (letter == text.str.tail(1))


def _ready_nino(text: "pl.Expr") -> "pl.Expr":
    return text.str.contains(identifiers.NINO_FORM) & ~text.str.contains(f"^(?:{'|'.join(identifiers.NINO_NEVER)})")


_READY: Mapping[Kind, Callable[["pl.Expr"], "pl.Expr"]] = {
    Kind.PNC: _ready_pnc,
    Kind.NINO: _ready_nino,
    Kind.UPRN: lambda text: text.str.contains("^[1-9][0-9]{0,11}$"),
    Kind.POSTCODE: lambda text: text.str.contains(identifiers.POSTCODE_FORM),
}
"""True where a text is in normal form already: most are, and need no more work."""

_RULES: Mapping[Kind, Callable[["pl.LazyFrame"], "pl.LazyFrame"]] = {
    Kind.NHS_NUMBER: _nhs_number,
    Kind.NINO: _nino,
    Kind.UPN: _upn,
    Kind.ULN: _uln,
    Kind.CRO: _cro,
    Kind.UPRN: _uprn,
    Kind.POSTCODE: _postcode,
}
