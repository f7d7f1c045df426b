"""What the platform's own validation says of the synthetic files."""

import pytest

from family_exchange.adapters import profiles
from family_exchange.demo import synthetic
from family_exchange.demo.synthetic import Misbehaviour
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason, Verdict
from family_exchange.stages import validate
from support.synthetic_files import PROFILE, without

ALL_FEEDS, NO_HOUSING = PROFILE, without("housing_tenancies")


@pytest.fixture(scope="module", params=[ALL_FEEDS, NO_HOUSING], ids=["all feeds", "without housing"])
def council(request):
    return synthetic.council(request.param)


def judged(file):
    """The platform's findings when every column is kept."""
    return validate.table(file.content, profiles.contract(file.feed), None).findings


def test_a_good_file_is_taken_with_a_few_warnings(council):
    for file in council.files:
        if file.misbehaviour is None:
            findings = judged(file)
            assert findings.rows_refused == 0
            assert findings.rows_with_finding <= findings.rows_read * 0.02


def test_some_good_file_has_an_identifier_that_does_not_check(council):
    verdicts = [judged(file).verdict() for file in council.files if file.misbehaviour is None]
    assert Verdict.ACCEPTED_WITH_FINDINGS in verdicts


def test_a_file_with_bad_rows_is_taken_in_part(council):
    (file,) = [file for file in council.files if file.misbehaviour is Misbehaviour.BAD_ROWS]
    findings = judged(file)
    assert findings.verdict() is Verdict.PARTLY_ACCEPTED
    assert 11 <= findings.rows_refused <= 15
    assert findings.rows_with_finding >= 2
    assert len(findings.by_rule()) >= 11


def test_a_file_with_wrong_columns_cannot_be_read(council):
    (file,) = [file for file in council.files if file.misbehaviour is Misbehaviour.WRONG_COLUMNS]
    with pytest.raises(DataRefused) as refused:
        judged(file)
    assert refused.value.reason is Reason.SCHEMA


def test_an_unsigned_or_broken_file_would_have_been_good(council):
    for file in council.files:
        if file.misbehaviour in {Misbehaviour.UNSIGNED, Misbehaviour.CUT_SHORT}:
            assert judged(file).rows_refused == 0


def test_the_large_file_has_no_finding():
    findings = validate.table(synthetic.bulk_police(5_000), profiles.contract("police_incidents"), None).findings
    assert findings.verdict() is Verdict.ACCEPTED
