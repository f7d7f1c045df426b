"""What a partner should do next, in plain words: for every reason of the closed list, and for every end of a file."""

from collections.abc import Mapping
from types import MappingProxyType

from family_exchange.domain.file import Reason, State, Verdict

CONTACT = "Speak to your contact at the council and give the number of this file."

_EXPORT = "Save the file again from your own system and send it again."

REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.NOT_OPENPGP: (
            "What arrived is no OpenPGP message. Sign the file with your registered key, encrypt it to the council's "
            "key, and send it again. If it was sent unencrypted, tell your contact at the council today."
        ),
        Reason.WRONG_RECIPIENT: (
            "The file is not encrypted to the council's current key. Ask for that key, compare its fingerprint by "
            "voice, and send the file again."
        ),
        Reason.UNSIGNED: "The file carries no signature. Sign it with your registered key, and send it again.",
        Reason.BAD_SIGNATURE: (
            "The signature does not fit the content: the file was changed or damaged after it was signed. Sign and "
            "encrypt it anew, and send it again."
        ),
        Reason.UNKNOWN_SIGNER: (
            "The file is signed with a key that is not registered. Sign it with your registered key, or register the "
            "new one with your contact at the council first."
        ),
        Reason.SIGNER_NOT_PARTNER: (
            "The file lies in your folder and is signed by somebody else. Look who has access to your folder, and "
            "send your own file, signed with your own key."
        ),
        Reason.SIGNER_REVOKED: (
            "The signing key was revoked. Register a new key with your contact at the council, and sign with it."
        ),
        Reason.SIGNER_EXPIRED: (
            "The signing key had expired, or its agreed time was over. Extend it or make a new one, register it with "
            "your contact at the council, and send the file again."
        ),
        Reason.SIG_TIME: (
            "The signature was made in the future, or too long ago. Set the clock of your computer right, sign the "
            "file anew, and send it again."
        ),
        Reason.NO_INTEGRITY: (
            "The encryption does not protect the file against change. Bring your OpenPGP program up to date (it must "
            "make integrity-protected messages), and send the file again."
        ),
        Reason.CORRUPT: "The file did not arrive whole. Send it again, under a temporary name until it is complete.",
        Reason.MULTI_MESSAGE: (
            "The file holds several messages, or something after the message. Put one signed and encrypted message "
            "into each file, and send it again."
        ),
        Reason.WEAK_ALGO: (
            "The file is signed or encrypted with an algorithm that is too weak. Bring your OpenPGP program up to "
            "date and use its present defaults; if the key itself is weak, register a new one."
        ),
        Reason.TOO_LARGE: "The file is larger than agreed. Split it by period or by area, and send the parts.",
        Reason.EXPANSION: (
            "The file unpacks to far more than its size allows. Send the table itself, without another archive inside."
        ),
        Reason.NAME: (
            "The name of the file holds characters that no agreed name has. Use letters, digits, hyphens and dots, "
            "and send it again."
        ),
        Reason.NOT_REGULAR: "What lies in the folder is not a plain file. Remove it, and upload the file itself.",
        Reason.ENCODING: (
            "The text is in no encoding that was agreed for this feed. Save the file as UTF-8, and send it again."
        ),
        Reason.CSV_SYNTAX: (
            "The rows cannot be told apart: look for an unclosed quote, or for a row with too few or too many cells. "
            + _EXPORT
        ),
        Reason.HEADER: (
            "The first line or the row of column names is not in order. Compare it with the description of the feed, "
            "and send the file again."
        ),
        Reason.SCHEMA: (
            "The columns are not those that were agreed for this feed. Compare them with the description of the feed, "
            "and send the file again."
        ),
        Reason.CONTENT: (
            "Nothing of the file was taken: no row can be loaded, it is not what its first line says, or it differs "
            "so much from your earlier files that two people at the council look at it first. Mend what is listed "
            "here and send the whole file again; if nothing is listed, speak to your contact at the council."
        ),
        Reason.STALE: (
            "A file that you signed later was taken already. Nothing to do, if this one was sent again by mistake; "
            "otherwise make a new extract, sign it, and send it."
        ),
        Reason.CONFLICT: (
            "Another file with the same number or the same signature, but other content, was taken already. Give the "
            "file a number of its own, sign it anew, and send it again; or tell your contact which of the two holds."
        ),
        Reason.RESEARCH_WALL: (
            "The file holds what belongs to research and must not meet the records of services. Do not send it again; "
            "speak to your contact at the council today."
        ),
    }
)
"""What to do about a file that was not taken."""

_VERDICTS = MappingProxyType(
    {
        Verdict.ACCEPTED: "Nothing to do: every row is taken.",
        Verdict.ACCEPTED_WITH_FINDINGS: (
            "Every row is taken. Mend what is listed here in your own system, so that your next file is right."
        ),
        Verdict.PARTLY_ACCEPTED: (
            "Some rows are not taken. Mend the rows that are refused in your own system, and send the whole file "
            "again: the next receipt says what is mended."
        ),
        Verdict.REFUSED: "No row is taken. Mend what is listed here, and send the whole file again.",
    }
)

_ENDS = MappingProxyType(
    {
        State.DUPLICATE: "Nothing to do: the same content was taken already.",
        State.SUPERSEDED: "Nothing to do: a later file of yours about the same day was taken already.",
        State.REJECTED: "Two people at the council decided not to take this file. " + CONTACT,
        State.GONE: "The file was taken back before it was read. Send it again if that was not meant.",
    }
)


def next_step(state: State | None, verdict: Verdict | None, reason: Reason | None) -> str:
    """What the partner should do; the reason says more than the verdict, and a final end more than both."""
    if state and state in _ENDS:
        return _ENDS[state]
    if reason:
        return REASONS[reason]
    return _VERDICTS[verdict] if verdict else CONTACT
