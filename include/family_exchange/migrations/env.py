"""Runs the migrations of one council's database; the URL comes from the caller, never from a file."""

from alembic import context
from sqlalchemy import Connection, create_engine

from family_exchange.adapters.tables import metadata


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_schemas=True,
        include_object=_is_ours,
        compare_server_default=False,
        version_table_schema="public",
    )
    with context.begin_transaction():
        context.run_migrations()


def _is_ours(item: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:  # noqa: FBT001 - Alembic calls it by position
    schema = getattr(item, "schema", None)
    if kind == "table" and (schema == "staging" or name == "alembic_version"):
        return False
    return not (kind == "schema" and name == "staging")


given = context.config.attributes.get("connection")
if isinstance(given, Connection):
    _run(given)
elif given is not None:
    with given.connect() as opened:
        _run(opened)
else:
    with create_engine(context.config.get_main_option("sqlalchemy.url") or "").connect() as made:
        _run(made)
