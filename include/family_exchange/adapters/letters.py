"""Messages as e-mail: one letter for a batch, with an identity of its own so that a copy is seen as a copy."""

import re
from collections.abc import Callable
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from family_exchange.adapters.outbox import Batch

Carry = Callable[[int, EmailMessage], None]
"""Takes a letter to its recipient, or raises; its number is that of its first message."""

_READABLE = SMTP.clone(max_line_length=998)
"""The longest lines that e-mail has, so that a letter in a folder is as plain as it was written."""
_ODD = re.compile(r"[^A-Za-z0-9/._-]")


def letter(batch: Batch, *, council: str, name: str) -> EmailMessage:
    """The batch as one e-mail of plain text, without a sender; the same batch gives the same `Message-ID` every time.

    The identity is the key of the first message, and how many follow it.
    """
    mail = EmailMessage(policy=_READABLE)
    first, *others = batch.messages
    subject = first.subject if not others else f"{first.subject}, and {len(others)} more"
    mail["Subject"] = f"{name}: {subject}"
    mail["To"] = Address(addr_spec=batch.recipient)
    mail["Date"] = batch.written_at
    more = f"+{len(others)}" if others else ""
    mail["Message-ID"] = f"<{_ODD.sub('-', first.key)}{more}@{council}.family-exchange.invalid>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n\n".join("\n".join((each.subject.upper(), *each.lines)) for each in batch.messages) + "\n")
    return mail


def into_folder(folder: Path) -> Carry:
    """Carries letters into files `<number>.eml`, whole or not at all; the same letter again takes its own place."""

    def carry(number: int, mail: EmailMessage) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = folder / f".{number}.part"
        unfinished.write_bytes(mail.as_bytes())
        unfinished.replace(folder / f"{number}.eml")

    return carry
