"""The trusted third party that takes a council's returns: what it must know of us, and what we must know of it.

`recipient.py show --council C` prints what to give to the recipient: the council's public OpenPGP key, and the SSH key
by which it will log in. `recipient.py add --council C --host … --login … --host-key "ssh-ed25519 AAAA…"` reads the
recipient's public OpenPGP key from standard input and notes it all; `docker compose run --rm set-up` puts it into
force.
"""

import argparse
import json
import sys

from councils import CARDS, STATE, served
from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.domain.errors import NeedsDecision


def show(council: str) -> None:
    """Print our two public keys."""
    state = STATE / council
    own = (state / "openpgp_key").read_text().strip()
    print((state / "recipient_log_in.pub").read_text().strip())
    print(OpenPGP(state / "gnupg", own).export_public(own).decode(), end="")


def add(council: str, asked: argparse.Namespace) -> None:
    """Note the recipient's card."""
    armoured = sys.stdin.buffer.read()
    ring = OpenPGP(STATE / council / "gnupg", "")
    try:
        found = ring.look_at(armoured)
    except NeedsDecision as error:
        sys.exit(str(error))
    kind, _, key = asked.host_key.strip().partition(" ")
    if not key:
        sys.exit("the host key is a kind and a key, as ssh-keyscan prints them: ssh-ed25519 AAAA…")
    card = {
        "host": asked.host,
        "port": asked.port,
        "login": asked.login,
        "host_key": f"{kind} {key.split()[0]}",
        "openpgp": armoured.decode("ascii"),
    }
    new = CARDS / f".{council}.new"
    new.write_text(json.dumps(card))
    new.rename(CARDS / f"{council}.json")
    print(f"noted; its OpenPGP key is {found.fingerprint}: compare it by voice, then: docker compose run --rm set-up")


def main() -> None:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(prog="recipient.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    showing, adding = commands.add_parser("show"), commands.add_parser("add")
    for each in (showing, adding):
        each.add_argument("--council", required=True, choices=served())
    adding.add_argument("--host", required=True)
    adding.add_argument("--port", type=int, default=22)
    adding.add_argument("--login", required=True)
    adding.add_argument("--host-key", required=True)
    asked = parser.parse_args()
    if asked.command == "show":
        show(asked.council)
    else:
        add(asked.council, asked)


if __name__ == "__main__":
    main()
