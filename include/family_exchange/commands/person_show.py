"""Read what is known of a person or a family, for a purpose and by name; what must not be seen is not there."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Group, RenderableType

from family_exchange.adapters import family_page, person_page
from family_exchange.adapters.family_page import FamilyPage, Place, Spell
from family_exchange.adapters.person_page import Membership, Need, PersonPage, Told
from family_exchange.adapters.reading import reading
from family_exchange.commands.common import Council, Json, doors, moment, say, table, today
from family_exchange.domain.profile import Profile

Reads = Annotated[str, typer.Option("--by", help="Who reads: your own name or user name; it is in the audit.")]
For = Annotated[
    str | None,
    typer.Option("--for", help="For whose eyes: a person's id. Nothing of whom they harmed, or who harmed them."),
]
Purpose = Annotated[str, typer.Option(help="What for: a purpose of the council's notice, e.g. support.")]
AsOf = Annotated[str | None, typer.Option(help="The day it was so, YYYY-MM-DD; today if not given.")]
AsKnown = Annotated[str | None, typer.Option(help="As it was known then, e.g. 2026-05-01T12:00; now if not given.")]
History = Annotated[bool, typer.Option("--history", help="Every day, not only that one.")]

_NOT_FOR_THIS = "not for this purpose"
_PARTS = ("forename", "surname", "address_line_1", "address_line_2", "town", "postcode", "uprn")
"""How the parts of a name or an address follow each other on a page."""


def show_person(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The person's id.")],
    council: Council,
    by: Reads,
    purpose: Purpose,
    subject: For = None,
    as_of: AsOf = None,
    as_known: AsKnown = None,
    history: History = False,
    as_json: Json = False,
) -> None:
    """What is known of a person, who said so and since when; services, needs, families. The read is in the audit."""
    opened = doors(council)
    known = moment(as_known) if as_known else None
    with reading(opened, purpose=purpose, by=by, subject=subject, known=known, at_once=True) as reader:
        page = person_page.of(reader, opened.profile, person, on=today(as_of), whole=history)
    say(asdict(page), as_json=as_json, words=lambda: Group(*_person(page, opened.profile)))


def show_family(
    family: Annotated[str, typer.Argument(metavar="FAMILY", help="The family's id.")],
    council: Council,
    by: Reads,
    purpose: Purpose,
    subject: For = None,
    as_of: AsOf = None,
    as_known: AsKnown = None,
    history: History = False,
    as_json: Json = False,
) -> None:
    """A family's members, services, needs, status, workers and plan. Of each member the read is in the audit."""
    opened = doors(council)
    known = moment(as_known) if as_known else None
    with reading(opened, purpose=purpose, by=by, subject=subject, known=known, at_once=True) as reader:
        page = family_page.of(reader, opened.profile, family, on=today(as_of), whole=history)
    say(asdict(page), as_json=as_json, words=lambda: Group(*_family(page, opened.profile)))


def _person(page: PersonPage, profile: Profile) -> list[RenderableType]:
    moved = [f"{page.asked} is the same person as {page.person}, whose record this is"]
    return [
        *(moved if page.asked != page.person else []),
        f"Person {page.person}",
        _facts(page.facts, of_one=True),
        _services(page.services, profile, of_one=True),
        _needs(page.needs, of_one=True),
        _members(page.families, "Families"),
    ]


def _family(page: FamilyPage, profile: Profile) -> list[RenderableType]:
    return [
        f"Family {page.family}",
        _members(page.members, "Members"),
        _spells(page.status, "How it stands to the programme", ("status", "reason")),
        _spells(page.lead_worker, "Lead worker", ("name", "organisation")),
        _spells(page.team, "Team around the family", ("name", "organisation")),
        _services(page.services, profile),
        _needs(page.needs),
        _spells(page.suggestions, "Suggested for the future", ("service", "reason")),
        _plan(page.plan),
        _facts(page.facts),
    ]


def _facts(facts: Sequence[Told], *, of_one: bool = False) -> RenderableType:
    rows: list[tuple[object, ...]] = [
        (
            one.person,
            " ".join(part for part in (one.what.replace("_", " "), one.attribute) if part),
            " ".join(str(one.value[part]) for part in sorted(one.value, key=_in_order) if one.value[part]),
            one.valid_from,
            one.valid_to,
            "rectified" if one.rectified else _source(one.partner, one.feed),
            one.as_of,
            one.known_since.date(),
        )
        for one in facts
    ]
    return _listed(
        "Known", ("person", "what", "is", "from", "to", "source", "as of", "known since"), rows, of_one=of_one
    )


def _services(services: Sequence[Told], profile: Profile, *, of_one: bool = False) -> RenderableType:
    names = person_page.partner_names(profile, (one.partner for one in services))
    rows: list[tuple[object, ...]] = [
        (
            one.person,
            one.what.replace("_", " "),
            names.get(one.partner or "", one.partner),
            one.value.get("at"),
            one.value.get("since") or one.valid_from,
            one.valid_to,
            one.as_of,
        )
        for one in services
    ]
    return _listed(
        "Services involved", ("person", "service", "contact", "at", "since", "until", "as of"), rows, of_one=of_one
    )


def _needs(needs: Sequence[Need] | None, *, of_one: bool = False) -> RenderableType:
    if needs is None:
        return f"Needs as last assessed: {_NOT_FOR_THIS}"
    rows: list[tuple[object, ...]] = [
        (
            one.person or "the family",
            one.problem,
            one.label,
            one.rule,
            _source(one.partner, one.feed),
            one.event_on,
            one.as_of,
        )
        for one in needs
    ]
    return _listed(
        "Needs as last assessed",
        ("person", "problem", "which is", "because", "source", "event of", "as of"),
        rows,
        of_one=of_one,
    )


def _members(memberships: Sequence[Membership], title: str) -> RenderableType:
    rows: list[tuple[object, ...]] = [
        (one.family, one.person, one.role, "here" if one.resident else "elsewhere", one.from_on, one.to_on)
        for one in memberships
    ]
    return _listed(title, ("family", "person", "as", "lives", "from", "to"), rows)


def _spells(spells: Sequence[Spell] | None, title: str, columns: tuple[str, str]) -> RenderableType:
    if spells is None:
        return f"{title}: {_NOT_FOR_THIS}"
    rows: list[tuple[object, ...]] = [(one.what, one.detail, one.from_on, one.to_on, one.by) for one in spells]
    return _listed(title, (*columns, "from", "to", "said by"), rows)


def _plan(places: Sequence[Place] | None) -> RenderableType:
    if places is None:
        return f"Plan: {_NOT_FOR_THIS}"
    rows: list[tuple[object, ...]] = [
        (one.person, "in" if one.in_plan else "outside", one.reason, one.from_on, one.to_on) for one in places
    ]
    return _listed("Plan", ("person", "plan", "why not", "from", "to"), rows)


def _listed(
    title: str, columns: tuple[str, ...], rows: list[tuple[object, ...]], *, of_one: bool = False
) -> RenderableType:
    """A table, or one line when there is nothing; `of_one`: all of one person, so the first column says nothing."""
    if not rows:
        return f"{title}: nothing that may be shown here"
    first = 1 if of_one else 0
    return table(title, columns[first:], [row[first:] for row in rows])


def _in_order(part: str) -> tuple[int, str]:
    return (_PARTS.index(part) if part in _PARTS else len(_PARTS), part)


def _source(partner: str | None, feed: str | None) -> str | None:
    return f"{feed} from {partner}" if partner and feed else None
