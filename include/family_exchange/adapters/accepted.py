"""Rows that may be staged: read again from the plaintext when they are wanted, so that no table is held whole."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import polars as pl

WORKERS = 2
"""Pieces of one file that are worked on at once, each by a thread: polars lets go of Python while it works."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Accepted:
    """Frames with `row_no` and the canonical columns that the council takes in, typed, in the order of the file.

    It can be iterated again, with the same result.
    """

    def __init__(self, pieces: Sequence[Callable[[], "pl.DataFrame"]]) -> None:
        self._pieces = pieces

    @classmethod
    def of(cls, frame: "pl.DataFrame") -> "Accepted":
        """One frame that is already there."""
        return cls((lambda: frame,))

    def __iter__(self) -> Iterator["pl.DataFrame"]:
        """The frames."""
        return self.each(lambda frame: frame)

    def each(self, work: "Callable[[pl.DataFrame], Result]") -> Iterator[Result]:
        """`work` of each frame, in order; the next ones are made while one is used."""
        return side_by_side(lambda piece: work(piece()), self._pieces)

    def whole(self) -> "pl.DataFrame":
        """All rows in one frame."""
        import polars as pl  # noqa: PLC0415 - costs a third of a second

        return pl.concat(self)


def side_by_side(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """`work` of each item, in order; while a result is used, the next ones are made, and never more than a few."""
    if len(items) < WORKERS:
        yield from map(work, items)
        return
    begun: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            for item in items:
                begun.append(pool.submit(work, item))
                if len(begun) > WORKERS:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
