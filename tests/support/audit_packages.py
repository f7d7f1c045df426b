"""`make audit-packages`: whether an advisory source knows a hole in what is pinned.

Ends with 0 when every package was asked about and none has one; 1 when one has; 3 when the source could not be asked,
or not about every package: then nobody knows, and `include/known_holes.yaml`, which the tests look at, is all there
is. pip-audit itself calls a source that knows none of the packages a success.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from support.pinned import ALL

NO_HOLES, HOLES, NOT_ASKED = 0, 1, 3
SECONDS = 600
PROGRAM = Path(sys.executable).with_name("pip-audit")


@dataclass(frozen=True)
class Answer:
    """What was told about the packages of one file."""

    asked: int = 0
    holes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """Packages about which the source said nothing."""
    silent: str = ""
    """Why there was no answer at all."""

    @property
    def ending(self):
        if self.holes:
            return HOLES
        return NOT_ASKED if self.silent or self.unknown or not self.asked else NO_HOLES


def read(said):
    """The answer in pip-audit's JSON."""
    try:
        each = json.loads(said)["dependencies"]
    except (ValueError, KeyError):
        return Answer(silent="pip-audit gave no answer")
    holes = [
        f"{one['name']} {one['version']}: {hole['id']}, closed in {', '.join(hole['fix_versions']) or 'no release yet'}"
        for one in each
        for hole in one.get("vulns", ())
    ]
    unknown = [one["name"] for one in each if "skip_reason" in one]
    return Answer(len(each) - len(unknown), tuple(holes), tuple(unknown))


def ask(file, source, program=PROGRAM):
    """What that source (`pypi` or `osv`) knows about the packages of a file."""
    command = [program, "-r", file, "--disable-pip", "--require-hashes", "--format=json", "--progress-spinner=off"]
    try:
        done = subprocess.run(
            [*command, f"--vulnerability-service={source}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Answer(silent=f"pip-audit could not be run ({type(error).__name__})")
    answer = read(done.stdout)
    if answer.silent and done.stderr.strip():
        return Answer(silent=f"{source} cannot be reached ({done.stderr.strip().splitlines()[-1].split(':')[0]})")
    return answer


def best(answers):
    """The answer that counts: holes first, then the one that asked about most."""
    return max(answers, key=lambda answer: (len(answer.holes), answer.asked))


def told(name, answer):
    """Lines for a person."""
    yield from answer.holes
    if answer.silent:
        yield f"{name}: NOT AUDITED: {answer.silent}"
    elif answer.unknown:
        some = f"{len(answer.unknown)} packages, {answer.unknown[0]} for one"
        yield f"{name}: NOT AUDITED: the source says nothing about {some}"
    yield f"{name}: {answer.asked} packages asked about, {len(answer.holes)} holes"


def main():
    endings = []
    for file in ALL:
        answers = [ask(file, "pypi")]
        if answers[0].ending == NOT_ASKED:
            answers.append(ask(file, "osv"))
        answer = best(answers)
        sys.stdout.write("\n".join(told(file.name, answer)) + "\n")
        endings.append(answer.ending)
    if NOT_ASKED in endings:
        sys.stdout.write(
            "No advisory source could be asked about everything: the tests' own list of known holes is what is left.\n"
        )
    return HOLES if HOLES in endings else max(endings)


if __name__ == "__main__":
    sys.exit(main())
