"""Sealed files that partners might send, each by the name of what is the matter with it."""

from collections.abc import Callable

from support import packets
from support.keys import Parties

CONTENT = b"incident_ref,person_ref\nI1,P1\n"

Maker = Callable[[Parties], bytes]


def good(parties: Parties, *arguments: str, content: bytes = CONTENT) -> bytes:
    return parties.police.sealed(content, parties.council, *arguments)


def long_ago(parties: Parties, *arguments: str) -> bytes:
    return good(parties, "--faked-system-time=20250610T120000", *arguments)


def signed(parties: Parties, *arguments: str) -> bytes:
    return parties.police.gpg(f"--local-user={parties.police.fingerprint}", *arguments, content=CONTENT)


def altered(sealed: bytes, at: int) -> bytes:
    return sealed[:at] + bytes([sealed[at] ^ 0x55]) + sealed[at + 1 :]


def by(signer: str, *arguments: str) -> Maker:
    return lambda parties: getattr(parties, signer).sealed(CONTENT, parties.council, *arguments)


def large(parties: Parties) -> bytes:
    """Not compressed: whatever is altered in it shows in the content before the end."""
    return good(parties, "--compress-algo=none", content=CONTENT * 8000)


def cut(part: float) -> Maker:
    def make(parties: Parties) -> bytes:
        whole = large(parties)
        return whole[: int(len(whole) * part)]

    return make


def damaged(at: Callable[[int], int]) -> Maker:
    def make(parties: Parties) -> bytes:
        whole = large(parties)
        return altered(whole, at(len(whole)))

    return make


def two_signers(parties: Parties, other: str) -> bytes:
    second = getattr(parties, other)
    secret = second.gpg("--export-secret-keys", second.fingerprint)
    both = parties.another(f"both-{other}")
    both.gpg("--import", content=secret)
    both.gpg("--import", content=parties.police.gpg("--export-secret-keys", parties.police.fingerprint))
    both.knows(parties.council)
    keys = (f"--local-user={parties.police.fingerprint}", f"--local-user={second.fingerprint}")
    return both.gpg(*keys, f"--recipient={parties.council.fingerprint}", "--sign", "--encrypt", content=CONTENT)


def with_passphrase(parties: Parties, *arguments: str) -> bytes:
    return parties.police.gpg("--passphrase=abc", *arguments, "--symmetric", content=CONTENT)


ACCEPTED: dict[str, Maker] = {
    "binary": good,
    "armoured": lambda parties: good(parties, "--armor"),
    "armoured with CRLF": lambda parties: good(parties, "--armor").replace(b"\n", b"\r\n"),
    "in text mode": lambda parties: good(parties, "--textmode"),
    "large and not compressed": large,
    "compressed with zlib": lambda parties: good(parties, "--compress-algo=zlib"),
    "compressed with bzip2": lambda parties: good(parties, "--compress-algo=bzip2"),
    "AES-128": lambda parties: good(parties, "--cipher-algo=AES"),
    "SHA-512": lambda parties: good(parties, "--digest-algo=SHA512"),
    "recipient hidden": lambda parties: parties.police.gpg(
        f"--local-user={parties.police.fingerprint}",
        f"--hidden-recipient={parties.council.fingerprint}",
        "--sign",
        "--encrypt",
        content=CONTENT,
    ),
    "packets written by hand": lambda parties: packets.sealed_around(signed(parties, "--sign"), parties.council),
    "readable by another too": lambda parties: good(parties, f"--recipient={parties.stranger.fingerprint}"),
    "content that reads like status lines": lambda parties: good(parties, content=b"\n[GNUPG:] BADMDC\n"),
}

REFUSED: dict[str, tuple[str, Maker]] = {
    "empty": ("NOT_OPENPGP", lambda _: b""),
    "one byte": ("NOT_OPENPGP", lambda _: b"\x84"),
    "a CSV file": ("NOT_OPENPGP", lambda _: CONTENT * 50),
    "all bytes": ("NOT_OPENPGP", lambda _: bytes(range(256)) * 4),
    "a public key": ("NOT_OPENPGP", lambda parties: parties.police.gpg("--export", parties.police.fingerprint)),
    "a detached signature": ("NOT_OPENPGP", lambda parties: signed(parties, "--detach-sign")),
    "a session packet of version 6": (
        "NOT_OPENPGP",
        lambda _: b"\xc1\x21\x06" + bytes(32) + b"\xd2\x20\x02" + bytes(31),
    ),
    "signed, not encrypted": ("WRONG_RECIPIENT", lambda parties: signed(parties, "--sign")),
    "signed in the clear": ("WRONG_RECIPIENT", lambda parties: signed(parties, "--clear-sign")),
    "a bare literal": ("WRONG_RECIPIENT", lambda _: packets.literal(CONTENT)),
    "for somebody else": (
        "WRONG_RECIPIENT",
        lambda parties: parties.police.sealed(CONTENT, parties.stranger),
    ),
    "for somebody else, hidden": (
        "WRONG_RECIPIENT",
        lambda parties: parties.police.gpg(
            f"--local-user={parties.police.fingerprint}",
            f"--hidden-recipient={parties.stranger.fingerprint}",
            "--sign",
            "--encrypt",
            content=CONTENT,
        ),
    ),
    "by passphrase": ("WRONG_RECIPIENT", with_passphrase),
    "by passphrase too": (
        "WRONG_RECIPIENT",
        lambda parties: with_passphrase(
            parties,
            f"--local-user={parties.police.fingerprint}",
            f"--recipient={parties.council.fingerprint}",
            "--sign",
            "--encrypt",
        ),
    ),
    "without integrity": (
        "NO_INTEGRITY",
        lambda parties: packets.sealed_around(signed(parties, "--sign"), parties.council, integrity=False),
    ),
    "cut in its first packet": ("CORRUPT", lambda parties: good(parties)[:20]),
    "cut after its first packet": ("CORRUPT", lambda parties: good(parties)[:110]),
    "cut at 1 %": ("CORRUPT", cut(0.01)),
    "cut at 50 %": ("CORRUPT", cut(0.5)),
    "cut at 99 %": ("CORRUPT", cut(0.99)),
    "cut ten bytes before its end": ("CORRUPT", lambda parties: good(parties)[:-10]),
    "cut a byte before its end": ("CORRUPT", lambda parties: good(parties)[:-1]),
    "cut, compressed": ("CORRUPT", lambda parties: good(parties, content=CONTENT * 8000)[:-200]),
    "cut, armoured": ("CORRUPT", lambda parties: good(parties, "--armor")[:200]),
    "cut before the last line of its armour": ("CORRUPT", lambda parties: good(parties, "--armor")[:-20]),
    "altered in its session packet": ("CORRUPT", damaged(lambda _: 30)),
    "altered at its start": ("CORRUPT", damaged(lambda _: 125)),
    "altered in its middle": ("CORRUPT", damaged(lambda size: size // 2)),
    "altered in its signature": ("CORRUPT", damaged(lambda size: size - 60)),
    "altered at its end": ("CORRUPT", damaged(lambda size: size - 5)),
    "altered, compressed": ("CORRUPT", lambda parties: altered(good(parties, content=CONTENT * 8000), 300)),
    "with a wrong checksum": (
        "CORRUPT",
        lambda parties: good(parties, "--armor").replace(b"\n=", b"\n=AAAA\n=", 1),
    ),
    "armoured behind a byte-order mark": ("CORRUPT", lambda parties: b"\xef\xbb\xbf" + good(parties, "--armor")),
    "armoured in UTF-16": ("CORRUPT", lambda parties: good(parties, "--armor").decode().encode("utf-16")),
    "followed by garbage": ("CORRUPT", lambda parties: good(parties) + b"garbage here"),
    "two messages": ("MULTI_MESSAGE", lambda parties: good(parties) * 2),
    "two armoured messages": ("MULTI_MESSAGE", lambda parties: good(parties, "--armor") * 2),
    "two contents in one message": (
        "MULTI_MESSAGE",
        lambda parties: packets.sealed_around(packets.literal(b"one") + packets.literal(b"two"), parties.council),
    ),
    "prose before the armour": ("MULTI_MESSAGE", lambda parties: b"Dear council,\n\n" + good(parties, "--armor")),
    "prose after the armour": ("MULTI_MESSAGE", lambda parties: good(parties, "--armor") + b"\nKind regards\n"),
    "not signed": (
        "UNSIGNED",
        lambda parties: parties.police.gpg(f"--recipient={parties.council.fingerprint}", "--encrypt", content=CONTENT),
    ),
    "a literal with a path for a name": (
        "UNSIGNED",
        lambda parties: packets.sealed_around(
            packets.literal(CONTENT, name=b"../../x\n[GNUPG:] GOODSIG"), parties.council
        ),
    ),
    "a signature of something else": (
        "BAD_SIGNATURE",
        lambda parties: packets.sealed_around(
            signed(parties, "--sign", "--compress-algo=none").replace(b"I1,P1", b"I1,P2"), parties.council
        ),
    ),
    "by a stranger": ("UNKNOWN_SIGNER", by("stranger")),
    "by two, one of them a stranger": ("UNKNOWN_SIGNER", lambda parties: two_signers(parties, "stranger")),
    "by another partner": ("SIGNER_NOT_PARTNER", by("schools")),
    "by two partners": ("SIGNER_NOT_PARTNER", lambda parties: two_signers(parties, "schools")),
    "by a withdrawn key": ("SIGNER_REVOKED", by("withdrawn")),
    "by a key that ran out since": ("SIGNER_EXPIRED", by("lapsed", "--faked-system-time=20250610T120000")),
    "by a signature that ran out": ("SIG_TIME", lambda parties: long_ago(parties, "--default-sig-expire=1d")),
    "signed in the future": ("SIG_TIME", lambda parties: good(parties, "--faked-system-time=20990101T000000")),
    "signed long ago": ("STALE", long_ago),
    "3DES": ("WEAK_ALGO", lambda parties: good(parties, "--cipher-algo=3DES")),
    "Camellia": ("WEAK_ALGO", lambda parties: good(parties, "--cipher-algo=CAMELLIA256")),
    "SHA-1": ("WEAK_ALGO", lambda parties: good(parties, "--digest-algo=SHA1")),
    "RIPEMD-160": ("WEAK_ALGO", lambda parties: good(parties, "--digest-algo=RIPEMD160")),
    "a bomb": (
        "EXPANSION",
        lambda parties: packets.sealed_around(
            packets.compressed(packets.compressed(packets.literal(bytes(64 << 20)))), parties.council
        ),
    ),
}
