"""How the tests are shared among several workers."""

from support import workers


def test_whatever_starts_an_airflow_is_one_workers():
    journey, release = "tests/journeys/test_by_airflow.py", "tests/journeys/test_release_by_airflow.py"
    assert workers.share_of(journey) == workers.share_of(release) == workers.share_of("tests/demo/test_airflow.py")
    assert workers.share_of("tests/test_workers.py") == "tests/test_workers.py"
    assert workers.rank(journey) == workers.rank(release) < min(map(workers.rank, workers.LONG))


def test_long_files_come_before_all_others_and_are_there():
    assert all((workers.ROOT / file).is_file() for file in workers.LONG)
    assert max(map(workers.rank, workers.LONG)) < workers.rank("tests/test_workers.py")
