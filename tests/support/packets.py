"""OpenPGP packets written by hand: what no well-meant program makes. Source: RFC 4880, parts 4.2 and 5."""

import os
import subprocess
import zlib
from hashlib import sha1

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from support.keys import Ring

LITERAL, COMPRESSED, SED, SEIPD = 11, 8, 9, 18


def packet(tag: int, body: bytes) -> bytes:
    """A packet in the new format with a four-octet length."""
    return bytes([0xC0 | tag, 0xFF]) + len(body).to_bytes(4) + body


def literal(content: bytes, *, name: bytes = b"") -> bytes:
    return packet(LITERAL, b"b" + bytes([len(name)]) + name + bytes(4) + content)


def compressed(content: bytes) -> bytes:
    return packet(COMPRESSED, b"\x02" + zlib.compress(content, 9))


def sealed_around(content: bytes, recipient: Ring, *, integrity: bool = True) -> bytes:
    """The packets in `content` encrypted to the recipient by AES-256, with an integrity packet or without."""
    outside = recipient.gpg("--cipher-algo=AES256", f"--recipient={recipient.fingerprint}", "--encrypt", content=b"x")
    session_packet = outside[: 2 + outside[1]]
    command = ["gpg", "--homedir", str(recipient.home), "--batch", "--show-session-key", "--status-fd=1"]
    command += ["--output=/dev/null", "--decrypt"]
    said = subprocess.run(command, input=outside, capture_output=True, check=True).stdout.decode()
    key = bytes.fromhex(said.split("SESSION_KEY 9:")[1].split()[0])
    prefix = os.urandom(16)
    prefix += prefix[-2:]
    if not integrity:
        return session_packet + packet(SED, _resynchronised(key, prefix, content))
    body = prefix + content + b"\xd3\x14"
    return session_packet + packet(SEIPD, b"\x01" + _encrypted(key, bytes(16), body + sha1(body).digest()))


def _encrypted(key: bytes, start: bytes, content: bytes) -> bytes:
    return Cipher(algorithms.AES(key), CFB(start)).encryptor().update(content)


def _resynchronised(key: bytes, prefix: bytes, content: bytes) -> bytes:
    """The old way, without integrity: the cipher starts again from the end of its own prefix."""
    first = _encrypted(key, bytes(16), prefix)
    return first + _encrypted(key, first[2:18], content)
