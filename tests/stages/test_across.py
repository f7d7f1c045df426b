"""People whom no other file names, through the real intake: who is told of them, and who must not be."""

from dataclasses import replace
from io import BytesIO
from zipfile import ZipFile

import pytest

from family_exchange.adapters.sftp import DropZone
from family_exchange.domain import across
from family_exchange.domain.file import State, Verdict
from support import periods
from support.periods import tenant

__all__ = ["tenant"]

ATTENDANCE, EXCLUSIONS, REFERRALS = "school_attendance", "school_exclusions", "direct_referrals"


@pytest.fixture(scope="module")
def doors(tenant):
    """The council's doors, with every feed that is agreed connected."""
    profile = tenant.doors.profile
    partners = tuple(partner.model_copy(update={"calendars": {}}) for partner in profile.partners)
    return replace(tenant.doors, profile=profile.model_copy(update={"partners": partners}))


@pytest.fixture(scope="module")
def schools(tenant, doors):
    """A partner that has sent whom it teaches: the pupils PUP-00001 to PUP-00012."""
    partner = tenant.partners["schools"]
    rows = periods.table(ATTENDANCE, 12)
    file = periods.sent(tenant, partner, ATTENDANCE, "pupils.pgp", periods.content(ATTENDANCE, rows), doors=doors)
    assert file.state is State.CLOSED
    return partner


def stranger(feed, first):
    """A row about somebody whom nobody knows."""
    own = {"upn": "", "surname": "Nemo"} if feed == EXCLUSIONS else {"surname": "Outis"}
    return periods.table(feed, 1, first=first, forename="Nobody", date_of_birth="2013-03-03", **own)


def test_a_pupil_without_an_attendance_record_is_told_to_the_school_and_the_row_counts(tenant, doors, schools):
    known = periods.table(EXCLUSIONS, 5)
    rows = known + stranger(EXCLUSIONS, 700).partition("\n")[2]
    file = periods.sent(tenant, schools, EXCLUSIONS, "six.pgp", periods.content(EXCLUSIONS, rows), doors=doors)
    assert (file.state, file.verdict) == (State.CLOSED, Verdict.ACCEPTED_WITH_FINDINGS)
    assert (file.rows_loaded, file.rows_with_finding, file.rows_refused) == (5, 1, 0)
    assert periods.staged(doors, file) == 6
    (found,) = periods.receipt(tenant, schools, file)["findings"]
    assert (found["rule"], found["severity"], found["row"], found["loaded"]) == (
        across.AMONG_ITS_OWN,
        "warning",
        6,
        True,
    )
    assert "Compare the reference" in found["fix"]


def test_the_workbook_names_the_row_by_the_schools_own_reference(tenant, doors, schools):
    rows = stranger(EXCLUSIONS, 701)
    file = periods.sent(tenant, schools, EXCLUSIONS, "one.pgp", periods.content(EXCLUSIONS, rows), doors=doors)
    with DropZone(schools.endpoint) as zone:
        sealed = zone.read(f"/receipts/{file.file_id}.xlsx.pgp")
    book = schools.openpgp.open_signed(sealed, tenant.doors.settings.own_key)
    assert "PUP-00701" in everything_in(book)


@pytest.mark.parametrize("who", ["somebody known", "a stranger"])
def test_a_referrer_never_learns_whether_others_know_a_person(tenant, doors, schools, who):
    helpers = tenant.partners["childrens-services"]
    if who == "a stranger":
        rows = stranger(REFERRALS, 800)
    else:
        pupil = periods.table(ATTENDANCE, 1).splitlines()
        named = dict(zip(pupil[0].split(","), pupil[1].split(","), strict=True))
        same = {name: named[name] for name in ("surname", "forename", "date_of_birth")}
        rows = periods.table(REFERRALS, 1, first=801, **same)
    file = periods.sent(tenant, helpers, REFERRALS, f"{who}.pgp", periods.content(REFERRALS, rows), doors=doors)
    noted = [(found.row_no, found.rule, found.severity) for found in periods.findings(doors, file)]
    assert noted == ([(1, across.AMONG_ALL, "note")] if who == "a stranger" else [])
    assert (file.state, file.verdict, file.rows_loaded) == (State.CLOSED, Verdict.ACCEPTED, 1)
    assert file.workbook_sha256 is None
    told = periods.receipt(tenant, helpers, file)
    assert told["findings"] == []
    assert "ACROSS" not in str(told)


def everything_in(workbook):
    """All text of an XLSX file."""
    with ZipFile(BytesIO(workbook)) as parts:
        return "".join(parts.read(name).decode() for name in parts.namelist())
