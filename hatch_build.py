"""Puts the agreed data into the wheel: everything that lies beside the package, and the suites with their samples.

An editable install takes them from the checkout.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DATA = "family_exchange/_data"
"""Where `adapters.places` looks for them."""


class AgreedData(BuildHookInterface):
    """Hatchling calls it before it makes a wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """A wheel, but no editable install, carries the data."""
        if version == "editable":
            return
        root = Path(self.root)
        beside = [each for each in (root / "include").iterdir() if each.name != "family_exchange"]
        for each in [*beside, root / "expectations"]:
            if not each.name.startswith((".", "__")) and not each.name.endswith(".egg-info"):
                build_data["force_include"][str(each)] = f"{DATA}/{each.name}"
