"""The same stages in one process, in the order in which the Dags would run them."""

from collections.abc import Callable
from datetime import UTC, date, datetime

from family_exchange.adapters import letters
from family_exchange.adapters.doors import Doors
from family_exchange.demo import families
from family_exchange.demo.cast import OFFICER, PROGRAMME_LEAD, REASON
from family_exchange.demo.world import Tenant
from family_exchange.domain import period
from family_exchange.stages import assemble, certificate, deliver, match, propose, purge, register, rounds, tell, watch
from family_exchange.stages.office import CouncilOffice

Say = Callable[[str], None]


def run(tenant: Tenant, *, today: date, say: Say) -> None:
    """The council's whole journey, from what lies in the drop zone to the certificate, and a look at what is due."""
    doors = tenant.doors
    with CouncilOffice(doors).kept_open() as office:
        for feed in doors.profile.active_feeds:
            say(f"receiving {feed}")
            rounds.once(office, feed)
    say("matching people")
    match.people(doors)
    say("forming families")
    register.families(doors, today=today)
    say("proposing")
    propose.families(doors, today=today)
    say("deciding")
    families.say_no(doors, today=today)
    since = supported_since(doors, today)
    decided = propose.decide(
        doors,
        propose.open_proposals(doors),
        outcome="accepted",
        decided_by=PROGRAMME_LEAD,
        reason=REASON,
        on=today,
        supported_since=since,
    )
    if decided:
        families.look_after(doors, today=today, since=since)
    for code, promise in sorted(doors.profile.returns.items()):
        if promise.enabled:
            say(f"preparing the {code} return")
            sent(tenant, prepared(tenant, code, today=today))
    say("destroying what is due")
    plan_id = purge.plan(doors, today=today)
    purge.approve(doors, plan_id, by=OFFICER)
    purge.destroy(doors, plan_id)
    purge.follow(doors, today=today)
    certificate.issue(doors, plan_id)
    say("looking whether anything needs a person")
    watch.look(doors, at=_now())
    tell.people(doors, letters.into_folder(doors.outbox))


def supported_since(doors: Doors, today: date) -> date:
    """Since when the scripted lead says that families are supported: the first day of the last closed period.

    They were on the programme before their files came here, as families are when a council begins to use it.
    """
    promises = doors.profile.returns.values()
    return min(period.calendar(each.periods).last_closed(today).starts_on for each in promises if each.enabled)


def prepared(tenant: Tenant, code: str, *, today: date) -> str:
    """The id of the sealed return of the last closed period; two people have signed it."""
    doors = tenant.doors
    closed = period.calendar(doors.profile.returns[code].periods).last_closed(today)
    return_id = assemble.draft(doors, code, closed.name)
    assemble.check(doors, return_id)
    for person in (PROGRAMME_LEAD, OFFICER):
        assemble.sign_off(doors, return_id, by=person)
    assemble.seal(doors, return_id)
    return return_id


def sent(tenant: Tenant, return_id: str) -> None:
    """The sealed return has arrived, and its receipt is here."""
    deliver.send(tenant.doors, return_id)
    tenant.third_party.answer(at=_now())
    deliver.receipt(tenant.doors, return_id)


def _now() -> datetime:
    return datetime.now(UTC)
