"""What stands for sealed files: bytes that look like OpenPGP messages, and what gpg and validation would find."""

from dataclasses import dataclass
from datetime import date, datetime

_FRONT, _END, _LENGTH = b"\xc1\x01\x03", b"|whole", 120


@dataclass(frozen=True)
class Message:
    """One message as its partner sealed it."""

    content: bytes
    signature: str
    signed_at: datetime
    as_of: date | None
    sequence: int | None
    refused: bool = False
    """Its content can not be taken."""
    salt: int = 0
    """Sealing the same twice gives other bytes."""

    def sealed(self):
        """The bytes."""
        told = f"{self.content} {self.signature} {self.signed_at:%H%M%S} {self.as_of} {self.sequence} {self.salt}"
        return _FRONT + told.encode().ljust(_LENGTH, b".") + _END


class Sealed:
    """What every message of one world holds, by its bytes."""

    def __init__(self):
        self._messages = {}

    def seal(self, message):
        """The message's bytes, which `read` understands from now on."""
        data = message.sealed()
        self._messages[data] = message
        return data

    def read(self, data):
        """The message in whole bytes; None for bytes that were cut off."""
        return self._messages.get(data)
