"""Text that a pattern of a contract matches, by chance.

Knows the patterns that suites may use: literals, escaped signs, sets, groups as `(?:…)`, choices and repeats.
"""

import string
from random import Random

_ANY = string.ascii_uppercase + string.digits
_SIGNS = string.ascii_letters + string.digits + " -'.,/:_"
_MORE = 4
"""An open-ended repeat takes at most so many beyond those it must have."""


def text(pattern: str, rng: Random) -> str:
    """A text that `pattern` matches from its first sign to its last.

    Raises:
        ValueError: the pattern has something that no suite may use.
    """
    sampler = _Sampler(pattern, rng)
    made = sampler.choice()
    if not sampler.at_end:
        raise ValueError(f"a pattern has a sign out of place at {sampler.place + 1}")
    return made


class _Sampler:
    """Walks through a pattern once and makes text on the way."""

    def __init__(self, pattern: str, rng: Random) -> None:
        self._pattern = pattern
        self._rng = rng
        self.place = 0

    @property
    def at_end(self) -> bool:
        return self.place >= len(self._pattern)

    def choice(self) -> str:
        """One of the alternatives up to the end or the closing bracket; each is walked through."""
        made = [self._sequence()]
        while self._next_is("|"):
            made.append(self._sequence())
        return self._rng.choice(made)

    def _sequence(self) -> str:
        made = []
        while not self.at_end and self._pattern[self.place] not in "|)":
            made.append(self._repeated())
        return "".join(made)

    def _repeated(self) -> str:
        """One part as often as its repeat says; made anew each time."""
        start = self.place
        first = self._part()
        least, most = self._repeat()
        end = self.place
        made = []
        for number in range(self._rng.randint(least, most)):
            if number == 0:
                made.append(first)
                continue
            self.place = start
            made.append(self._part())
        self.place = end
        return "".join(made)

    def _part(self) -> str:
        sign = self._pattern[self.place]
        self.place += 1
        match sign:
            case "^" | "$":
                return ""
            case ".":
                return self._rng.choice(_ANY)
            case "[":
                return self._rng.choice(self._set())
            case "\\":
                self.place += 1
                return self._pattern[self.place - 1]
            case "(":
                self.place += len("?:")
                made = self.choice()
                self.place += len(")")
                return made
            case _:
                return sign

    def _set(self) -> str:
        """The signs that the set takes, those of everyday use when it says which it does not take."""
        negated = self._next_is("^")
        signs: list[str] = []
        while self._pattern[self.place] != "]" or not signs:
            sign = self._sign_of_set()
            if self._pattern[self.place] == "-" and self._pattern[self.place + 1] != "]":
                self.place += 1
                last = self._sign_of_set()
                signs.extend(chr(code) for code in range(ord(sign), ord(last) + 1))
            else:
                signs.append(sign)
        self.place += 1
        return "".join(sign for sign in _SIGNS if sign not in signs) if negated else "".join(signs)

    def _sign_of_set(self) -> str:
        if self._pattern[self.place] == "\\":
            self.place += 1
        self.place += 1
        return self._pattern[self.place - 1]

    def _repeat(self) -> tuple[int, int]:
        for sign, least, most in (("?", 0, 1), ("*", 0, _MORE), ("+", 1, 1 + _MORE)):
            if self._next_is(sign):
                return least, most
        if not self._next_is("{"):
            return 1, 1
        end = self._pattern.index("}", self.place)
        first, comma, last = self._pattern[self.place : end].partition(",")
        self.place = end + 1
        least = int(first or 0)
        if not comma:
            return least, least
        return least, min(int(last), least + _MORE) if last else least + _MORE

    def _next_is(self, sign: str) -> bool:
        found = self._pattern.startswith(sign, self.place)
        self.place += found
        return found
