"""The research wall at the way in: what was made for a return never comes back as a partner's file.

Source: all five notices promise that linked research data are not shared back and decide nothing about anybody.
"""

from collections.abc import Iterable, Sequence

from family_exchange.domain.manifest import MARK

FEWEST_FIELDS = 4
"""A layout of fewer fields could be a part of any file."""

_BOM = b"\xef\xbb\xbf"


def is_a_return(head: bytes, layouts: Iterable[Sequence[str]]) -> bool:
    """True when the header of a file that begins with `head` has every field of one of the returns' layouts.

    More columns beside them change nothing: linked data come back with some.
    """
    first, _, rest = head.removeprefix(_BOM).partition(b"\n")
    line = (rest.partition(b"\n")[0] if first.startswith(MARK.encode()) else first).decode(errors="replace")
    columns = {name.strip(' "\r').casefold() for name in line.split(",")}
    return any(len(fields) >= FEWEST_FIELDS and columns.issuperset(map(str.casefold, fields)) for fields in layouts)
