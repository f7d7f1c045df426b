"""The status lines of one gpg run, sorted by what they are about. Source: GnuPG's doc/DETAILS."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from family_exchange.domain.seal_terms import Outcome

_VALIDSIG_WORDS = 10
_LONGEST_NUMBER = 12
_LAST_SECOND = 1 << 32


@dataclass(frozen=True, slots=True)
class Signature:
    """A VALIDSIG line: the mathematics hold; whether we want it is another matter."""

    signer: str
    signed_at: datetime
    hash_algorithm: int
    kind: str


class Said:
    """The status lines, sorted by what they are about."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.lines = [(words[0], words[1:]) for line in outcome.status if (words := line.split())]
        self.count = Counter(keyword for keyword, _ in self.lines)
        self.signatures = [made for words in self.all("VALIDSIG") if (made := _signature(words))]
        self.signature_ids = [words[0] for words in self.all("SIG_ID") if words]
        self.decrypted_with = {word for words in self.all("DECRYPTION_KEY") for word in words[:2]}
        self.errors = [(words[0], number(words[1])) for words in self.all("ERROR") if len(words) > 1]

    def all(self, keyword: str) -> list[list[str]]:
        """The arguments of every line with this keyword."""
        return [words for one, words in self.lines if one == keyword]

    def any(self, *keywords: str) -> bool:
        """True when one of the keywords was said."""
        return any(self.count[keyword] for keyword in keywords)

    def once(self, *keywords: str) -> bool:
        """True when each of the keywords was said exactly once."""
        return all(self.count[keyword] == 1 for keyword in keywords)

    @property
    def method(self) -> tuple[int, int, int]:
        """(integrity packet, cipher, authenticated mode) of the encryption; (-1, -1, -1) when not said."""
        words = next(iter(self.all("DECRYPTION_INFO")), [])
        mdc, cipher, aead = (*(number(word) for word in words[:3]), *(-1,) * 3)[:3]
        return mdc, cipher, max(0, aead)


def number(word: str) -> int:
    """The leading decimal number of the word; -1 when there is none."""
    digits = word.split("_", 1)[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < _LONGEST_NUMBER else -1


def _signature(words: list[str]) -> Signature | None:
    """The signature of a VALIDSIG line; None when the line is not as gpg writes it."""
    if len(words) < _VALIDSIG_WORDS or (seconds := number(words[2])) < 0 or seconds >= _LAST_SECOND:
        return None
    return Signature(words[9], datetime.fromtimestamp(seconds, UTC), number(words[7]), words[8])
