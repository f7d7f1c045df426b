"""What is pinned, and what is installed, is not behind the repair of any hole that we know of."""

import re
from pathlib import Path

import pytest

from family_exchange.adapters import doctor_versions
from family_exchange.domain.doctor import Grade

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE | re.IGNORECASE)


def pinned(name):
    return PINNED.findall((ROOT / name).read_text())


@pytest.mark.parametrize("name", sorted(file.name for file in ROOT.glob("requirements*.txt")))
def test_no_pinned_package_has_a_hole_that_we_know_of(name):
    assert pinned(name)
    behind = {
        f"{package}=={version}: {', '.join(hole.names)}"
        for package, version in pinned(name)
        for hole in doctor_versions.open_ones(package.lower(), version)
    }
    assert behind == set(), "raise the package in the .in file, then `make lock`"


def test_every_package_on_the_list_is_one_that_we_have():
    packages = {hole.product for hole in doctor_versions.known()} - doctor_versions.NO_PACKAGES
    assert packages <= {package.lower() for package, _ in pinned("requirements.txt")}


def test_an_older_package_is_found_with_what_to_move_to():
    (finding,) = doctor_versions.holes("apache-airflow", "3.1.0")
    assert finding.grade is Grade.BAD
    assert {"CVE-2026-31987", "CVE-2026-45426", "CVE-2026-24098"} <= set(re.findall(r"CVE-[0-9-]+", finding.found))
    assert "move to 3.1.8 or 3.2.0 or 3.2.2" in finding.advice
    (sound,) = doctor_versions.holes("apache-airflow", "3.3.2")
    assert sound.grade is Grade.GOOD


def test_what_is_only_remembered_says_so():
    (finding,) = doctor_versions.holes("pyyaml", "5.3.1")
    assert "from memory: look it up" in finding.advice


def test_debians_repaired_package_is_good_although_its_release_is_old():
    (finding,) = doctor_versions.holes("openssh", "9.2p1", "9.2p1-2+deb12u10")
    assert finding.grade is Grade.GOOD
    (finding,) = doctor_versions.holes("openssh", "9.2p1")
    assert (finding.grade, "CVE-2024-6387" in finding.found) == (Grade.BAD, True)


def test_this_machine_is_looked_at():
    found = {finding.subject: finding for finding in doctor_versions.installed()}
    assert re.match(r"2\.\d+\.\d+", doctor_versions.gpg_version())
    assert found["gnupg for us"].grade is Grade.GOOD
    assert found["Python packages"].grade is Grade.GOOD


def test_a_machine_without_gpg_is_told_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (finding,) = doctor_versions.gpg()
    assert (finding.grade, finding.advice) == (Grade.UNSEEN, "install the package gnupg")
