"""The rules of `domain.identifiers` by columns: the same answer for a hundred thousand texts at once.

A property test compares both on anything that can be typed.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from family_exchange.domain import identifiers
from family_exchange.domain.identifiers import Kind

if TYPE_CHECKING:
    import polars as pl

_UPN_VALUES = {**{str(digit): digit for digit in range(10)}, **{v: i for i, v in enumerate(identifiers.UPN_LETTERS)}}


def normal(text: "pl.Expr", kind: Kind, *, this_year: int) -> "pl.Expr":
    """The normal form of each text, null where there is none; `this_year` places police years of two digits."""
    return _pnc(text, this_year) if kind is Kind.PNC else _RULES[kind](text)


def temporary_upn(upn: "pl.Expr") -> "pl.Expr":
    """True where a UPN in normal form is a school's own, temporary one."""
    return upn.str.contains("[A-Z]$")


def _bare(text: "pl.Expr") -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    ascii_only = text.str.len_bytes() == text.str.len_chars()
    return pl.when(ascii_only).then(text.str.replace_all("[ -]", "")).str.to_uppercase()


def _weighted(number: "pl.Expr", length: int, weights: tuple[int, ...]) -> "pl.Expr":
    """The weighted sum of the leading digits of a number that has `length` digits."""
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    digits = (number // 10 ** (length - 1 - place) % 10 * weight for place, weight in enumerate(weights))
    return pl.sum_horizontal(*digits, ignore_nulls=False)


def _nhs_number(text: "pl.Expr") -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    bare = _bare(text)
    number = pl.when(bare.str.contains(identifiers.NHS_FORM)).then(bare).cast(pl.Int64, strict=False)
    check = (11 - _weighted(number, 10, identifiers.NHS_WEIGHTS) % 11) % 11
    return pl.when((check == number % 10) & (number % 1_111_111_111 != 0)).then(bare)


def _nino(text: "pl.Expr") -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    bare = _bare(text)
    never = bare.str.contains(f"^(?:{'|'.join(identifiers.NINO_NEVER)})")
    return pl.when(bare.str.contains(identifiers.NINO_FORM) & ~never).then(bare)


def _upn(text: "pl.Expr") -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    bare = _bare(text)
    either = f"(?:{identifiers.UPN_FORM}|{identifiers.TEMPORARY_UPN_FORM})"
    formed = pl.when(bare.str.contains(either)).then(bare)
    eleven = formed.str.slice(1, 11).cast(pl.Int64, strict=False)
    last = formed.str.slice(12, 1).replace_strict(_UPN_VALUES, default=None, return_dtype=pl.Int64)
    total = _weighted(eleven, 11, identifiers.UPN_WEIGHTS[:11]) + last * identifiers.UPN_WEIGHTS[11]
    first = formed.str.slice(0, 1).replace_strict(
        {letter: value for value, letter in enumerate(identifiers.UPN_LETTERS)}, default=None, return_dtype=pl.Int64
    )
    return pl.when(total % 23 == first).then(bare)


def _uln(text: "pl.Expr") -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    bare = _bare(text)
    number = pl.when(bare.str.contains("^[0-9]{1,10}$")).then(bare).cast(pl.Int64, strict=False)
    remainder = _weighted(number, 10, identifiers.NHS_WEIGHTS) % 11
    valid = (remainder != 0) & (10 - remainder == number % 10) & (number != 9_999_999_999)  # noqa: PLR2004 - "none"
    return pl.when(valid).then(bare.str.zfill(10))


def _pnc(text: "pl.Expr", this_year: int) -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    parts = _bare(text).str.extract_groups(identifiers.PNC_FORM).struct
    year = pl.coalesce(parts.field("1"), parts.field("3"), parts.field("5"))
    serial = pl.coalesce(parts.field("2"), parts.field("4"), parts.field("6")).str.zfill(7)
    short = year.str.tail(2)
    valid = _letter(short + serial) == parts.field("7")
    century = this_year // 100 * 100
    ahead = pl.when(short.cast(pl.Int32, strict=False) > this_year % 100).then(100).otherwise(0)
    whole = pl.when(year.str.len_bytes() == 4).then(year.cast(pl.Int32, strict=False))  # noqa: PLR2004 - whole year
    years = pl.coalesce(whole, century + short.cast(pl.Int32, strict=False) - ahead).cast(pl.String).str.zfill(4)
    return pl.when(valid).then(pl.concat_str(years, pl.lit("/"), serial, parts.field("7")))


def _cro(text: "pl.Expr") -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    bare = _bare(text)
    plain = bare.str.extract_groups(identifiers.CRO_FORM).struct
    file = bare.str.extract_groups(identifiers.CRO_FILE_FORM).struct
    serial = plain.field("1").str.zfill(6)
    return (
        pl.when(_letter(plain.field("2") + serial) == plain.field("3"))
        .then(pl.concat_str(serial, pl.lit("/"), plain.field("2"), plain.field("3")))
        .when(_letter(file.field("1") + file.field("2")) == file.field("3"))
        .then(bare)
    )


def _letter(digits: "pl.Expr") -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    return (digits.cast(pl.Int64, strict=False) % 23).replace_strict(
        dict(enumerate(identifiers.PNC_LETTERS)), default=None, return_dtype=pl.String
    )


def _uprn(text: "pl.Expr") -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    stripped = text.str.strip_chars_start("0")
    return pl.when(text.str.contains(identifiers.UPRN_FORM) & (stripped != "")).then(stripped)


def _postcode(text: "pl.Expr") -> "pl.Expr":
    import polars as pl  # noqa: PLC0415 - costs a third of a second

    ascii_only = text.str.len_bytes() == text.str.len_chars()
    joined = pl.when(ascii_only).then(text.str.replace_all(" ", "", literal=True)).str.to_uppercase()
    spaced = joined.str.replace("^(.*)(...)$", "${1} ${2}")
    return pl.when(spaced.str.contains(identifiers.POSTCODE_FORM)).then(spaced)


_RULES: Mapping[Kind, Callable[["pl.Expr"], "pl.Expr"]] = {
    Kind.NHS_NUMBER: _nhs_number,
    Kind.NINO: _nino,
    Kind.UPN: _upn,
    Kind.ULN: _uln,
    Kind.CRO: _cro,
    Kind.UPRN: _uprn,
    Kind.POSTCODE: _postcode,
}
