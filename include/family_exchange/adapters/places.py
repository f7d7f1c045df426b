"""Where the agreed data lies: beside the code in a checkout, inside the package where a wheel was installed.

Councils, contracts, suites, frameworks, returns, notices and the model of linkage are files that people outside read
and agree to. One wheel carries them all, so that a partner can check a file without a network.
"""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of the package itself."""

_INSTALLED = PACKAGE / "_data"
_SOURCE_ROOT = PACKAGE.parent

DATA = _INSTALLED if _INSTALLED.is_dir() else _SOURCE_ROOT
"""The folder with `councils`, `contracts`, `frameworks`, `returns`, `notices`, `linkage` and `schemas`."""

EXPECTATIONS = DATA / "expectations" if _INSTALLED.is_dir() else _SOURCE_ROOT.parent / "expectations"
"""The folder with one folder of suites and samples for each feed."""
