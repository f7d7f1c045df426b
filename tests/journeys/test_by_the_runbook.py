"""The runbook's procedures, command by command: a council from its profile to its first return that has arrived, a
partner from its agreement to its first receipt, keys that are replaced or lost, a leak."""

import json
import subprocess
from datetime import UTC, datetime
from types import SimpleNamespace

import psycopg
import pytest
from typer.testing import CliRunner

from family_exchange.adapters import profiles, settings
from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.adapters.settings import CouncilSettings, SftpEndpoint
from family_exchange.adapters.sftp import DropZone
from family_exchange.cli import application
from family_exchange.demo import keys, sftpserver, synthetic
from family_exchange.demo.recipient import Recipient
from family_exchange.domain import period
from family_exchange.domain.errors import Halted, NeedsDecision

COUNCIL = "cheshire-west-and-chester"
ONE, ANOTHER = "it.security", "programme.lead"
PASSWORD = "only-for-this-test"
TODAY = datetime.now(UTC).date()
"""The commands go by the real day, so the synthetic files do too."""


@pytest.fixture(scope="module")
def place(server, tmp_path_factory):
    """What a council has before it begins: an empty database, a folder, and two SFTP log-ins."""
    folder = tmp_path_factory.mktemp("council")
    profile = profiles.profile(COUNCIL)
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE newcomer LOGIN PASSWORD '{PASSWORD}'")
        connection.execute("CREATE DATABASE newcomer OWNER newcomer")
        connection.execute("REVOKE ALL ON DATABASE newcomer FROM PUBLIC")
    state = folder / "state"
    state.mkdir(mode=0o700)
    roots = {name: folder / name for name in ("zone", "third-party")}
    for partner in profile.active_partners:
        for part in (*partner.active_feeds, "receipts"):
            (roots["zone"] / partner.slug / part).mkdir(parents=True)
    for part in ("inbox", "receipts"):
        (roots["third-party"] / part).mkdir(parents=True)
    logins = {name: keys.ssh(folder / "ssh", name) for name in ("council", "sender", "police")}
    users = {
        "council": sftpserver.User(logins["council"].public_key, roots["zone"]),
        "sender": sftpserver.User(logins["sender"].public_key, roots["third-party"]),
        "police": sftpserver.User(logins["police"].public_key, roots["zone"] / "police"),
    }
    rings = folder / "rings"
    with sftpserver.running(folder / "sftp", users) as sftp:
        endpoints = {
            name: SftpEndpoint("127.0.0.1", sftp.port, name, login.private_key, sftp.host_key)
            for name, login in logins.items()
        }
        try:
            yield SimpleNamespace(
                profile=profile, state=state, rings=rings, endpoints=endpoints, roots=roots, server=server,
                url=server.url("newcomer", "newcomer", PASSWORD),
            )  # fmt: skip
        finally:
            for home in (state / "gnupg", *(rings.iterdir() if rings.exists() else ())):
                keys.stop_agent(home)
            server.drop_database("newcomer", "newcomer")


@pytest.fixture(scope="module")
def patch():
    with pytest.MonkeyPatch.context() as patching:
        yield patching


def family_exchange(*words, ends_with=0):
    """What the command prints, as JSON where it can; by the settings in the environment, as a person types it."""
    alone = words[0] == "profile" or words[:2] == ("backup", "key")
    asked = list(words) if alone else [*words, "--council", COUNCIL]
    answer = CliRunner().invoke(application(words[0]), asked)
    if answer.exception and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    assert answer.exit_code == ends_with, answer.output
    return json.loads(answer.stdout) if "--json" in words else answer.stdout


def gpg(home, *words):
    """What gpg prints, as the README has people call it."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    ran = subprocess.run(["gpg", "--homedir", home, "--batch", *words], capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def new_key(home, name):
    """The fingerprint of a key that somebody makes with gpg alone."""
    gpg(home, "--passphrase", "", "--quick-generate-key", name, "future-default", "default", "2y")
    (line,) = [line for line in gpg(home, "--list-keys", "--with-colons").decode().splitlines() if line[:3] == "fpr"][
        :1
    ]
    return line.split(":")[9]


@pytest.fixture(scope="module")
def council(place, patch):
    """The council after the runbook's part "A council comes": settings, database, keys of both ends."""
    assert f"{COUNCIL}" in family_exchange("profile", "check", COUNCIL)
    own = new_key(place.state / "gnupg", "council")
    theirs = new_key(place.rings / "recipient", "third party")
    public = place.rings.parent / "recipient.asc"
    public.write_bytes(gpg(place.rings / "recipient", "--armor", "--export", theirs))
    gpg(place.state / "gnupg", "--import", str(public))
    stated = CouncilSettings(
        COUNCIL, place.url, place.state, own, theirs, place.endpoints["council"], place.endpoints["sender"]
    )
    quick = settings.as_environment(stated) | {settings.variable(COUNCIL, "SETTLE_SECONDS"): "0.1"}
    for name, value in quick.items():
        patch.setenv(name, value)
    superuser = place.server.url("postgres")
    for _ in range(2):
        family_exchange("database", "prepare", "--superuser-url", superuser)
        family_exchange("set-up")
    ring = OpenPGP(place.rings / "recipient", theirs)
    ring.import_key(family_exchange("keys", "export", own).encode())
    return SimpleNamespace(own=own, recipient=Recipient(place.roots["third-party"], ring, own), place=place)


@pytest.fixture(scope="module")
def files():
    """What the partners of the synthetic council have to send: the first file of each feed that is as agreed."""
    made = synthetic.council(profiles.profile(COUNCIL), people=300, seed=7, today=TODAY)
    return {file.feed: file for file in reversed(made.files) if file.misbehaviour is None}


@pytest.fixture(scope="module")
def police(council):
    """A partner with its key; two people registered it."""
    return registered(council, "police")


@pytest.fixture(scope="module")
def everybody(council, police, files):
    """Each partner has a key that two people registered, and one file of each of its feeds lies in the drop zone."""
    others = [one for one in council.place.profile.active_partners if one.slug != "police"]
    for partner in others:
        ring = registered(council, partner.slug)
        for feed in partner.active_feeds:
            folder = council.place.roots["zone"] / partner.slug / feed
            (folder / f"{files[feed].name}").write_bytes(ring.seal(files[feed].content, recipient=council.own))


def registered(council, partner, *, again=""):
    """The partner's ring; its key is registered as the runbook says, by one person and then by another."""
    home = council.place.rings / f"{partner}{again}"
    fingerprint = new_key(home, partner)
    public = home.with_suffix(".asc")
    public.write_bytes(gpg(home, "--armor", "--export", fingerprint))
    for person in (ONE, ANOTHER):
        family_exchange("keys", "add", str(public), "--partner", partner, "--by", person)
    ring = OpenPGP(home, fingerprint)
    ring.import_key(family_exchange("keys", "export", council.own).encode())
    return ring


def upload(council, partner, feed, name, sealed):
    """As its program does: under a temporary name first."""
    with DropZone(council.place.endpoints[partner.home.name]) as zone:
        zone.upload_new(f"/{feed}", f".{name}.part", sealed)
        zone.rename(f"/{feed}", f".{name}.part", name)


def receipts_of(council, partner):
    """The partner's receipts as it reads them: over its own log-in, with its own key, from the council's."""
    with DropZone(council.place.endpoints[partner.home.name]) as zone:
        names = [one.name.decode() for one in zone.list("/receipts") if one.name.endswith(b".json.pgp")]
        sealed = [zone.read(f"/receipts/{name}") for name in names]
    return [json.loads(partner.open_signed(each, council.own)) for each in sealed]


def test_a_partner_from_its_agreement_to_its_first_receipt(council, police, files):
    assert [key["state"] for key in family_exchange("keys", "list", "--json") if key["partner"] == "police"] == [
        "valid"
    ]
    sealed = police.seal(files["police_incidents"].content, recipient=council.own)
    upload(council, police, "police_incidents", "first.csv.pgp", sealed)
    take_in("police_incidents")
    (receipt,) = receipts_of(council, police)
    assert (receipt["state"], receipt["verdict"]) in {("CLOSED", "accepted"), ("CLOSED", "accepted_with_findings")}
    (line,) = family_exchange("files", "list", "--json")
    assert (line["partner"], line["state"]) == ("police", "CLOSED")


def take_in(feed):
    """Take in until nothing of the feed is worked on: a file is taken once it has kept its size between two looks."""
    for _ in range(5):
        family_exchange("receive", "--feed", feed)
        if not [one for one in family_exchange("files", "list", "--json") if one["state"] == "SEEN"]:
            return
    raise AssertionError(f"{feed} was not taken in")


def test_a_council_from_its_profile_to_a_first_return_that_has_arrived(council, everybody):
    for feed in council.place.profile.active_feeds:
        take_in(feed)
    assert {one["state"] for one in family_exchange("files", "list", "--json")} == {"CLOSED"}
    family_exchange("register", "update")
    closed = period.calendar(council.place.profile.returns["fpd"].periods).last_closed(TODAY)
    waiting = family_exchange("proposal", "list", "--json")
    assert waiting
    for one in waiting:
        family_exchange(
            "proposal", "decide", one["proposal"], "--outcome", "accepted", "--by", ANOTHER,
            "--reason", "meets_the_framework", "--since", closed.starts_on.isoformat(),
        )  # fmt: skip
    family_exchange("return", "assemble", "--return", "fpd", "--period", closed.name)
    (made,) = family_exchange("return", "list", "--json")
    family_exchange("return", "check", made["return"])
    for person in (ANOTHER, "data.protection"):
        family_exchange("return", "sign-off", made["return"], "--by", person)
    family_exchange("return", "seal", made["return"])
    family_exchange("return", "deliver", made["return"])
    council.recipient.answer(at=datetime.now(UTC))
    family_exchange("return", "deliver", made["return"])
    (arrived,) = family_exchange("return", "list", "--json")
    assert arrived["state"] == "ACKNOWLEDGED"
    assert "whole" in family_exchange("audit", "verify")


def latest():
    """The newest file of the ledger."""
    return max(family_exchange("files", "list", "--json"), key=lambda one: one["file"])


def measured(name, **labels):
    """The one value of a metric with these labels."""
    every = family_exchange("metrics", "--json")
    (value,) = [
        one["value"]
        for one in every
        if one["metric"] == f"family_exchange_{name}" and labels.items() <= one["labels"].items()
    ]
    return value


def test_our_own_key_is_replaced_by_two_people_and_a_file_to_the_new_one_is_opened(council, everybody, police, files):
    first = family_exchange("keys", "rotate", "--own", "--by", ONE, "--json")
    new = first["fingerprint"]
    family_exchange("keys", "rotate", "--own", "--by", ANOTHER)
    police.import_key(family_exchange("keys", "export", new).encode())
    sealed = police.seal(files["police_incidents"].content, recipient=new)
    upload(council, police, "police_incidents", "to-the-new-key.csv.pgp", sealed)
    take_in("police_incidents")
    assert latest()["state"] == "DUPLICATE", "it opened: its content is known"
    states = {key["fingerprint"]: key["state"] for key in family_exchange("keys", "list", "--json")}
    assert (states[new], states[council.own]) == ("valid", "retiring")


def test_a_partners_lost_key_is_taken_back_what_it_signs_is_an_incident_and_its_new_key_is_good(
    council, everybody, police, files
):
    incident = {"partner": "police", "reason": "SIGNER_REVOKED"}
    assert measured("files_quarantined", **incident, feed="police_incidents") == 0
    for person in (ONE, ANOTHER):
        family_exchange("keys", "revoke", police.own_key, "--by", person, "--reason", "compromised")
    content = files["police_incidents"].content
    upload(council, police, "police_incidents", "by-somebody.csv.pgp", police.seal(content, recipient=council.own))
    with pytest.raises(NeedsDecision, match="has no valid key"):  # the answer cannot be sealed until there is another
        take_in("police_incidents")
    refused = latest()
    assert (refused["state"], refused["reason"]) == ("QUARANTINED", "SIGNER_REVOKED")
    assert measured("files_quarantined", **incident, feed="police_incidents") == 1
    new = registered(council, "police", again="-2")
    take_in("police_incidents")
    for person in (ONE, ANOTHER):
        family_exchange("files", "reject", refused["file"], "--by", person, "--reason", "not_trusted")
    assert measured("files_quarantined", **incident, feed="police_incidents") == 0
    upload(council, police, "police_incidents", "by-the-police.csv.pgp", new.seal(content, recipient=council.own))
    take_in("police_incidents")
    assert latest()["state"] == "DUPLICATE", "it opened: its content is known"


def test_backups_are_sealed_to_a_recovery_key_and_what_is_measured_tells_their_age(council, everybody, tmp_path):
    with pytest.raises(ValueError, match="unpack"):
        measured("backup_age_seconds")
    place = tmp_path / "backups"
    place.mkdir()
    family_exchange("backup", "key", "--out", str(tmp_path / "key"))
    family_exchange("backup", "prepare", "--to", str(place), "--key", str(tmp_path / "key" / "recovery.asc"))
    family_exchange("backup", "take", "--only-files")
    assert measured("backup_age_seconds", store="files") < 600
    family_exchange("backup", "list")


def test_a_leak_closes_the_council_at_once_until_two_people_open_it(council, everybody):
    family_exchange("backup", "close", "--by", ONE, "--reason", "leak")
    with pytest.raises(Halted, match="this council is closed"):
        family_exchange("receive")
    assert measured("closed") == 1
    family_exchange("backup", "check")
    family_exchange("backup", "open", "--by", ONE, ends_with=1)
    family_exchange("backup", "open", "--by", ANOTHER)
    family_exchange("receive")
    assert measured("closed") == 0
