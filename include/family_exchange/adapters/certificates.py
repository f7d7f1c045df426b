"""What gpg tells of public keys, and what a partner's SSH key line says: facts only, nobody's name.

Source: GnuPG's doc/DETAILS, "Format of the colon listings"; RFC 4253, part 6.6, for the SSH line.
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from family_exchange.domain import expiry

SHORTEST_RSA = 2048
"""Bits."""

_PRIMARY, _RSA, _CURVES = {"pub", "sec"}, {1, 3}, {18, 19, 22}
_SSH_KINDS = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"}
_GONE = {"r", "e", "i"}


@dataclass(frozen=True, slots=True)
class Part:
    """A primary key or a subkey."""

    fingerprint: str
    algorithm: int
    bits: int
    expires: datetime | None
    uses: str
    """`s` signs, `e` encrypts, `c` certifies."""
    usable: bool
    """False: revoked, over or invalid."""

    @property
    def strong(self) -> bool:
        """True for RSA that is long enough and for elliptic curves; DSA and ElGamal are not."""
        return self.algorithm in _CURVES or (self.algorithm in _RSA and self.bits >= SHORTEST_RSA)


@dataclass(frozen=True, slots=True)
class Certificate:
    """One OpenPGP key: its primary and its subkeys."""

    primary: Part
    subkeys: tuple[Part, ...]
    secret: bool

    @property
    def fingerprint(self) -> str:
        """Of the primary key."""
        return self.primary.fingerprint

    @property
    def fingerprints(self) -> frozenset[str]:
        """Of the primary key and of every subkey."""
        return frozenset(part.fingerprint for part in (self.primary, *self.subkeys))

    def can(self, use: str) -> bool:
        """True when a strong and usable part of it signs (`s`) or encrypts (`e`)."""
        return self.primary.usable and bool(self._parts(use))

    @property
    def ends_at(self) -> datetime | None:
        """When it stops to sign or to encrypt, whichever is first; None: never by itself."""
        return expiry.first(self.primary.expires, *(self._last(use) for use in "se"))

    def _parts(self, use: str) -> list[Part]:
        return [part for part in (self.primary, *self.subkeys) if use in part.uses and part.usable and part.strong]

    def _last(self, use: str) -> datetime | None:
        ends = [part.expires for part in self._parts(use)]
        return None if None in ends else max((end for end in ends if end is not None), default=None)


def certificates(colons: bytes) -> list[Certificate]:
    """The keys of gpg's colon listing."""
    found: list[tuple[str, list[Part]]] = []
    fields: list[str] = []
    for line in colons.split(b"\n"):
        words = line.decode("utf-8", "replace").split(":")
        if words[0] in {"pub", "sec", "sub", "ssb"}:
            fields = words
        elif words[0] == "fpr" and fields:
            if fields[0] in _PRIMARY:
                found.append((fields[0], []))
            if found:
                found[-1][1].append(_part(words[9], fields))
            fields = []
    return [Certificate(parts[0], tuple(parts[1:]), kind == "sec") for kind, parts in found]


def _part(fingerprint: str, fields: list[str]) -> Part:
    return Part(
        fingerprint=fingerprint,
        algorithm=int(fields[3] or 0),
        bits=int(fields[2] or 0),
        expires=datetime.fromtimestamp(int(fields[6]), UTC) if fields[6].isdigit() else None,
        uses="".join(one for one in fields[11] if one.islower()),
        usable=fields[1] not in _GONE,
    )


def ssh(line: bytes) -> tuple[str, str] | None:
    """(fingerprint, kind and key without its comment) of an OpenSSH public key line; None when it is something else."""
    words = line.strip().split()
    if len(words) < 2 or b"\n" in line.strip() or words[0].decode("ascii", "replace") not in _SSH_KINDS:  # noqa: PLR2004 - kind and key
        return None
    try:
        blob = b64decode(words[1], validate=True)
    except NotBase64:
        return None
    kind = words[0]
    if blob[:4] != len(kind).to_bytes(4) or blob[4 : 4 + len(kind)] != kind or not _long_enough(kind, blob):
        return None
    digest = b64encode(sha256(blob).digest()).decode().rstrip("=")
    return f"SHA256:{digest}", f"{kind.decode()} {words[1].decode()}"


def _long_enough(kind: bytes, blob: bytes) -> bool:
    try:
        key = load_ssh_public_key(kind + b" " + b64encode(blob))
    except (ValueError, UnsupportedAlgorithm):
        return False
    return kind != b"ssh-rsa" or int(getattr(key, "key_size", 0)) >= SHORTEST_RSA
