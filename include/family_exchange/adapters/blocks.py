"""Where statements meet: a model's blocking rules as numbers that can be stored, looked up and compared.

Two statements are compared when they share a block. A rule such as `l.surname = r.surname AND l.born = r.born` is one
block of each statement, a number made of what stands on both sides. So the few statements of a register that fresh ones
must be compared with are found by an index, and no rule is written twice.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from family_exchange.adapters.statements import JUSTICE
from family_exchange.domain.errors import ExchangeError

if TYPE_CHECKING:
    from family_exchange.adapters.linkage_model import LinkageModel

NUMBERS = ("nhs_number", "upn", "nino", *JUSTICE)
"""Columns of numbers that are one person's own; an equal one is a block whatever the rules say."""


class NoBlock(ExchangeError):
    """A blocking rule has nothing equal on both sides, or is more than conditions joined by AND."""


@dataclass(frozen=True, slots=True)
class Block:
    """One way to meet: `sought` of the one statement are the same values as `stored` of the other."""

    sought: tuple[str, ...]
    stored: tuple[str, ...]

    @property
    def name(self) -> str:
        """What keeps the values of one way apart from those of another."""
        return f"{'|'.join(self.sought)}={'|'.join(self.stored)}"


_SIDE = re.compile(r"\b([lr])\.")


def of(model: "LinkageModel") -> tuple[Block, ...]:
    """Every way in which statements meet by this model, and by equal numbers.

    Raises:
        NoBlock: a rule of the model cannot be looked up.
    """
    rules = model.splink["blocking_rules_to_generate_predictions"]
    assert isinstance(rules, list)  # noqa: S101 - Splink's own settings
    found = [Block((column,), (column,)) for column in NUMBERS]
    for number, rule in enumerate(rules, start=1):
        found += _of_rule(number, rule if isinstance(rule, str) else rule["blocking_rule"])  # type: ignore[index,call-overload]  # pydantic's JSON
    return tuple(dict.fromkeys(found))


def _of_rule(number: int, rule: object) -> list[Block]:
    pairs = []
    for term in re.split(r"\s+AND\s+", str(rule), flags=re.IGNORECASE):
        left, equal, right = term.partition(" = ")
        sides = tuple({*_SIDE.findall(side)} for side in (left, right))
        if re.search(r"\bOR\b", term, flags=re.IGNORECASE):
            raise NoBlock(f"blocking rule {number} of the linkage model: write two rules instead of OR")
        if equal and sides in (({"l"}, {"r"}), ({"r"}, {"l"})):
            one, other = (_SIDE.sub("", side).strip() for side in (left, right))
            pairs.append((one, other) if sides[0] == {"l"} else (other, one))
    if not pairs:
        raise NoBlock(f"blocking rule {number} of the linkage model: nothing of l equals anything of r")
    pairs.sort()
    there = Block(tuple(one for one, _ in pairs), tuple(other for _, other in pairs))
    if {*pairs} == {(other, one) for one, other in pairs}:  # the same whichever statement is l
        return [there]
    return [there, Block(there.stored, there.sought)]


def stored(blocks: Iterable[Block]) -> str:
    """The blocks by which a statement is found, as SQL of DuckDB over its columns: a list of numbers."""
    return _numbers((block.name, block.stored) for block in blocks)


def sought(blocks: Iterable[Block]) -> str:
    """The blocks by which a statement finds others, as SQL of DuckDB over its columns: a list of numbers."""
    return _numbers((block.name, block.sought) for block in blocks)


def as_text(numbers: str) -> str:
    """That list as PostgreSQL reads an array."""
    return f"'{{' || array_to_string({numbers}, ',') || '}}'"


def _numbers(named: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    """A block is none where a value is missing. Its number is the same wherever this version of DuckDB runs."""
    cases = []
    for name, values in named:
        known = " AND ".join(f"coalesce(({value})::VARCHAR, '') <> ''" for value in values)
        parts = ", ".join(f"({value})::VARCHAR" for value in values)
        quoted = name.replace("'", "''")
        cases.append(f"CASE WHEN {known} THEN (hash('{quoted}', {parts}) >> 1)::BIGINT END")
    return f"list_sort(list_distinct(list_filter([{', '.join(cases)}], lambda block: block IS NOT NULL)))"
