"""The councils' published notices, line by line, as the sources of promises."""

from pathlib import Path

_QUOTES = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " "})


class Notices:
    """The notices of one folder; each is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: dict[str, list[str]] = {}

    def names(self) -> tuple[str, ...]:
        """The file names, sorted."""
        return tuple(sorted(path.name for path in self._folder.glob("*.txt")))

    def objection(self, source: str, quote: str | None) -> str | None:
        """What is wrong with `source`, or None when the line stands there, is not blank and holds `quote`."""
        name, _, lines = source.partition(":")
        if name not in self.names():
            return f"expected a notice that is kept here; {name} is not"
        text = self._text(name)
        first, _, last = lines.partition("-")
        wanted = range(int(first), int(last or first) + 1)
        if not wanted or wanted[-1] > len(text):
            return f"expected a line of {name}, which has {len(text)} lines"
        if not all(text[number - 1].strip() for number in (wanted[0], wanted[-1])):
            return f"expected a line of {name} with words on it; it is blank"
        passage = " ".join(text[number - 1] for number in wanted)
        if quote is not None and _plain(quote) not in _plain(passage):
            return f"expected words that stand in {source}"
        return None

    def _text(self, name: str) -> list[str]:
        if name not in self._lines:
            # Split at line feeds only, as `cat -n` counts: other line separators stand inside sentences.
            text = (self._folder / name).read_text(encoding="utf-8").split("\n")
            self._lines[name] = text[:-1] if text[-1] == "" else text
        return self._lines[name]


def _plain(text: str) -> str:
    return " ".join(text.translate(_QUOTES).split()).casefold()
