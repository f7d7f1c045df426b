"""Where a promise comes from: a line of a published notice, a reading of one, or an assumption to be confirmed.

Profiles, frameworks and return definitions are made of such leaves.
"""

from enum import StrEnum
from typing import Annotated, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

SLUG = r"^[a-z][a-z0-9-]*$"
NOTICE_LINE = r"^[a-z][a-z0-9-]*\.txt:[1-9][0-9]*(-[1-9][0-9]*)?$"

Slug = Annotated[str, StringConstraints(pattern=SLUG, max_length=40)]
"""A council or a partner: lower-case letters, digits and hyphens."""
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=63)]
"""A feed, a column, a category, an indicator: lower-case letters, digits and underscores."""
Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
"""Text for people; never empty."""
NoticeLine = Annotated[str, StringConstraints(pattern=NOTICE_LINE)]
"""`<notice>.txt:<line>`, or `<notice>.txt:<first>-<last>` where a sentence runs over lines."""

T = TypeVar("T")


def wrong(key: str, expected: str) -> PydanticCustomError:
    """The error to raise when the mistake stands at `key` below the model that finds it."""
    return PydanticCustomError("wrong_at", "{expected}", {"key": key, "expected": expected})


class Model(BaseModel):
    """A frozen value read from a file; a key that nobody knows is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Status(StrEnum):
    """How firmly a leaf stands."""

    PUBLISHED = "published"
    """A notice says it; `source` names the line."""
    INTERPRETED = "interpreted"
    """A notice or the law says something from which it follows; `note` or `source` says what."""
    ASSUMED = "assumed"
    """Nobody says it; the council's owner must confirm it, and `note` says why it was chosen."""


class Provenance(Model):
    """What every leaf that states a promise carries."""

    status: Status
    source: NoticeLine | None = None
    quote: Words | None = None
    """Words that stand in the named line; checked when the file is read."""
    note: Words | None = None

    @model_validator(mode="after")
    def _says_where_it_comes_from(self) -> Self:
        if self.status is Status.PUBLISHED and self.source is None:
            raise ValueError("a published leaf needs `source: <notice>.txt:<line>`")
        if self.status is Status.INTERPRETED and self.source is None and self.note is None:
            raise ValueError("an interpreted leaf needs a `source` or a `note`")
        if self.status is Status.ASSUMED and self.note is None:
            raise ValueError("an assumed leaf needs a `note` that says why")
        if self.quote is not None and self.source is None:
            raise ValueError("a `quote` needs the `source` that it stands in")
        return self


class Promise(Provenance, Generic[T]):
    """One value and where it comes from."""

    value: T
