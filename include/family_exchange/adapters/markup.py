"""XML from strangers, read piece by piece: no document type, no entity of its own, no endless token."""

from collections.abc import Callable, Iterable
from xml.parsers import expat

from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason

_LONGEST_TOKEN = 8 << 20
"""Bytes that one tag or piece of text may take; a workbook's are a few thousand at most."""

DEEPEST = 64
"""Tags within tags; a workbook's are about ten deep."""

Start = Callable[[str, dict[str, str]], None]
End = Callable[[str], None]
Text = Callable[[str], None]


def read(chunks: Iterable[bytes], *, start: Start, end: End | None = None, text: Text | None = None) -> None:
    """Tell `start`, `end` and `text` what stands in the XML, in order; names as written, prefix included.

    Raises:
        DataRefused: CORRUPT; it is no sound XML, has a document type, or is nested without end.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    deep = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal deep
        deep += 1
        if deep > DEEPEST:
            raise DataRefused(Reason.CORRUPT, "a part of the workbook is nested without end")
        start(name, attributes)

    def finish(name: str) -> None:
        nonlocal deep
        deep -= 1
        if end is not None:
            end(name)

    parser.StartElementHandler = begin
    parser.EndElementHandler = finish
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _no_document_type
    fed = 0
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)  # noqa: FBT003 - expat takes it by place only
            fed += len(chunk)
            if fed - max(0, parser.CurrentByteIndex) > _LONGEST_TOKEN:
                raise DataRefused(Reason.CORRUPT, "a part of the workbook cannot be read")
        parser.Parse(b"", True)  # noqa: FBT003 - as above
    except expat.ExpatError:
        raise DataRefused(Reason.CORRUPT, "a part of the workbook is not sound XML") from None


def local(name: str) -> str:
    """The name without its prefix."""
    return name.rpartition(":")[2]


def _no_document_type(*_: object) -> None:
    raise DataRefused(Reason.CORRUPT, "a part of the workbook has a document type; no spreadsheet program writes one")
