import json
import logging
import traceback
import warnings

import psycopg
import pytest
import structlog
from airflow.sdk.exceptions import AirflowSkipException, AirflowTaskTimeout
from polars.exceptions import PanicException

from family_exchange.domain.errors import DataRefused, MissingSetting, TryLater
from family_exchange.orchestration import boundary, defaults
from family_exchange.orchestration.boundary import Unforeseen, guarded

PLANTED = "Zebedee Canary-Planted"


@guarded
def quotes_a_value():
    raise ValueError(f"cannot parse {PLANTED!r} as a date")


@guarded
def says_it_in_a_chain():
    try:
        quotes = {PLANTED: 1}
        quotes["nobody"]
    except KeyError as error:
        error.add_note(PLANTED)
        raise TryLater("the endpoint does not answer") from RuntimeError(PLANTED)


@guarded
def breaks_a_constraint(url):
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TEMP TABLE t (name text UNIQUE)")
        for _ in range(2):
            connection.execute("INSERT INTO t VALUES (%s)", (PLANTED,))


def told(work, *arguments):
    """What Airflow would write of the failure: its own JSON of the exception and of everything chained to it."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever comes out is the subject
        work(*arguments)
    error = caught.value
    as_airflow = structlog.tracebacks.ExceptionDictTransformer(use_rich=False, show_locals=False)
    text = json.dumps(as_airflow((type(error), error, error.__traceback__)), default=str)
    return error, text + "".join(traceback.format_exception(error))


@guarded
def panics():
    raise PanicException(f"called `Option::unwrap()` on {PLANTED!r}")


@pytest.mark.parametrize("work", [quotes_a_value, says_it_in_a_chain, panics])
def test_no_word_of_a_library_crosses_the_boundary(work, caplog):
    error, text = told(work)
    assert PLANTED not in text
    assert PLANTED not in caplog.text
    assert error.__context__ is None
    assert error.__cause__ is None


def test_a_database_error_is_reduced_to_codes_and_names_of_ours(empty_database, caplog):
    error, text = told(breaks_a_constraint, empty_database)
    assert PLANTED not in text + caplog.text
    assert "23505" in str(error)


def test_what_nobody_foresaw_is_told_by_type_and_place(caplog):
    error, _ = told(quotes_a_value)
    assert isinstance(error, Unforeseen)
    assert "builtins.ValueError" in str(error)
    assert "test_boundary.py" in caplog.text
    assert "quotes_a_value" in caplog.text


def test_an_operating_system_error_keeps_its_number():
    @guarded
    def full():
        raise OSError(28, PLANTED)

    error, text = told(full)
    assert "errno 28" in str(error)
    assert PLANTED not in text


@pytest.mark.parametrize("ours", [DataRefused("SCHEMA", "column 3"), MissingSetting("c", "s", "h"), TryLater("away")])
def test_our_own_errors_pass_as_they_are(ours):
    @guarded
    def work():
        raise ours

    error, _ = told(work)
    assert error is ours


def test_control_flow_passes():
    @guarded
    def work():
        raise AirflowSkipException("nothing to do")

    with pytest.raises(AirflowSkipException):
        work()


def test_a_library_warning_is_told_by_its_category_only(caplog):
    @guarded
    def work():
        warnings.warn(PLANTED, RuntimeWarning, stacklevel=2)
        return 1

    assert work() == 1
    assert "RuntimeWarning" in caplog.text
    assert PLANTED not in caplog.text


def test_libraries_are_quiet_behind_the_boundary():
    @guarded
    def level():
        return logging.getLogger("paramiko").getEffectiveLevel()

    assert level() >= logging.WARNING


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (DataRefused("SCHEMA", "x"), "fail"),
        (MissingSetting("c", "s", "h"), "fail"),
        (TryLater("x"), "retry"),
        (Unforeseen("x"), "retry"),
    ],
)
def test_only_what_may_pass_is_tried_again(error, action):
    assert defaults.RETRY_POLICY.evaluate(error, 1, 9).action.value == action


def test_a_guarded_function_keeps_its_name_and_signature():
    def work(file_id: str, *, outlet_events) -> str:
        """Do it."""

    assert boundary.guarded(work).__wrapped__ is work
    assert boundary.guarded(work).__name__ == "work"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, AirflowTaskTimeout])
def test_what_stops_a_task_from_outside_is_no_error_of_it(stop):
    with pytest.raises(stop):
        guarded(lambda: (_ for _ in ()).throw(stop()))()
