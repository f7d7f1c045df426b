"""No key and no password stands in a file that git knows; a planted one is found, wherever it is planted."""

import subprocess

import pytest

from support import secret_scan
from support.secret_scan import Suspect, problems, suspects

MADE_UP = {
    "Private Key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "AWS Access Key": "AKIA" + "Q3EGRZ7WXN2KDB5T",
    "GitHub Token": "ghp_" + "a9Bc3dE5fG7hI1jK2lM4nO6pQ8rS0tU3vW5x",
    "JSON Web Token": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiJhIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "Slack Token": "xoxb-" + "263594206564-2343594206574-FGqddMF8t08v8N7Oq4i57vs1",
}
"""Of each kind one that nobody has, put together here so that the scan of this file does not meet it."""
BY_GUESS = {
    "Basic Auth Credentials": "url = 'postgresql://fx:" + "Tr0ub4dor3x@db/x'",
    "Secret Keyword": "password = '" + "Tr0ub4dor3x'",
    "Base64 High Entropy String": "key = '" + "q7Zt0pLw9xVd3cRf6yHb2nKs5mJg8uEaT1oQ4iWv'",
    "Hex High Entropy String": "key = '" + "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b'",
}


def planted(root, name, text):
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"first = 1\n{text}\n")
    return {(each.kind, each.line) for each in suspects([name], root)}


@pytest.mark.parametrize("name", ["include/x.py", "docs/x.md", "tests/x.py", "x"])
@pytest.mark.parametrize("kind", MADE_UP)
def test_a_planted_key_is_found_wherever_it_stands(tmp_path, kind, name):
    assert (kind, 2) in planted(tmp_path, name, f"it = '{MADE_UP[kind]}'")


@pytest.mark.parametrize("kind", BY_GUESS)
def test_what_only_looks_like_a_secret_counts_in_what_runs_and_not_among_tests(tmp_path, kind):
    assert (kind, 2) in planted(tmp_path, "include/x.py", BY_GUESS[kind])
    assert planted(tmp_path, "tests/x.py", BY_GUESS[kind]) == set()


def test_a_comment_does_not_silence_it(tmp_path):
    line = BY_GUESS["Secret Keyword"] + "  # pragma: allowlist secret"
    assert ("Secret Keyword", 2) in planted(tmp_path, "include/x.py", line)


def test_an_ordinary_file_has_nothing(tmp_path):
    assert (
        planted(tmp_path, "include/x.py", "password = settings.password\nurl = f'postgresql://{user}:{word}@db'")
        == set()
    )


def test_an_explanation_is_of_one_text_in_one_file():
    one, other = Suspect("a.py", "Key", "1"), Suspect("b.py", "Key", "1")
    assert list(problems([one], {("a.py", "1"): "why"})) == []
    assert len(list(problems([one, other], {("a.py", "1"): "why"}))) == 1
    assert list(problems([one, other], {("*", "1"): "why"})) == []
    (stale,) = problems([], {("a.py", "1"): "why"})
    assert stale.endswith("its line can go")


def test_no_file_that_git_knows_has_a_secret():
    names = secret_scan.tracked()
    assert {"README.md", ".env.example", "include/family_exchange/cli.py"} <= set(names)
    found = suspects(names)
    assert list(problems(found, secret_scan.explained())) == []
    assert all(why.endswith(".") for why in secret_scan.explained().values())


def test_no_file_with_settings_or_keys_is_known_to_git():
    listed = subprocess.run(
        ["git", "-C", str(secret_scan.ROOT), "ls-files", ".env", "secrets", "*.pem", "*.key", "*.gpg"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout == ""
