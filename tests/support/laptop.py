"""A partner's laptop: a Python with this project's wheel and the libraries that the wheel asks for, and nothing else.

The libraries are those of the test environment, by their own lists of files: no network is needed to lay them out.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[2]
NAME = "family-exchange"


def wheel(folder):
    """The wheel of this checkout, built by the pinned build tool."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
         "--disable-pip-version-check", f"--wheel-dir={folder}", str(PROJECT)],
        check=True, env={**os.environ, "PIP_CONFIG_FILE": os.devnull},
    )  # fmt: skip
    (built,) = Path(folder).glob("*.whl")
    return built


def laptop(folder, built):
    """The folder of a virtual environment in which `built` is installed with what it asks for."""
    home = Path(folder) / "laptop"
    venv.create(home, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    for name in needed(metadata_of(built)):
        for entry in top_entries(metadata.distribution(name)):
            if not (site / entry.name).exists():
                (site / entry.name).symlink_to(entry)
    subprocess.run(
        [sys.executable, "-m", "pip", f"--python={home / 'bin' / 'python'}", "install", "--quiet", "--no-deps",
         "--no-index", "--disable-pip-version-check", str(built)],
        check=True,
    )  # fmt: skip
    return home


def metadata_of(built):
    """What the wheel says that it needs."""
    unpacked = built.with_suffix("")
    shutil.unpack_archive(built, unpacked, "zip")
    (info,) = unpacked.glob("*.dist-info")
    return [Requirement(line) for line in metadata.Distribution.at(info).requires or ()]


def needed(asked, extra=""):
    """The names of all distributions that these requirements lead to."""
    found, open_to = {}, [(requirement, extra) for requirement in asked]
    while open_to:
        requirement, for_extra = open_to.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": for_extra}):
            continue
        name = canonicalize_name(requirement.name)
        wanted = {"", *requirement.extras} - found.setdefault(name, set())
        found[name] |= wanted
        requires = [Requirement(line) for line in metadata.requires(name) or ()]
        open_to += [(each, one) for each in requires for one in wanted]
    return sorted(found)


def top_entries(distribution):
    """The files and folders that the distribution puts into the folder of libraries."""
    root = Path(distribution.locate_file(""))
    tops = {file.parts[0] for file in distribution.files or () if file.parts[0] not in {"..", "__pycache__"}}
    return sorted(root / top for top in tops)
