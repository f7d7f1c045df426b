"""What goes wrong with a sample on its way: cells, rows, columns, first lines, single bytes."""

import re

from hypothesis import strategies as st

from family_exchange.adapters import expectations

ODD = [
    "",
    " ",
    "x",
    "Y",
    "0",
    "-1",
    "1e9",
    "2026-02-30",
    "2099-01-01",
    "1800-01-01",
    "=1+1",
    "ZZ99 9ZZ",
    "é",
    "a,b",
    "a\nb",
    '"',
]
"""Cells that some rule of some feed does not want."""


def samples(feed):
    """The feed's samples, good and bad, as files."""
    return sorted((expectations.ROOT / feed).glob("v*.csv"))


def quoted(cell):
    return '"' + cell.replace('"', '""') + '"' if set(cell) & {'"', ",", "\n"} else cell


@st.composite
def mutated(draw, feed):
    """A sample of the feed with up to four things changed, as bytes."""
    lines = draw(st.sampled_from(samples(feed))).read_text(encoding="utf-8").splitlines()
    if draw(st.booleans()):
        lines[0] = re.sub(r" rows=[0-9]+", "", lines[0])  # otherwise no row may come or go
    for _ in range(draw(st.integers(0, 4))):
        lines = draw(st.sampled_from([_cell, _row_again, _row_gone, _cut_row, _column, _first_line]))(draw, lines)
    content = "\n".join([*lines, ""]).encode()
    if draw(st.booleans()):
        return content
    return draw(st.sampled_from([_flipped, _truncated, _windows, _wide]))(draw, content)


def _place(draw, lines):
    return draw(st.integers(2, max(2, len(lines) - 1)))


def _cell(draw, lines):
    at = _place(draw, lines)
    if at >= len(lines) or '"' in lines[at]:
        return lines
    cells = lines[at].split(",")
    cells[draw(st.integers(0, len(cells) - 1))] = quoted(draw(st.sampled_from(ODD)))
    return [*lines[:at], ",".join(cells), *lines[at + 1 :]]


def _row_again(draw, lines):
    at = _place(draw, lines)
    return [*lines, *lines[at : at + 1]]


def _row_gone(draw, lines):
    at = _place(draw, lines)
    return [*lines[:at], *lines[at + 1 :]]


def _cut_row(draw, lines):
    at = _place(draw, lines)
    return [*lines[:at], *(line.rpartition(",")[0] for line in lines[at : at + 1]), *lines[at + 1 :]]


def _column(draw, lines):
    """Two columns change their names, or one has another."""
    if len(lines) < 2:
        return lines
    names = lines[1].split(",")
    first, second = (draw(st.integers(0, len(names) - 1)) for _ in range(2))
    names[first], names[second] = names[second], draw(st.sampled_from([names[first], "other"]))
    return [lines[0], ",".join(names), *lines[2:]]


def _first_line(draw, lines):
    line = draw(
        st.sampled_from(
            [
                "#family-exchange as_of=2026-10-31",
                "#family-exchange as_of=2026-13-31",
                "#family-exchange rows=3",
                "#family-exchange contract=v9",
                "#family-exchange council=elsewhere",
                "#family-exchange feed=other area=E08000036 sequence=4",
            ]
        )
    )
    return [line, *lines[1:]]


def _flipped(draw, content):
    at = draw(st.integers(0, len(content) - 1))
    return content[:at] + bytes([content[at] ^ draw(st.integers(1, 255))]) + content[at + 1 :]


def _truncated(draw, content):
    return content[: draw(st.integers(0, len(content)))]


def _windows(draw, content):
    return content.replace(b"\n", b"\r\n")


def _wide(draw, content):
    return content.decode().encode("utf-16")
