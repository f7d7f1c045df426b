"""What the rules of a bundle say of its rows: each table's own, and those between the tables."""

import json
from collections.abc import Mapping
from datetime import date

from family_exchange.demo.synthetic.agreements import with_rules
from family_exchange.demo.synthetic.bundle import MERGED_COLUMN, NUMBER_TYPES, Tables
from family_exchange.demo.synthetic.meaning import Agreed, Row
from family_exchange.domain import identifiers
from family_exchange.domain.container import Role
from family_exchange.domain.contract import PERSON as WHO
from family_exchange.domain.contract import Contract
from family_exchange.domain.findings import MERGED, PERSON, UNUSED, Severity

Found = dict[tuple[str, int], frozenset[str]]
"""`(table, row number) → rules that it breaks`; the table is empty text where there are none."""

BETWEEN: Mapping[str, Severity] = {PERSON: Severity.ERROR, MERGED: Severity.WARNING, UNUSED: Severity.WARNING}
"""The rules between tables."""


def findings(tables: Tables, contract: Contract, as_of: date) -> Found:
    """The rows that break any rule."""
    agreed = {table.name: with_rules(contract.of_table(table.name)) for table in contract.tables}
    found = {
        (name, number): set(rules)
        for name, rows in tables.items()
        for number, rules in agreed[name].findings(rows, as_of).items()
    }
    refused = {at for at, rules in found.items() if rules & _errors(agreed[at[0]])}
    persons = next(table.name for table in contract.tables if table.role is Role.PERSONS)
    merged = {
        _who(agreed[persons], row): bool(row[MERGED_COLUMN])
        for number, row in enumerate(tables[persons], start=1)
        if (persons, number) not in refused
    }
    for table in contract.tables:
        for number, row in enumerate(tables[table.name], start=1):
            rule = _between(row, merged.get(_who(agreed[table.name], row)), table.role)
            if rule and (table.name, number) not in refused:
                found.setdefault((table.name, number), set()).add(rule)
    return {at: frozenset(rules) for at, rules in found.items()}


def _errors(agreed: Agreed) -> frozenset[str]:
    return frozenset(each.meta.rule for each in agreed.suite.expectations if each.meta.severity is Severity.ERROR)


def _who(agreed: Agreed, row: Row) -> str:
    return row[agreed.contract.column(WHO).name].strip()


def _between(row: Row, merged: bool | None, role: Role) -> str | None:  # noqa: FBT001 - None: nobody knows the person
    """The rule between tables that the row breaks; `merged` says it of its person."""
    if merged is None:
        return PERSON
    if merged:
        return MERGED
    tells = {Role.IDENTIFIERS: _tells_number, Role.ADDRESSES: _tells_address}.get(role)
    return UNUSED if tells and not tells(row) else None


def _tells_number(row: Row) -> bool:
    rules = dict(zip(NUMBER_TYPES, (identifiers.nhs_number, identifiers.nino, identifiers.upn), strict=True))
    rule, value = rules.get(row["link_identifier_type"]), row["link_identifier_value"]
    return rule is not None and rule(value) is not None and not identifiers.temporary_upn(value)


def _tells_address(row: Row) -> bool:
    try:
        json.loads(row["addr_address_json"] or "{}")
    except ValueError:
        return False
    return True
