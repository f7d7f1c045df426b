"""People who log in to Airflow, and what each may do.

`people.py roles` brings the roles of Family Exchange up to date. `people.py add NAME --role ROLE` adds somebody: the
password is read from the terminal, from a pipe, or, with --generate, made here and shown this once.
"""

import argparse
import getpass
import secrets
import sys

LEAST = 12
"""Characters of a password that a person thinks of."""

SIGNER = "Signer"
"""Sees runs and required actions, and answers those; starts and clears nothing."""


def signer_permissions(manager):
    """What a person needs who decides and signs: all that a viewer sees, and the answer."""
    from airflow.providers.fab.www.security import permissions as may

    return [
        *manager.VIEWER_PERMISSIONS,
        (may.ACTION_CAN_EDIT, may.RESOURCE_HITL_DETAIL),
        (may.ACTION_CAN_ACCESS_MENU, may.RESOURCE_HITL_DETAIL),
        (may.ACTION_CAN_EDIT, may.RESOURCE_DAG),  # Airflow asks for it of whoever changes anything below a Dag
    ]


def roles(manager) -> None:
    """Airflow's own roles and ours are in the database."""
    manager.sync_roles()
    manager.bulk_sync_roles([{"role": SIGNER, "perms": signer_permissions(manager)}])
    print(f"roles: {', '.join(sorted(role.name for role in manager.get_all_roles()))}")


def add(manager, name: str, role: str, *, generate: bool) -> None:
    """One more person may log in."""
    found = manager.find_role(role)
    if found is None:
        sys.exit(f"there is no role {role}; there are: {', '.join(sorted(r.name for r in manager.get_all_roles()))}")
    if manager.find_user(username=name):
        sys.exit(f"{name} has a log-in already; `airflow users reset-password` gives a new password")
    password = secrets.token_urlsafe(18) if generate else _typed()
    if len(password) < LEAST:
        sys.exit(f"a password has {LEAST} characters or more")
    if not manager.add_user(name, name, "-", f"{name}@localhost.invalid", found, password):
        sys.exit(f"{name} was not added")
    print(f"{name} may log in as {role}")
    if generate:
        print(f"password, shown this once: {password}")


def _typed() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Again: "):
        sys.exit("the two are not the same")
    return password


def main() -> None:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(prog="people.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("roles")
    adding = commands.add_parser("add")
    adding.add_argument("name")
    adding.add_argument("--role", default=SIGNER)
    adding.add_argument("--generate", action="store_true")
    asked = parser.parse_args()

    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        if asked.command == "roles":
            roles(builder.sm)
        else:
            add(builder.sm, asked.name, asked.role, generate=asked.generate)


if __name__ == "__main__":
    main()
