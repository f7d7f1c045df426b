"""The pretend trusted third party: takes what stands under a final name, and writes a signed receipt first."""

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from family_exchange.adapters.openpgp import OpenPGP
from family_exchange.domain.errors import DataRefused

CAP = 512 << 20
"""Bytes of a return that it is ready to open."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Its folder on the server, its own key ring, and the one council that it expects files from."""

    root: Path
    """Holds `inbox/`, `receipts/` and, for what was taken, `taken/`."""
    openpgp: OpenPGP
    council_key: str
    """Fingerprint of the key that a return must be signed with, and that receipts are sealed to."""

    def answer(self, *, at: datetime) -> list[str]:
        """The names that were answered now, in order.

        A name that begins with a dot is still under way and is left alone. The receipt stands before the file is
        taken away, so whoever finds neither has lost nothing. What comes again under a name already answered changes
        nothing: the answer stands, and so does what was taken.
        """
        answered = []
        for file in sorted((self.root / "inbox").iterdir()):
            if not file.name.startswith(".") and file.is_file():
                self._answer(file, at)
                answered.append(file.name)
        return answered

    def _answer(self, file: Path, at: datetime) -> None:
        sealed = file.read_bytes()
        good = self._opens(sealed)
        receipt = self.root / "receipts" / f"{file.name}.json.pgp"
        if not receipt.exists():
            self._write(receipt, file.name, sealed, "accepted" if good else "refused", at)
        taken = self.root / "taken" / file.name
        if good and not taken.exists():
            taken.parent.mkdir(exist_ok=True)
            file.rename(taken)
        else:
            file.unlink()

    def _opens(self, sealed: bytes) -> bool:
        try:
            self.openpgp.open_signed(sealed, self.council_key, cap=CAP)
        except DataRefused:
            return False
        return True

    def _write(self, receipt: Path, name: str, sealed: bytes, outcome: str, at: datetime) -> None:
        body = {
            "name": name,
            "sha256": sha256(sealed).hexdigest(),
            "size": len(sealed),
            "received_at": at.isoformat(),
            "outcome": outcome,
        }
        text = json.dumps(body, sort_keys=True, separators=(",", ":"))
        receipt.parent.mkdir(exist_ok=True)
        temporary = receipt.with_name(f".{receipt.name}.part")
        temporary.write_bytes(self.openpgp.seal(text.encode(), recipient=self.council_key))
        temporary.rename(receipt)
