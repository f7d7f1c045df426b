"""`make secret-scan`: whether a key, a token or a password stands in a file that git knows.

detect-secrets looks; `deploy/not-secrets.toml` explains every finding that is none. Nothing in a file itself can
silence it. Among the tests, where numbers and passwords are invented, only what has the shape of a real key counts.
"""

import subprocess
import sys
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import transient_settings

from support.pinned import ROOT

DATA = ROOT / "deploy" / "not-secrets.toml"
NO_SECRETS = frozenset({"IPPublicDetector"})
"""What it looks for and is no secret."""
BY_GUESS = frozenset({"Base64HighEntropyString", "HexHighEntropyString", "KeywordDetector", "BasicAuthDetector"})
"""What it takes for a secret by its look only."""
FILTERS = (
    "detect_secrets.filters.heuristic.is_indirect_reference",
    "detect_secrets.filters.heuristic.is_likely_id_string",
    "detect_secrets.filters.heuristic.is_not_alphanumeric_string",
    "detect_secrets.filters.heuristic.is_potential_uuid",
    "detect_secrets.filters.heuristic.is_prefixed_with_dollar_sign",
    "detect_secrets.filters.heuristic.is_sequential_string",
    "detect_secrets.filters.heuristic.is_templated_secret",
)
"""Its own filters, without those that skip whole files or obey a comment."""


@dataclass(frozen=True, order=True)
class Suspect:
    """Something that looks like a secret; its own text is not kept."""

    file: str
    kind: str
    digest: str
    """SHA-1, as detect-secrets tells it: it names the text without showing it."""
    line: int = 0


def tracked():
    """Every file that git knows, by its path from the root. Pinned hashes are no secrets, nor the digests of ours."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    names = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
    left_out = ("requirements", str(DATA.relative_to(ROOT)))
    return [name for name in names if name and not name.startswith(left_out) and (ROOT / name).is_file()]


def suspects(names, root=ROOT):
    """What looks like a secret in these files."""
    kinds = {found.__name__ for found in get_mapping_from_secret_type_to_class().values()} - NO_SECRETS
    found = set()
    for among_tests in (True, False):
        plugins = [{"name": kind} for kind in sorted(kinds - BY_GUESS if among_tests else kinds)]
        with transient_settings({"plugins_used": plugins, "filters_used": [{"path": path} for path in FILTERS]}):
            for name in names:
                if name.startswith("tests/") is among_tests:
                    found |= {
                        Suspect(name, each.type, each.secret_hash, each.line_number)
                        for each in scan_file(str(root / name))
                    }
    return sorted(found)


def explained(file=DATA):
    """`(files, digest) → why it is none`; files may be named by a pattern, `*` is any."""
    said = tomllib.loads(file.read_text())["is_no_secret"]
    return {(each["file"], digest): each["why"] for each in said for digest in each["digests"]}


def problems(found, known):
    """Each suspect that nobody explained, and each explanation that nobody needs; one line each."""
    used = set()
    for each in found:
        reasons = {(files, digest) for files, digest in known if digest == each.digest and fnmatch(each.file, files)}
        used |= reasons
        if not reasons:
            yield (
                f"{each.file}:{each.line}: looks like a secret ({each.kind}, {each.digest}). If it is one: take it "
                "out, and put another in force, for it is known now. If it is none: say why in deploy/not-secrets.toml"
            )
    for file, digest in sorted(known.keys() - used):
        yield f"deploy/not-secrets.toml: {file} has nothing of digest {digest} any more; its line can go"


def main():
    names = tracked()
    found = list(problems(suspects(names), explained()))
    sys.stdout.write("\n".join([*found, f"{len(names)} files looked at, {len(found)} problems"]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
