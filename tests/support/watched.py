"""What looks at a council, and the council that it looks at: its partners can send, its command line answers."""

import os
import subprocess
import sys

from family_exchange.adapters import database, settings
from support.calendars import london


def every_partner_can_send(council):
    """Each partner has had a key since 20 November 2026, and for a long while."""
    with database.transaction(council.doors.database) as connection:
        for partner in council.doors.profile.partners:
            connection.execute(
                """INSERT INTO exchange.partner_key (fingerprint, partner, valid_from, valid_to, added_by, approved_by)
                   VALUES (%s, %s, %s, %s, 'one', 'another')""",
                (f"KEY{partner.slug}", partner.slug, london(2026, 11, 20), london(2036, 11, 20)),
            )


def asking(council, command):
    """A function that asks the command with these words about the council, in a process of its own."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("FAMILY_EXCHANGE")}
    environment = known | settings.as_environment(council.doors.settings)

    def ask(*words):
        program = [sys.executable, "-c", "from family_exchange.cli import main; main()", command]
        return subprocess.run(
            [*program, "--council", council.doors.profile.council, *words],
            env=environment, capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip

    return ask
