"""Holds, which outrank every plan, and the certificate, which says what is gone and what is still there."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from family_exchange.adapters import audit, backup_place, letting_go, retention
from family_exchange.domain.backup import KEPT
from family_exchange.domain.errors import NeedsDecision
from family_exchange.stages import certificate, purge
from support import meanwhile
from support.purging import OFFICER, SIX_YEARS_AGO, count, items, planned, purged
from support.register import TODAY


def hold(council, scope, scope_id):
    with council.register.open() as connection:
        return retention.place_hold(connection, scope, scope_id, by=OFFICER, reason="an inquiry asks for it")


@pytest.mark.requirement("D-16")
@pytest.mark.parametrize("scope", ["person", "file", "category", "council"])
def test_a_hold_blocks_its_scope_until_it_is_released(old, scope):
    ids = old.register.run(
        """SELECT pr.person_id, s.file_id, s.category FROM register.source_record s
             JOIN register.person_record pr USING (source_record_id) WHERE s.retain_from = %s""", SIX_YEARS_AGO
    )[0]  # fmt: skip
    number = hold(old, scope, dict(zip(("person", "file", "category"), ids, strict=True)).get(scope, "all"))
    assert items(old, planned(old)) == []
    assert sum(one.held for one in purge.outlook(old.doors, today=TODAY)) == 1
    with old.register.open() as connection:
        assert retention.release_hold(connection, number, by=OFFICER)
        assert not retention.release_hold(connection, number, by=OFFICER)
    assert len(items(old, planned(old))) == 1
    kinds = [kind for (kind,) in old.register.run("SELECT kind FROM audit.event WHERE kind LIKE 'retention.%%'")]
    assert kinds == ["retention.hold_placed", "retention.hold_released"]


@pytest.mark.requirement("D-16")
@pytest.mark.parametrize("scope", ["person", "file", "return"])
def test_a_hold_on_nothing_is_refused_because_whoever_placed_it_would_believe_it(old, scope):
    with pytest.raises(NeedsDecision, match=f"there is no {scope} of that id") as caught:
        hold(old, scope, "Quillfeather")
    assert "Quillfeather" not in str(caught.value)
    assert old.register.run("SELECT * FROM rights.hold") == []


@pytest.mark.requirement("D-16")
def test_a_hold_on_somebody_of_whom_the_last_record_is_just_going_is_refused_and_one_on_who_stays_is_not(old):
    gone, stays = old.register.person(), old.register.person()
    record, _ = old.register.record(gone), old.register.record(stays)
    with ThreadPoolExecutor() as pool:
        with old.register.open() as purging:
            purging.execute("LOCK TABLE rights.hold IN SHARE MODE")  # as `retention.outcomes` does
            placed = [pool.submit(hold, old, "person", gone)]
            meanwhile.until_somebody_waits(purging)
            placed.append(pool.submit(hold, old, "person", stays))
            letting_go.source_records(purging, [record])
        with pytest.raises(NeedsDecision, match="there is no person of that id"):
            placed[0].result()
    assert placed[1].result()
    assert old.register.run("SELECT scope_id FROM rights.hold") == [(stays,)]


@pytest.mark.parametrize("nobody", ["", " ", "exchange"])
def test_nobody_and_no_machine_holds_releases_dates_or_approves(old, nobody):
    number, plan_id = hold(old, "council", "all"), planned(old)
    with old.register.open() as connection:
        for done in (
            lambda: retention.place_hold(connection, "council", "all", by=nobody, reason="an inquiry"),
            lambda: retention.release_hold(connection, number, by=nobody),
            lambda: retention.record_event(connection, "programme_end", happened_on=TODAY, by=nobody),
        ):
            with pytest.raises(NeedsDecision, match="named person"):
                done()
    with pytest.raises(NeedsDecision, match="named person"):
        purge.approve(old.doors, plan_id, by=nobody)
    assert old.register.value("SELECT state FROM rights.purge_plan") == "PLANNED"
    assert old.register.value("SELECT count(*) FROM rights.hold WHERE released_at IS NULL") == 1


def test_a_hold_has_a_reason(old):
    with old.register.open() as connection, pytest.raises(NeedsDecision, match="a reason is missing"):
        retention.place_hold(connection, "council", "all", by=OFFICER, reason="  ")


@pytest.mark.requirement("D-16")
def test_a_hold_placed_after_the_approval_wins(old):
    plan_id = planned(old)
    purge.approve(old.doors, plan_id, by=OFFICER)
    hold(old, "person", old.register.value("SELECT person_id FROM register.family_member"))
    assert purge.destroy(old.doors, plan_id) | {"held": 1, "source_record": 0} == purge.destroy(old.doors, plan_id)
    assert count(old, "register.source_record") == 2
    assert certificate.issue(old.doors, plan_id)


def test_a_hold_on_a_merged_person_covers_every_record(old):
    survivor = old.register.value("SELECT person_id FROM register.family_member")
    hold(old, "person", old.register.person(merged_into=survivor))
    assert items(old, planned(old)) == []


def test_a_hold_on_somebody_else_blocks_nothing(old):
    hold(old, "person", old.register.person())
    assert len(items(old, planned(old))) == 1


def test_a_hold_has_a_known_scope(old):
    with pytest.raises(NeedsDecision, match="person, file, return, category, council"):
        hold(old, "street", "x")


# --- the certificate ---------------------------------------------------------------------------------------------


def test_a_certificate_counts_and_is_signed(old):
    purged(old)
    plan_id = old.register.value("SELECT plan_id FROM rights.purge_plan")
    certificate_id = certificate.issue(old.doors, plan_id)
    assert certificate.issue(old.doors, plan_id) == certificate_id == f"C-{plan_id}"
    body, signature = old.register.run("SELECT body, signature FROM rights.certificate")[0]
    old.doors.signing_key.public_key().verify(signature, body)
    said = json.loads(body)
    assert said["approved_by"] == OFFICER
    assert said["plan_digest"] == old.register.value("SELECT encode(digest, 'hex') FROM rights.purge_plan")
    assert {"store": "register.source_record", "before": 1, "after": 0, "kept": 0} in said["stores"]
    assert [(rule["category"], rule["years"]) for rule in said["rules"]] == [("crime_asb", 6)]
    assert said["set_aside"] == [], "no whole copy of the council lies beside it"
    assert said["key"] == audit.public_hex(old.doors.signing_key)
    assert body == json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.requirement("D-16")
def test_a_certificate_says_until_when_sealed_backups_may_hold_what_is_gone(old, tmp_path):
    def said(plan_id):
        certificate.issue(old.doors, plan_id)
        return json.loads(old.register.value("SELECT body FROM rights.certificate WHERE plan_id = %s", plan_id))

    purged(old)
    first = old.register.value("SELECT plan_id FROM rights.purge_plan")
    assert said(first)["backups"] is None, "nobody has said where backups go, so there are none"
    (tmp_path / old.doors.settings.council).mkdir()
    backup_place.say(old.doors.settings.state, tmp_path, "0" * 40)
    person = old.register.person()
    old.register.record(person, retain_from=SIX_YEARS_AGO)
    purged(old)
    second = old.register.value("SELECT plan_id FROM rights.purge_plan WHERE plan_id <> %s", first)
    before, told, after = today(old), said(second)["backups"], today(old)
    gone = {(day + KEPT + timedelta(days=1)).isoformat() for day in (before, after)}  # midnight may come in between
    assert (told["kept_days"], told.keys(), told["gone_by"] in gone) == (28, {"kept_days", "gone_by"}, True)


def today(council):
    return council.register.value("SELECT current_date")


def test_a_certificate_is_not_given_for_what_is_still_there(old):
    purged(old)
    plan_id = old.register.value("SELECT plan_id FROM rights.purge_plan")
    (_, item_id, *_) = items(old, plan_id)[0]
    old.register.record(old.register.person(), source_record_id=item_id)
    with pytest.raises(NeedsDecision, match=r"left something in register\.source_record"):
        certificate.issue(old.doors, plan_id)


def test_no_value_of_a_person_stands_in_the_audit_or_the_certificate(council):
    council.register.record(council.register.person(), surname="Secretname", retain_from=SIX_YEARS_AGO)
    purged(council)
    certificate.issue(council.doors, council.register.value("SELECT plan_id FROM rights.purge_plan"))
    told = council.register.run("SELECT convert_from(event, 'UTF8') FROM audit.event")
    told += council.register.run("SELECT convert_from(body, 'UTF8') FROM rights.certificate")
    assert not any("Secretname" in text for (text,) in told)
