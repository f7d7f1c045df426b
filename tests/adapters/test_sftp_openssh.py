"""What administrators of real servers set up: read-only users, second factors, RSA host keys, fewer extensions."""

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from family_exchange.demo.keys import LogIn
from family_exchange.domain.errors import NeedsDecision
from support.sftp import need_sshd, openssh_site


@pytest.fixture
def openssh(tmp_path):
    need_sshd()
    return lambda **kwargs: openssh_site(tmp_path, **kwargs)


def rsa(folder):
    key = generate_private_key(65537, 2048)
    file = folder / "rsa"
    file.touch(mode=0o600)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    return LogIn(file, key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


def test_a_user_who_may_only_read_reads_and_is_told_what_is_not_allowed(openssh):
    with openssh(sftp="internal-sftp -R") as site:
        site.put(b"a.pgp", b"content")
        with site.zone() as zone:
            assert zone.read(f"{site.folder()}/a.pgp") == b"content"
            for work in (
                lambda: zone.upload_new(site.folder(), "b", b""),
                lambda: zone.rename(site.folder(), "a.pgp", "b"),
                lambda: zone.remove(site.folder(), b"a.pgp"),
                lambda: zone.make_folder(site.folder("police/new")),
            ):
                with pytest.raises(NeedsDecision, match="does not allow our user"):
                    work()
        assert site.content(b"a.pgp") == b"content"


def test_a_server_that_does_not_offer_durability_is_still_used(openssh):
    with openssh(sftp="internal-sftp -P fsync,posix-rename") as site:
        with site.zone() as zone:
            assert "fsync@openssh.com" not in zone._session.offers
            zone.upload_new(site.folder(), ".a.part", b"content")
            zone.rename(site.folder(), ".a.part", "a.pgp")
        assert site.content(b"a.pgp") == b"content"


def test_a_server_that_wants_more_than_our_key_needs_a_person(openssh):
    with (
        openssh(methods="publickey,keyboard-interactive") as site,
        pytest.raises(NeedsDecision, match="with our key alone"),
        site.zone(),
    ):
        pass


def test_an_rsa_host_key_is_pinned_like_any_other(openssh, tmp_path):
    with openssh(host=rsa(tmp_path)) as site:
        assert site.endpoint.host_key.startswith("ssh-rsa ")
        with site.zone() as zone:
            assert zone.list(site.folder()) == []
