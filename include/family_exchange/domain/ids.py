"""Which words may be said again: ids that have the form of ours. Whatever else somebody typed may be a name."""

import re

_OURS = re.compile(
    r"[A-Z][0-9a-f]{16}"  # a person, a family, a proposal
    r"|[FS][0-9]{8,}(\.[0-9]+)?"  # a file, a source record
    r"|P-[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9a-f]{12}"  # a destruction plan
    r"|[a-z]{3}-[0-9]{4}-[A-Z][A-Z0-9]{0,7}-v[0-9]+"  # a return
)


def said(stated: str) -> str:
    """The id if it has the form of one of ours; otherwise `of that id`, so that no message repeats what was typed."""
    return stated if _OURS.fullmatch(stated) else "of that id"
