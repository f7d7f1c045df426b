"""The demo with everybody at a place of their own: each of these is the program of one container.

`partners` make keys, wait until they may log in, and drop the files of a synthetic council. `office` plays the two
people who register keys. `third-party` serves SFTP and answers returns. What they tell each other is public: keys and
addresses, in a folder that they share. Nobody here does anything that a person outside would not have to do.
"""

import json
import logging
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import sleep

from family_exchange.adapters import database, keys, profiles
from family_exchange.adapters.doors import Doors, opened
from family_exchange.adapters.openpgp import OpenPGP, make_key, make_ring
from family_exchange.adapters.settings import SftpEndpoint
from family_exchange.demo import sftpserver, synthetic
from family_exchange.demo.keys import ssh
from family_exchange.demo.partners import PartnerEnd, leave
from family_exchange.demo.recipient import Recipient
from family_exchange.demo.world import REGISTRARS
from family_exchange.domain.errors import ExchangeError
from family_exchange.domain.profile import Profile
from family_exchange.orchestration import connections

log = logging.getLogger("demo")

LOOK = 1.0
TRY_AGAIN = 12.0
"""Seconds between two tries to log in: whoever knocks without being known is kept out for ten."""
ENDS_SOON = "12d"
"""For so long the key of the last partner of each council is good: somebody has to be told."""
THIRD_PARTY_PORT = 2022
COUNCIL_KEY, COUNCIL_LOG_IN, HOST_KEY = "council.asc", "recipient_log_in.pub", "host_key.pub"
DROPPED, REGISTERED = "dropped.json", "registered.json"


@dataclass(frozen=True, slots=True)
class Places:
    """Folders of a container."""

    public: Path
    """What all of the demo read: one folder for each council."""
    own: Path
    """What only this program has: private keys."""
    cards: Path
    """Where recipients' cards lie."""
    ready: Path
    """The file that says that this program has done what it does first."""


def partners(places: Places, councils: list[str], *, drop_zone: str, people: int, seed: int) -> None:
    """Every partner's public keys are given out; as soon as they are registered, its files are in the drop zone."""
    for council in councils:
        profile = profiles.profile(council)
        found = {
            partner.slug: _partner(places, profile, number) for number, partner in enumerate(profile.active_partners)
        }
        told = places.public / council
        if not (told / DROPPED).exists():
            made = synthetic.council(profile, people=people, seed=seed, today=_now().date())
            _until((told / COUNCIL_KEY).exists)
            council_key = _introduced(found, (told / COUNCIL_KEY).read_bytes())
            host_key = (told / HOST_KEY).read_text().strip()
            ends = {
                slug: replace(end, endpoint=replace(end.endpoint, host=drop_zone, host_key=host_key))
                for slug, end in found.items()
            }
            _until(partial(_all_registered, told))
            for end in ends.values():
                _until(partial(_lets_in, end), every=TRY_AGAIN)
            number = leave(ends, made.files, council_key=council_key)
            _write(told / DROPPED, json.dumps({"files": number, "people": people, "seed": seed}))
            log.info("%s: %d files are in the drop zone", council, number)
    places.ready.touch()
    _for_ever()


def office(places: Places, councils: list[str], *, set_up: list[str], connections_file: Path) -> None:
    """Keys that partners gave out are registered by two people, and what follows from them is put into force."""
    done: set[str] = set()
    while True:
        cards = [places.cards / f"{council}.json" for council in councils]
        waiting = {str(path) for path in places.public.glob("*/partner.*.*") if str(path) not in done}
        if waiting and all(card.exists() for card in cards):
            subprocess.run(set_up, check=True)  # noqa: S603 - the command line of this container
            for council in councils:
                doors = _doors(council, connections_file)
                _tell(places.public / council, doors)
                _register(doors, [Path(path) for path in sorted(waiting) if Path(path).parent.name == council])
            subprocess.run(set_up, check=True)  # noqa: S603 - as above
            done |= waiting
            for council in councils:
                names = sorted(Path(path).name for path in done if Path(path).parent.name == council)
                _write(places.public / council / REGISTERED, json.dumps(names))
            log.info("%d keys are registered", len(waiting))
            places.ready.touch()
        sleep(LOOK)


def third_party(places: Places, councils: list[str], *, host: str) -> None:
    """Returns of every council are taken and answered; its card says where and how."""
    places.own.mkdir(parents=True, exist_ok=True)
    host_key = sftpserver.public_key(places.own / "sftp")
    rings = {}
    for council in councils:
        ring = _ring(places.own / f"{council}.r", f"third party for {council}")
        card = {
            "host": host,
            "port": THIRD_PARTY_PORT,
            "login": council,
            "host_key": host_key,
            "openpgp": ring.export_public(ring.own_key).decode(),
        }
        _write(places.cards / f"{council}.json", json.dumps(card))
        rings[council] = ring
    users, recipients = {}, []
    for council, ring in rings.items():
        told = places.public / council
        _until((told / COUNCIL_KEY).exists)
        root = places.own / "folders" / council
        for part in ("inbox", "receipts"):
            (root / part).mkdir(parents=True, exist_ok=True)
        users[council] = sftpserver.User((told / COUNCIL_LOG_IN).read_text().strip(), root)
        recipients.append(Recipient(root, ring, ring.import_key((told / COUNCIL_KEY).read_bytes())))
    with sftpserver.running(places.own / "sftp", users, host="0.0.0.0", port=THIRD_PARTY_PORT):  # noqa: S104 - a container
        places.ready.touch()
        while True:
            for recipient in recipients:
                for name in recipient.answer(at=_now()):
                    log.info("answered %s", name)
            sleep(LOOK)


def _partner(places: Places, profile: Profile, number: int) -> PartnerEnd:
    """The partner with keys of its own, made once; the public halves are given out."""
    partner, council = profile.active_partners[number], profile.council
    told = places.public / council
    told.mkdir(parents=True, exist_ok=True)
    last = number == len(profile.active_partners) - 1
    ring = _ring(
        places.own / f"{council}.{number}", f"{partner.slug} of {council}", **({"expires": ENDS_SOON} if last else {})
    )
    login, folder = f"{council}.{partner.slug}", places.own / "ssh"
    if not (folder / login).exists():
        _write(told / f"partner.{partner.slug}.pub", ssh(folder, login).public_key + "\n")
    _write(told / f"partner.{partner.slug}.asc", ring.export_public(ring.own_key).decode())
    return PartnerEnd(partner.slug, ring, SftpEndpoint("", 22, login, folder / login, ""))


def _ring(home: Path, label: str, **expires: str) -> OpenPGP:
    """A key ring with a key of its own, made once; one that was made and not noted is found again."""
    noted = home.with_name(f"{home.name}.own")
    if not noted.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        make_ring(home)
        _write(noted, next(iter(OpenPGP(home, "").held()), None) or make_key(home, label, **expires))
    return OpenPGP(home, noted.read_text())


def _introduced(found: Mapping[str, PartnerEnd], council_public: bytes) -> str:
    """The fingerprint of the council's key, which every partner's ring now holds."""
    return {end.openpgp.import_key(council_public) for end in found.values()}.pop()


def _all_registered(told: Path) -> bool:
    """True when whoever registers keys has said so of every key that was given out."""
    file = told / REGISTERED
    known = set(json.loads(file.read_text())) if file.exists() else set()
    return known >= {path.name for path in told.glob("partner.*.*")}


def _lets_in(end: PartnerEnd) -> bool:
    from family_exchange.adapters.sftp import DropZone  # noqa: PLC0415 - paramiko, for partners only

    try:
        with DropZone(end.endpoint):
            return True
    except ExchangeError:
        return False


def _tell(told: Path, doors: Doors) -> None:
    """What the council's partners and recipient must know of it."""
    settings = doors.settings
    _write(told / HOST_KEY, settings.drop_zone.host_key)
    _write(told / COUNCIL_LOG_IN, settings.recipient.private_key.with_suffix(".pub").read_text())
    _write(told / COUNCIL_KEY, doors.openpgp.export_public(settings.own_key).decode())


def _register(doors: Doors, files: list[Path]) -> None:
    """Two people register the keys, one after the other, as `keys add` does it."""
    for by in REGISTRARS:
        for file in files:
            partner = file.name.removeprefix("partner.").rpartition(".")[0]
            moment = _now()
            public = keys.read(file.read_bytes(), doors.openpgp, at=moment)
            with database.transaction(doors.database) as connection:
                keys.add(connection, doors.openpgp, partner, public, by=by, at=moment)


def _doors(council: str, connections_file: Path) -> Doors:
    return opened(council, connections.settings(council, connections.in_file(connections_file)))


def _until(is_so: Callable[[], bool], *, every: float = LOOK) -> None:
    while not is_so():
        sleep(every)


def _for_ever() -> None:
    while True:
        sleep(3600)


def _write(file: Path, text: str) -> None:
    new = file.with_name(f".{file.name}.new")
    new.write_text(text)
    new.rename(file)


def _now() -> datetime:
    return datetime.now(UTC)


def main() -> None:
    """Be one of them, until the container is stopped."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("who", choices=("partners", "office", "third-party"))
    parser.add_argument("--councils", required=True)
    parser.add_argument("--people", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set-up", nargs="+", default=[])
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    places = Places(Path("/srv/demo"), Path("/srv/demo-keys"), Path("/srv/cards"), Path("/tmp/ready"))  # noqa: S108 - the container's own
    councils = asked.councils.split(",")
    if asked.who == "partners":
        partners(places, councils, drop_zone="drop-zone", people=asked.people, seed=asked.seed)
    elif asked.who == "office":
        office(places, councils, set_up=asked.set_up, connections_file=Path("/srv/settings/connections.json"))
    else:
        third_party(places, councils, host="demo-third-party")


if __name__ == "__main__":
    main()
