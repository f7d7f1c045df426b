"""Says in one line each what this machine lacks for the tests, and what for; exits 2 if anything is missing."""

import os
import shutil
import sys
from pathlib import Path

PROGRAMS = {
    "gpg": ("gnupg", "partner files are sealed and opened with it"),
    "sshd": ("openssh-server", "the SFTP door is tested against the real server"),
    "chromium": ("chromium", "the browser test looks at Airflow's pages"),
    "java": ("default-jre-headless", "matching on Spark is compared with matching on DuckDB"),
    "git": ("git", "a test reads which files the project holds"),
}
FONTS = Path("/usr/share/fonts")
ELSEWHERE = "/usr/local/sbin:/usr/sbin:/sbin"


def lacking() -> list[str]:
    """One sentence for each thing that is not there."""
    path = f"{os.environ.get('PATH', os.defpath)}:{ELSEWHERE}"
    found = [
        f"{program} is missing ({why}): apt-get install {package}"
        for program, (package, why) in PROGRAMS.items()
        if not shutil.which(program, path=path)
    ]
    if not any(FONTS.rglob("*.tt[fc]")):
        found.append("no fonts are installed (screenshots would show empty boxes): apt-get install fonts-dejavu-core")
    return found


if __name__ == "__main__":
    for sentence in lacking():
        sys.stderr.write(sentence + "\n")
    sys.exit(2 if lacking() else 0)
