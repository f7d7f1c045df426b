"""What a partner's file may come in: text in an agreed encoding, a workbook, or a bundle of tables."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from family_exchange.domain.provenance import Model, Words, wrong


class Encoding(StrEnum):
    """How text becomes bytes; which one a file has is told by its bytes, never guessed (ADR 0019)."""

    UTF_8 = "utf-8"
    UTF_16 = "utf-16"
    """With a byte-order mark only."""
    WINDOWS_1252 = "windows-1252"
    """Bytes that are not UTF-8, where the contract allows it."""


class Format(StrEnum):
    """What the plaintext may be."""

    CSV = "csv"
    XLSX = "xlsx"
    """One sheet, or one for each table."""
    ZIP = "zip"
    """A CSV for each table."""


class FileFormat(Model):
    """How the plaintext is written."""

    encoding: tuple[Encoding, ...] = Field(default=(Encoding.UTF_8,), min_length=1)
    """What is allowed, tried in this order; one word alone stands for a list of one."""
    formats: tuple[Format, ...] = Field(default=(Format.CSV,), min_length=1)
    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    date_format: Words = "%Y-%m-%d"

    @field_validator("encoding", mode="before")
    @classmethod
    def _one_word_is_a_list(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _bytes_tell_the_encoding(self) -> Self:
        for name, words in (("encoding", self.encoding), ("formats", self.formats)):
            if len({*words}) != len(words):
                raise wrong(name, "expected each of them once")
        if self.encoding[0] is not Encoding.UTF_8:
            raise wrong("encoding", "expected utf-8 first: only what is not UTF-8 can be told to be something else")
        return self


class Role(StrEnum):
    """What a table of a bundle tells, and so how it joins the rows of persons."""

    PERSONS = "persons"
    """One row a person; exactly one table of a bundle has this role."""
    FAMILIES = "families"
    """Of a person's rows the one with the greatest key."""
    ADDRESSES = "addresses"
    """Of a person's rows that have begun and not ended the latest."""
    IDENTIFIERS = "identifiers"
    """A type and a value in each row."""
    EPISODES = "episodes"
    """Each row is something that began, and may have ended."""
