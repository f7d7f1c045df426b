"""What every room's tables share: one metadata with named constraints, and columns of time."""

from typing import Any

from sqlalchemy import Column, DateTime, MetaData, text

SCHEMAS = ("exchange", "staging", "memory", "register", "returns", "rights", "audit")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


def instant(name: str, **kwargs: Any) -> Column[Any]:  # noqa: ANN401 - Column's own keywords
    """A moment."""
    return Column(name, DateTime(timezone=True), **kwargs)


def now(name: str, **kwargs: Any) -> Column[Any]:  # noqa: ANN401 - as above
    """The moment at which the row was written."""
    return instant(name, nullable=False, server_default=text("clock_timestamp()"), **kwargs)
