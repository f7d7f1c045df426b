import subprocess
import sys

import pytest

from family_exchange.adapters import requirements
from family_exchange.adapters.documents import BadFile
from family_exchange.adapters.notices import Notices
from family_exchange.adapters.profiles import ROOT

LIST = """requirements:
  - id: R-001
    group: A
    says: it holds
    check: try
    notices: [anywhere.txt:1]
  - {id: D-01, group: B, says: it also holds, check: try, source: an act}
"""
TESTS = """
import pytest

pytestmark = pytest.mark.requirement("D-01")


@pytest.mark.requirement("R-001")
def test_a():
    pass


class TestB:
    @pytest.mark.parametrize("x", [1, pytest.param(2, marks=pytest.mark.requirement("R-999"))])
    @pytest.mark.requirement("R-001", "D-01")
    def test_c(self, x):
        pass
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "tests" / "deep").mkdir(parents=True)
    (tmp_path / requirements.LIST).write_text(LIST, encoding="utf-8")
    (tmp_path / "tests" / "deep" / "test_x.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "tests" / "deep" / "x.py").write_text(TESTS, encoding="utf-8")
    return tmp_path


def test_every_mark_in_a_test_names_a_requirement_that_exists():
    assert requirements.unknown() == ()


def test_every_notice_line_of_the_list_stands_in_its_notice():
    notices = Notices(ROOT / "notices")
    sources = [source for each in requirements.requirements() for source in each.notices]
    assert len(sources) > 200
    assert [source for source in sources if notices.objection(source, None)] == []


def test_the_list_holds_what_the_notices_ask_and_what_the_law_adds():
    ids = [requirement.id for requirement in requirements.requirements()]
    assert [each for each in ids if each.startswith("R")] == [f"R-{number:03}" for number in range(1, 115)]
    assert [each for each in ids if each.startswith("D")] == [f"D-{number:02}" for number in range(1, 21)]


def test_a_mark_is_found_on_a_module_a_function_and_one_case(project):
    found = {(mark.requirement, mark.test) for mark in requirements.marks(project)}
    assert found == {
        ("D-01", "tests/deep/test_x.py"),
        ("R-001", "tests/deep/test_x.py::test_a"),
        ("R-001", "tests/deep/test_x.py::TestB::test_c"),
        ("D-01", "tests/deep/test_x.py::TestB::test_c"),
        ("R-999", "tests/deep/test_x.py::TestB::test_c"),
    }


def test_the_report_names_every_requirement_its_source_its_tests_and_marks_that_name_nothing(project):
    report = requirements.report(project)
    assert "R-001  it holds\n       from anywhere.txt:1\n       tests/deep/test_x.py::TestB::test_c" in report
    assert "D-01  it also holds\n       from an act" in report
    assert "2 of 2 requirements have a test" in report
    assert "unknown: R-999 in tests/deep/test_x.py::TestB::test_c" in report


def test_a_requirement_without_a_test_is_shown_as_such(project):
    (project / "tests" / "deep" / "test_x.py").unlink()
    assert requirements.report(project).count("no test yet") == 2


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("D-01", "R-001", "repeat R-001"),
        ("source: an act", "source: an act, notices: [a.txt:1]", "names `notices` or a `source`"),
        (", source: an act", "", "names `notices` or a `source`"),
        ("R-001", "R1", "expected text of the form"),
    ],
)
def test_a_list_with_a_mistake_is_refused_with_its_line(project, old, new, expected):
    path = project / requirements.LIST
    path.write_text(LIST.replace(old, new), encoding="utf-8")
    with pytest.raises(BadFile, match=expected):
        requirements.requirements(project)


def test_the_command_prints_the_report_and_ends_well():
    command = [sys.executable, "-m", "family_exchange.adapters.requirements"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)})
    assert "requirements have a test" in done.stdout.splitlines()[-1]
