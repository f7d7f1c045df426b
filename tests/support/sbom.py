"""`make sbom`: what runs, as a CycloneDX list of parts in JSON: each with version, licence, hashes and what it needs.

What only checks is not in it. The list is held to CycloneDX's own schema before it is written, and two runs over the
same packages write the same bytes.
"""

import json
import subprocess
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from support import licences
from support.pinned import ROOT, RUNS, installed, pins, plain

TARGET = ROOT / "build" / "sbom.cdx.json"
VERSION = "1.6"
"""Of CycloneDX."""


def made():
    """The list, as plain values."""
    runs = {pin.name: pin for pin in pins(RUNS) if pin.applies}
    command = [Path(sys.executable).with_name("cyclonedx-py"), "environment", sys.executable, "--no-validate"]
    command += ["--output-reproducible", "--pyproject", ROOT / "pyproject.toml", "--spec-version", VERSION]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    parts = [part for part in said["components"] if plain(part["name"]) in runs]
    for part in parts:
        pin = runs[plain(part["name"])]
        part["properties"] = [
            *part.get("properties", []),
            {"name": "family-exchange:may-be-installed-as", "value": " ".join(pin.hashes)},
        ]
    kept = {part["bom-ref"] for part in parts} | {said["metadata"]["component"]["bom-ref"]}
    said["components"] = parts
    said["dependencies"] = [
        each | {"dependsOn": [one for one in each.get("dependsOn", []) if one in kept]}
        for each in said.get("dependencies", [])
        if each["ref"] in kept
    ]
    return said


def with_licences(said, known):
    """The same list; where a package names no licence that CycloneDX knows, it has the words of the package."""
    for part in said["components"]:
        if not part.get("licenses") and (words := known.get(plain(part["name"]))):
            part["licenses"] = [{"license": {"name": words}}]
    return said


def against_the_schema(said):
    """What CycloneDX's schema, as its own package ships it, has against the list; None: nothing."""
    error = JsonStrictValidator(SchemaVersion.from_version(VERSION)).validate_str(json.dumps(said))
    return None if error is None else f"it is no CycloneDX {VERSION}: {error}"


def against_what_is_pinned(said):
    """What is missing, of another version, or without a licence, one line each."""
    has = {plain(part["name"]): part for part in said["components"]}
    for pin in (pin for pin in pins(RUNS) if pin.applies):
        part = has.get(pin.name)
        if part is None:
            yield f"{pin.name}: it runs and is not on the list; is it installed ({installed(pin.name)})?"
        elif part["version"] != pin.version:
            yield f"{pin.name}: {part['version']} is installed, {pin.version} is pinned: make clean setup"
        elif not part.get("licenses"):
            yield f"{pin.name}: it has no licence"


def main():
    said = with_licences(made(), licences.stated())
    found = [*filter(None, [against_the_schema(said)]), *against_what_is_pinned(said)]
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(said, indent=1, sort_keys=True) + "\n")
    sys.stdout.write("\n".join([*found, f"{TARGET.relative_to(ROOT)}: {len(said['components'])} parts"]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
