"""What the words of contracts and suites mean to somebody who has never seen one."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from family_exchange.domain.column import Column, ColumnType, DataClass, Purpose, Sensitivity
from family_exchange.domain.condition import Ages, Condition, Operator
from family_exchange.domain.container import Encoding, Format, Role
from family_exchange.domain.contract import Contract, PartnerType
from family_exchange.domain.identifiers import Kind
from family_exchange.domain.suite import VALUE, ExpectationType, Suite, kind

PURPOSES: Mapping[Purpose, str] = MappingProxyType(
    {
        Purpose.IDENTIFY: "to find families that may need support",
        Purpose.SUPPORT: "to support them",
        Purpose.MONITOR: "to see how they get on",
        Purpose.EVALUATE_LOCAL: "to learn locally what helps",
        Purpose.EVALUATE_NATIONAL: "for the national evaluation of the programme",
        Purpose.PLAN_SERVICES: "to plan services",
        Purpose.STATISTICS: "for statistics that show nobody",
    }
)
SENSITIVITIES: Mapping[Sensitivity, str] = MappingProxyType(
    {
        Sensitivity.IDENTITY: "says who somebody is",
        Sensitivity.IDENTIFIER: "a number by which others know them",
        Sensitivity.CONTACT: "says where somebody can be found",
        Sensitivity.CRIMINAL_OFFENCE: "criminal offence data, specially protected by law",
        Sensitivity.SPECIAL_CATEGORY: "special category data, specially protected by law",
        Sensitivity.OPERATIONAL: "needed for the work",
    }
)
FIRST_LINE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "council": ("whom the file is for; a file for another council is refused", "our-council"),
        "feed": ("which feed it is; the folder must be that feed's", "police_incidents"),
        "contract": ("which version of the contract the columns follow", "v1"),
        "as_of": ("the day on which your system said what the file says; ages are counted on it", "2026-10-31"),
        "coverage_from": ("the first day that the file tells of", "2026-04-01"),
        "coverage_to": ("the last day that the file tells of", "2026-10-31"),
        "area": ("which area the rows come from, as you code it: letters, digits and hyphens", "E08000036"),
        "sequence": ("your own number of the file, counted upwards from 1; each is used once", "7"),
        "rows": ("how many rows stand below the header; another number means that some were lost", "812"),
    }
)
"""`key → what it says, an example`."""
FORMATS: Mapping[Format, str] = MappingProxyType(
    {
        Format.CSV: "CSV",
        Format.XLSX: "an Excel workbook (`.xlsx`, without macros or links), one sheet for each table",
        Format.ZIP: "a ZIP with one CSV for each table, called `<table>.csv`",
    }
)
_ENCODINGS: Mapping[Encoding, str] = MappingProxyType(
    {
        Encoding.UTF_8: "UTF-8",
        Encoding.UTF_16: "UTF-16 with a byte-order mark (what Excel calls Unicode text)",
        Encoding.WINDOWS_1252: "windows-1252 (what Excel calls CSV)",
    }
)
NAMES: Mapping[PartnerType, str] = MappingProxyType(
    {
        PartnerType.EDUCATION: "schools and education services",
        PartnerType.DWP: "Department for Work and Pensions",
        PartnerType.SOCIAL_SERVICES: "children's and adults' services",
        PartnerType.HEALTH: "health services",
        PartnerType.FIRE: "fire and rescue service",
        PartnerType.PRISON: "prisons",
    }
)
"""Partners whose kind does not say enough by itself."""
ROLES: Mapping[Role, str] = MappingProxyType(
    {
        Role.PERSONS: "one row for each person; every other table names only people who stand here",
        Role.FAMILIES: "which family a person lives in; of several rows the one with the greatest key counts",
        Role.ADDRESSES: "where a person lives; the latest that has begun and not ended counts",
        Role.IDENTIFIERS: "numbers by which others know a person, a kind and a value in each row",
        Role.EPISODES: "what began, and may have ended; all of them are kept",
    }
)
_DAYS = (("%Y", "2026"), ("%m", "04"), ("%d", "30"))
_IDENTIFIERS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.NHS_NUMBER: "10 digits, the last of which checks the others",
        Kind.NINO: "two letters, six digits and a letter A to D",
        Kind.UPN: "a letter that checks the 12 signs after it",
        Kind.ULN: "10 digits, the last of which checks the others",
        Kind.PNC: "year, slash, serial number and the letter that checks them",
        Kind.CRO: "serial number, slash, year and the letter that checks them",
        Kind.UPRN: "up to 12 digits",
        Kind.POSTCODE: "a whole postcode, with or without the space",
    }
)
_OPERATORS: Mapping[Operator, str] = MappingProxyType(
    {
        Operator.EQ: "is", Operator.IN: "is one of", Operator.GE: "is at least", Operator.GT: "is above",
        Operator.LE: "is at most", Operator.LT: "is below", Operator.PRESENT: "is filled",
        Operator.ABSENT: "is empty",
    }
)  # fmt: skip


def tells(data_class: DataClass) -> str:
    """What a column of this class tells about somebody."""
    if data_class is DataClass.REFERENCE:
        return "your own reference or date"
    names = {DataClass.NHS_NUMBER: "NHS number", DataClass.NINO: "National Insurance number", DataClass.UPN: "UPN"}
    names[DataClass.CRIME_ASB] = "crime and anti-social behaviour"
    return names.get(data_class, data_class.value.replace("_", " "))


def ages(gate: Ages) -> str:
    """Whom the feed takes, by their age on the file's own day."""
    match gate.min, gate.max:
        case None, None:
            return "people of any age"
        case least, None:
            return f"people aged {least} or over on the `as_of` day; leave younger ones out"
        case None, most:
            return f"people aged up to {most} on the `as_of` day; leave older ones out"
        case least, most:
            return f"people aged {least} to {most} on the `as_of` day; leave others out"


def encodings(allowed: Iterable[Encoding]) -> str:
    """The encodings, the best first."""
    return "; also ".join(_ENCODINGS[each] for each in allowed) + "; no other"


def day_like(date_format: str) -> str:
    """The 30th of April 2026 in that form."""
    for part, digits in _DAYS:
        date_format = date_format.replace(part, digits)
    return date_format


def condition(asked: Condition, contract: Contract) -> str:
    """A condition of the contract, by the header of its column."""
    value = asked.value
    values = value if isinstance(value, tuple) else () if value is None else (value,)
    said = ", ".join(f"`{'YN'[not each] if isinstance(each, bool) else each}`" for each in values)
    return f"`{contract.column(asked.column).name}` {_OPERATORS[asked.op]} {said}".rstrip()


def form(column: Column, contract: Contract, suite: Suite) -> str:
    """What may stand in a cell of the column; codes are for the page to list."""
    if which := kind(column):
        return _IDENTIFIERS[which]
    forms = {
        ColumnType.DATE: f"a date like `{day_like(contract.file.date_format)}`",
        ColumnType.BOOLEAN: "`Y` or `N`",
        ColumnType.INTEGER: "a whole number" + _range(column, suite),
        ColumnType.DECIMAL: "a number with up to two decimals" + _range(column, suite),
    }
    return forms.get(column.type) or _text(column, suite)


def _text(column: Column, suite: Suite) -> str:
    """How long the text may be, or which rule says in what form it stands."""
    rules = [each for each in suite.row_rules if each.kwargs.column == column.name]
    if column.pattern:
        named = [each.meta.rule for each in rules if each.type is ExpectationType.MATCH]
        return f"text in the form that {named[0]} asks for" if named else "text in a fixed form"
    most = [each.kwargs.max_value for each in rules if each.type is ExpectationType.LENGTH and each.kwargs.max_value]
    return f"text, up to {most[0]} characters" if most else "text"


def _range(column: Column, suite: Suite) -> str:
    for rule in suite.row_rules:
        if rule.kwargs.column == column.name + VALUE and rule.type is ExpectationType.BETWEEN:
            least, most = rule.kwargs.min_value, rule.kwargs.max_value
            if least is not None and most is not None:
                return f", {least} to {most:,}" if isinstance(most, int) else f", {least} to {most}"
    return ""
