"""What is installed is what was pinned, to the byte."""

import re
import subprocess
import sys
from hashlib import sha256
from zipfile import ZipFile

import pytest

from support.pinned import ALL, CHECKS, ROOT, RUNS, installed, pins, plain

HASH = re.compile(r"sha256:[0-9a-f]{64}")
FILES = [RUNS, CHECKS]


@pytest.mark.parametrize("file", ALL, ids=lambda file: file.name)
def test_every_requirement_is_pinned_to_one_version_and_to_its_files(file):
    found = pins(file)
    assert found
    assert {pin.name for pin in found if not pin.hashes} == set()
    assert {hashed for pin in found for hashed in pin.hashes if not HASH.fullmatch(hashed)} == set()


@pytest.mark.parametrize("file", ALL, ids=lambda file: file.name)
def test_every_package_that_somebody_asked_for_is_pinned(file):
    stated = file.with_suffix(".in").read_text().splitlines()
    asked = {re.split(r"[\[<>=! #;]", line)[0] for line in stated if line and not line.startswith(("#", "-"))}
    assert {plain(name) for name in asked} <= {pin.name for pin in pins(file)}


def test_nothing_is_pinned_in_two_ways():
    """Where two files name a package, they may be installed one after the other."""
    versions = {}
    for pin in (pin for file in ALL for pin in pins(file) if pin.applies):
        versions.setdefault(pin.name, set()).add(pin.version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
    assert len(versions) > 200


def test_a_requirement_without_a_version_or_a_hash_is_noticed(tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text(f"good==1.0 \\\n    --hash=sha256:{'a' * 64}\nbare==2.0\n")
    assert [(pin.name, len(pin.hashes)) for pin in pins(file)] == [("good", 1), ("bare", 0)]
    file.write_text("loose>=1.0\n")
    with pytest.raises(ValueError, match="loose is not pinned"):
        pins(file)


def test_set_up_asks_pip_for_hashes():
    (set_up,) = re.findall(r"\n\t(.*pip install(?:.*\\\n)?.*-r requirements\.txt.*)\n", (ROOT / "Makefile").read_text())
    assert "--require-hashes" in set_up


def test_a_package_of_other_bytes_than_were_pinned_is_refused(tmp_path):
    """By pip itself, offline."""
    wheel = tmp_path / "odd-1.0-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        for name, text in {
            "odd.py": "",
            "odd-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n",
            "odd-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "odd-1.0.dist-info/RECORD": "",
        }.items():
            archive.writestr(name, text)
    right = sha256(wheel.read_bytes()).hexdigest()

    def install(line):
        stated = tmp_path / "requirements.txt"
        stated.write_text(f"{line}\n")
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--dry-run",
            "--no-index",
            "--no-cache-dir",
            "--require-hashes",
        ]
        command += ["--find-links", str(tmp_path), "-r", str(stated)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert install(f"odd==1.0 --hash=sha256:{right}").returncode == 0
    assert "DO NOT MATCH THE HASHES" in install(f"odd==1.0 --hash=sha256:{'0' * 64}").stderr
    assert "Hashes are required" in install("odd==1.0").stderr


def test_what_is_installed_here_is_what_is_pinned():
    """On a machine where `make setup` ran."""
    wrong = {
        f"{pin.name}: {installed(pin.name)} is installed, {pin.version} is pinned"
        for file in FILES
        for pin in pins(file)
        if pin.applies and installed(pin.name) != pin.version
    }
    assert wrong == set(), "make clean setup"
