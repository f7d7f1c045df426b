"""Make a database server ready for a council: the roles of purposes, by somebody who may make roles."""

from typing import Annotated

import typer

from family_exchange.adapters import closing, database, roles
from family_exchange.commands.common import Council, Json, doors, say

databases = typer.Typer(help="The council's database server.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.add_typer(databases, name="database")


@databases.command("prepare")
def prepare(
    council: Council,
    superuser_url: Annotated[
        str,
        typer.Option(
            envvar="FAMILY_EXCHANGE__SUPERUSER_URL",
            help="Of whoever may make roles on the server, e.g. postgresql://postgres@host/postgres; a password is "
            "better in the variable, or in ~/.pgpass, than on the command line.",
        ),
    ],
    as_json: Json = False,
) -> None:
    """Make the roles of purposes, once for each server, and let the council's login read by them.

    Best before `set-up`; afterwards it does what `set-up` left. A second run changes nothing.
    """
    opened = doors(council)
    closing.require_open(opened.settings.state)
    url = opened.settings.database  # its folder is made by `set-up`
    roles.provision(superuser_url, roles.login(url))
    with database.transaction(url) as connection:
        missing = roles.grant(connection) if roles.is_guarded(connection) else ()
    data = {"council": council, "roles": list(roles.ROLES), "missing": list(missing)}
    say(data, as_json=as_json, words=lambda: f"the server has the roles of {len(roles.ROLES)} purposes for {council}")
