"""Sets every council of this installation up, and writes down how its doors are opened; as often as it is asked to.

For each council: a database and a login of its own, the newest shape of its tables, its secrets, its OpenPGP key, the
keys by which it logs in at the drop zone and at its recipient. Then `connections.json` for worker and triggerer, and
the accounts of the drop zone: the council's own and those of partners whose SSH keys two people have registered.

What is there is kept. Run it again whenever a recipient's card, a partner's key or the list of councils has changed.
"""

import json
import os
import secrets
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from councils import ACCOUNTS, CARDS, CONNECTIONS, PUBLIC, SETTINGS, STATE, SUPERUSER_URL, served
from family_exchange.adapters import closing, database, doors, keys, profiles, roles
from family_exchange.adapters.openpgp import OpenPGP, make_key, make_ring, stop_agent
from family_exchange.adapters.settings import CouncilSettings, SftpEndpoint
from family_exchange.orchestration import connections

SERVER = "councils-db:5432"
NO_RECIPIENT = "0" * 40


def main() -> None:
    """Every council is set up."""
    superuser = SUPERUSER_URL.read_text().strip()
    described, accounts = {}, []
    for council in served():
        database_url = _database(superuser, council)
        known = _known(council)
        if known and not (STATE / council / "gnupg").exists():
            described |= known
            accounts += _accounts_before(council)
            print(
                f"{council}: its folder is gone, and its keys with it: bring it back with its database (docs/backup.md)"
            )
            continue
        settings = _settings(council, database_url)
        opened = doors.opened(council, settings)
        doors.prepare(opened)
        described |= _described(settings)
        closed = closing.of(settings.state) is not None  # for an upgrade, or after a restore: nobody looks into it
        accounts += _accounts_before(council) if closed else _accounts(opened)
        whole = settings.recipient_key != NO_RECIPIENT
        print(f"{council}: ready" if whole else f"{council}: ready but for its recipient: see docs/compose.md")
    _write(CONNECTIONS, json.dumps(described, indent=1))
    _write(ACCOUNTS / "accounts", "".join(f"{line}\n" for line in accounts), mode=0o644)
    ACCOUNTS.chmod(0o755)


def _database(superuser: str, council: str) -> str:
    """The URL of the council's own database, to which nobody else may connect; what it lacks is made."""
    slug = council.replace("-", "_")
    name, login = f"council_{slug}", f"exchange_{slug}"
    password = _kept(SETTINGS / council / "database_password", lambda: secrets.token_urlsafe(32))
    with psycopg.connect(superuser, autocommit=True, connect_timeout=15) as connection:

        def there(query: str, what: str) -> bool:
            return connection.execute(query, (what,)).fetchone() is not None

        verb = "ALTER" if there("SELECT 1 FROM pg_roles WHERE rolname = %s", login) else "CREATE"
        connection.execute(
            sql.SQL(verb + " ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(login), sql.Literal(password))
        )
        if not there("SELECT 1 FROM pg_database WHERE datname = %s", name):
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(login))
            )
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    roles.provision(superuser, login)
    return f"postgresql://{login}:{password}@{SERVER}/{name}"


def _settings(council: str, database_url: str) -> CouncilSettings:
    """Everything that opens the council's doors; what does not exist yet is made."""
    state = STATE / council
    state.mkdir(mode=0o700, exist_ok=True)
    doors.make_secrets(state)
    ring = state / "gnupg"
    make_ring(ring)
    # A run that was killed before it noted its key finds it again: nothing else is in a ring that is so new.
    own = _kept(
        state / "openpgp_key",
        lambda: (
            _own_before(council) or next(iter(OpenPGP(ring, "").held()), None) or make_key(ring, f"{council} council")
        ),
    )
    for folder, name in ((SETTINGS / council, "drop_zone_key"), (state, "recipient_log_in")):
        if not (folder / name).exists():
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", council, "-f", str(folder / name)]
            subprocess.run(command, check=True)
    host_key = " ".join((PUBLIC / "ssh_host_ed25519_key.pub").read_text().split()[:2])
    card_file = CARDS / f"{council}.json"
    card = json.loads(card_file.read_text()) if card_file.exists() else {}
    recipient_key = OpenPGP(ring, own).import_key(card["openpgp"].encode()) if card else NO_RECIPIENT
    stop_agent(ring)
    times = {
        name: timedelta(seconds=float(os.environ[variable]))
        for name, variable in (("settle", "SETTLE_SECONDS"), ("patience", "PATIENCE_SECONDS"))
        if os.environ.get(variable)
    }
    return CouncilSettings(
        council=council,
        database=database_url,
        state=state,
        own_key=own,
        recipient_key=recipient_key,
        drop_zone=SftpEndpoint("drop-zone", 22, council, SETTINGS / council / "drop_zone_key", host_key),
        recipient=SftpEndpoint(
            card.get("host", ""),
            int(card.get("port", 22)),
            card.get("login", ""),
            state / "recipient_log_in",
            card.get("host_key", ""),
        ),
        **times,
    )


def _described(settings: CouncilSettings) -> dict[str, dict[str, object]]:
    """The council's Airflow connections by id; while it has no recipient, that one is left out."""
    described = connections.as_file(settings)
    if settings.recipient_key == NO_RECIPIENT:
        del described[connections.connection_id(settings.council, "recipient")]
    return described


def _known(council: str) -> dict[str, dict]:
    """The council's connections as the last run wrote them; none of a new council."""
    if not CONNECTIONS.exists():
        return {}
    every = json.loads(CONNECTIONS.read_text())
    names = [connections.connection_id(council, kind) for kind in connections.HINTS]
    return {name: every[name] for name in names if name in every}


def _own_before(council: str) -> str | None:
    """The fingerprint of the key that the council had, whose secret half came back from a backup."""
    return _known(council).get(connections.connection_id(council, "openpgp"), {}).get("login")


def _accounts_before(council: str) -> list[str]:
    """The council's lines of the drop zone's accounts, as the last run wrote them."""
    file = ACCOUNTS / "accounts"
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    return [line for line in lines if line.split("\t")[1] == council]


def _accounts(opened: doors.Doors) -> list[str]:
    """Who may log in at the drop zone, one line for each key: kind, council, partner, feeds, key."""
    council = opened.profile.council
    own = (SETTINGS / council / "drop_zone_key.pub").read_text().strip()
    lines = [f"council\t{council}\t-\t-\t{own}"]
    with database.transaction(opened.database) as connection:
        valid = keys.log_ins(connection, at=datetime.now(UTC))
    for partner in opened.profile.active_partners:
        feeds = ",".join(partner.feeds)
        known = valid.get(partner.slug, ("-",))
        lines += [f"partner\t{council}\t{partner.slug}\t{feeds}\t{key}" for key in known]
    return lines


def _kept(file: Path, make) -> str:
    """What the file says; made once."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, exist_ok=True)
        _write(file, make())
    return file.read_text().strip()


def _write(file: Path, text: str, *, mode: int = 0o600) -> None:
    """The file says `text`, and never half of it."""
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=mode)
    new.write_text(text)
    new.chmod(mode)
    new.rename(file)


if __name__ == "__main__":
    if missing := sorted(set(served()) - set(profiles.councils())):
        sys.exit(f"COUNCILS names {', '.join(missing)}, of which there is no profile in include/councils")
    main()
