"""Two children were held to be one when a return went out; somebody undoes it, and the next version tells it."""

from datetime import date

import pytest

from family_exchange.adapters import staging
from family_exchange.adapters.database import transaction
from family_exchange.domain.delivery import State
from family_exchange.stages import assemble, deliver, match, propose, rebuild, register
from family_exchange.stages.assemble import Why
from support.council import council, recipient_server, rings
from support.register import AT, PERIOD
from support.registry import FEEDS, TODAY, a_file, person_of, same_person

__all__ = ["council", "recipient_server", "rings"]

CODE = "fpd"
HALF_YEAR = (date(2026, 4, 1), date(2026, 9, 30))
FAMILIES = {
    "Ashbarrow": ("12 High Street", "CH1 1AA", ("Ann", date(1985, 2, 3)), ("Emma", date(2015, 3, 4))),
    "Brindlecote": ("3 Mill Lane", "CH4 4AB", ("Rose", date(1984, 6, 7)), ("Iris", date(2013, 8, 9))),
}


def rows_of_families():
    """What children's services and schools send: in each family a mother, and a child in need who misses school."""
    for number, (surname, (line_1, postcode, mother, child)) in enumerate(FAMILIES.items(), start=1):
        home = {"surname": surname, "address_line_1": line_1, "postcode": postcode, "household_ref": f"F{number}"}
        for letter, (forename, born), relationship in (("M", mother, "mother"), ("C", child, "child")):
            person = {"forename": forename, "date_of_birth": born, "sex": "F"} | home
            yield (
                "childrens_social_care",
                person
                | {
                    "record_ref": f"{letter}{number}",
                    "relationship": relationship,
                    **({"cine_start_date": date(2026, 3, 1)} if letter == "C" else {}),
                },
            )
        yield (
            "school_attendance",
            {
                "record_ref": f"S{number}",
                "event_ref": "2026-summer",
                "event_on": date(2026, 7, 20),
                "forename": child[0],
                "surname": surname,
                "date_of_birth": child[1],
                "sex": "F",
                "address_line_1": line_1,
                "postcode": postcode,
                "sessions_possible": 120,
                "sessions_authorised": 0,
                "sessions_unauthorised": 40,
            },
        )


@pytest.fixture
def supported(council):
    """The council with both families on the programme."""
    url = council.register.url
    with transaction(url) as connection:
        staging.create_tables(connection, [council.doors.contract(feed) for feed in FEEDS])
    for feed in ("childrens_social_care", "school_attendance"):
        a_file(
            url, feed, [row for each, row in rows_of_families() if each == feed], coverage=HALF_YEAR, as_of=HALF_YEAR[1]
        )
    match.people(council.doors)
    register.families(council.doors, today=TODAY)
    propose.families(council.doors, today=TODAY)
    accept(council)
    return council


def accept(council):
    opened = propose.open_proposals(council.doors)
    propose.decide(
        council.doors,
        opened,
        outcome="accepted",
        decided_by="programme.lead",
        reason="assessed together with the family",
        on=TODAY,
        supported_since=HALF_YEAR[0],
    )
    return len(opened)


def sent(council, return_id):
    """The return's id; it is delivered."""
    for person in ("programme.lead", "protection.officer"):
        assemble.sign_off(council.doors, return_id, by=person)
    assemble.seal(council.doors, return_id)
    assert deliver.send(council.doors, return_id) is State.DELIVERED
    return return_id


def acknowledged(council, return_id):
    """The recipient's receipt says that it took the return."""
    council.third_party.answer(at=AT)
    assert deliver.receipt(council.doors, return_id) is State.ACKNOWLEDGED


def told(council, return_id):
    """Person → what the return tells of them."""
    return dict(
        council.register.run("SELECT person_id, content FROM returns.return_row WHERE return_id = %s", return_id)
    )


def of_each_family(council, return_id):
    """How many people of each family the return tells of, sorted."""
    rows = council.register.run(
        "SELECT count(*) FROM returns.return_row WHERE return_id = %s GROUP BY family_id ORDER BY 1", return_id
    )
    return [number for (number,) in rows]


@pytest.mark.requirement("R-038")
def test_a_wrong_join_is_undone_after_a_return_was_sent_and_the_next_version_tells_it(supported):
    url, doors = supported.register.url, supported.doors
    emma, iris = person_of(url, "S1"), person_of(url, "S2")
    assert same_person(url, "S1", "C1")
    assert emma != iris
    who = {"reason": "said to be one child", "today": TODAY}
    wrong = match.join(doors, emma, iris, by="Jo Reviewer", **who)
    accept(supported)
    first = sent(supported, assemble.draft(doors, CODE, PERIOD))
    children = {emma, iris} & {*told(supported, first)}
    assert len(told(supported, first)) == 3
    assert len(children) == 1

    match.undo(doors, wrong.decision, by="Sam Second", reason="two schools, two children", today=TODAY)
    assert [person_of(url, ref) for ref in ("S1", "S2")] == [emma, iris]
    accept(supported)
    acknowledged(supported, first)
    second = sent(supported, assemble.correct(doors, first, by="Sam Second", reason=Why.ROWS_WRONG))
    assert second != first
    assert assemble.correct(doors, first, by="Sam Second", reason=Why.ROWS_WRONG) == second
    assert {iris, emma} - children <= {
        change.person for change in rebuild.diff(doors, CODE, PERIOD, older=1, newer=2)[2]
    }
    assert len(told(supported, second)) == 4
    assert {emma, iris} <= {*told(supported, second)}
    assert of_each_family(supported, first) == [1, 2]  # a mother stood there without her child
    assert of_each_family(supported, second) == [2, 2]
    decided = supported.register.audited("register.identity_decided") + supported.register.audited(
        "register.identity_undone"
    )
    assert [body["decision"] for body in decided] == [wrong.decision] * 2
    actors = supported.register.run("SELECT actor FROM audit.event WHERE kind LIKE 'register.identity%%' ORDER BY seq")
    assert actors == [("Jo Reviewer",), ("Sam Second",)]
