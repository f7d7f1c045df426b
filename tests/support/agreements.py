"""A copy of everything that people agree, to break on purpose."""

import shutil
from pathlib import Path

from family_exchange.adapters.profiles import ROOT

PARTS = ("councils", "contracts", "frameworks", "returns", "notices")


def a_copy_of_include(folder: Path) -> Path:
    """A folder with copies of all profiles, contracts, frameworks, returns and notices."""
    root = folder / "include"
    for part in PARTS:
        shutil.copytree(ROOT / part, root / part)
    for file in ("advice.yaml", "drift.yaml"):
        shutil.copy(ROOT / file, root / file)
    return root


def changed(root: Path, name: str, old: str, new: str) -> int:
    """Replace the first `old` in the file by `new`; the line on which it stood."""
    path = root / name
    text = path.read_text(encoding="utf-8")
    before, found, after = text.partition(old)
    assert found, f"{old!r} does not stand in {name}"
    path.write_text(before + new + after, encoding="utf-8")
    return before.count("\n") + 1
