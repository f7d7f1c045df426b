"""`make licences`: whether every package that runs, and every one that checks, may be used as we use it.

pip-licenses says under which licence each stands; `deploy/licences.toml` says which are allowed and which packages are
exceptions, each with a reason. A licence that is not on the list fails, and so does an exception that nobody needs.
"""

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from support.pinned import CHECKS, ROOT, RUNS, pins, plain

DATA = ROOT / "deploy" / "licences.toml"
OURS = "family-exchange"
_PARTS = re.compile(r"\s*(?:;|\bAND\b)\s*")
_CHOICES = re.compile(r"\s*\bOR\b\s*")


@dataclass(frozen=True)
class Rules:
    """What the file says."""

    allowed: frozenset[str]
    also_called: dict[str, str]
    """`words of a package → the licence that they mean`; an empty one means that they are no licence."""
    exceptions: dict[str, dict[str, str]]
    """`package → its licence, in its own words, and why it may be used all the same`."""


def rules(file=DATA):
    said = tomllib.loads(file.read_text())
    return Rules(frozenset(said["allowed"]), said["also_called"], said["exceptions"])


def stated():
    """`package → its licence in its own words`, of everything that is installed here."""
    command = [Path(sys.executable).with_name("pip-licenses"), "--from=mixed", "--format=json", "--with-system"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {plain(each["Name"]): each["License"] for each in json.loads(done.stdout)}


def problems(known, names, rules):
    """What is wrong with the licences of these packages, one line each; and with the list of exceptions."""
    for name in sorted(names & known.keys()):
        words, exception = known[name], rules.exceptions.get(name)
        if exception is not None:
            if exception["licence"] != words:
                was = exception["licence"]
                yield f"{name}: the exception is for {was}, and it now says {words}: look again, then write that"
            elif not exception.get("reason"):
                yield f"{name}: the exception gives no reason"
            elif is_allowed(words, rules):
                yield f"{name}: {words} is allowed, so its exception can go"
        elif not is_allowed(words, rules):
            yield (
                f"{name}: {words} is not on the list. Take another package; or find out whether it may be used as we "
                "use it (installed, not changed, not linked into ours), and write an exception with its reason into "
                f"deploy/{DATA.name}"
            )
    for name in sorted(rules.exceptions.keys() - names):
        yield f"{name}: nobody needs this exception any more"


def is_allowed(words, rules):
    """True when every part of the words allows it; of several to choose from, one is enough."""
    parts = [part for part in _PARTS.split(words) if rules.also_called.get(part, part)]
    return bool(parts) and all(
        any(
            _named(choice, rules) in rules.allowed
            for choice in ([part] if part in rules.also_called else _CHOICES.split(part))
        )
        for part in parts
    )


def _named(words, rules):
    """The licence that the words mean; brackets of an expression are no part of a name."""
    return rules.also_called.get(words, words.strip("()"))


def main():
    names = {pin.name for file in (RUNS, CHECKS) for pin in pins(file)}
    found = list(problems(stated(), names, rules()))
    sys.stdout.write("\n".join([*found, f"{len(names)} packages looked at, {len(found)} problems"]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
