"""The drop zone's own part: accounts from a file, a folder for each, one log, and sshd as long as it lives.

`/srv/accounts/accounts` says who may log in, one line for each key, by tabs: `council`, the council, `-`, `-`, key; or
`partner`, the council, the partner, its feeds by commas, key (`-` while it has none). The file is looked at every two
seconds. A council logs in by its own name and sees all its partners' folders; a partner logs in as `council.partner`
and sees its own: one folder for each feed, to leave files in, and `receipts`, to read. Those who are no longer in the
file cannot log in; their folders stay. Where a key was taken back, sessions that are open end.

Whoever is shut into a folder finds the log there too, as `dev/log`: that is how sshd tells what was closed.

No file grows beyond `DROP_ZONE_FILE_MIB`; what a partner may leave altogether stands in room.py.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from room import CLOSED, NOTICE, OPEN, Room, end_sessions

ACCOUNTS = "/srv/accounts/accounts"
ROOT = "/srv/drop"
HOST_KEY = "/srv/host-keys/ssh_host_ed25519_key"
PUBLIC = "/srv/public/ssh_host_ed25519_key.pub"
EXTRA_USERS = "/var/lib/extrausers"
LOG_INS = "/run/log-ins"
LOG = f"{ROOT}/.log"
NUMBERS = f"{ROOT}/.numbers"
FIRST_NUMBER = 20000
RECEIPTS = "receipts"
LOOK = 2.0
VISIT = re.compile(
    rb"([\w -]+: )?Connection (closed by|reset by|from) 127\.0\.0\.1 port \d+(: [\w ]+)?( \[preauth\])?\s*"
)
"""The whole of what sshd says when the health check has called; a name that somebody made up may only hold it."""


def main() -> int:
    """The exit code of sshd."""
    _host_key()
    for folder in (LOG_INS, "/run/sshd"):
        os.makedirs(folder, mode=0o755, exist_ok=True)
    threading.Thread(target=_log, args=(_listen(),), daemon=True).start()
    room = Room(
        ROOT,
        share=int(os.environ["DROP_ZONE_PARTNER_MIB"]),
        files=int(os.environ["DROP_ZONE_PARTNER_FILES"]),
        least_free=int(os.environ["DROP_ZONE_LEAST_FREE_MIB"]),
    )
    seen, partners = _changed(None, [])
    largest = int(os.environ["DROP_ZONE_FILE_MIB"]) << 20
    # Signals stay as Python has them: a write beyond the limit is an error, not the end of the session.
    command = ["prlimit", f"--fsize={largest}", "/usr/sbin/sshd", "-D", "-e"]
    sshd = subprocess.Popen(command, stderr=subprocess.PIPE, restore_signals=False)
    threading.Thread(target=_pass_on, args=(sshd.stderr,), daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sshd.terminate())
    while sshd.poll() is None:
        room.look(partners)
        time.sleep(LOOK)
        seen, partners = _changed(seen, partners)
    return sshd.returncode


def _host_key() -> None:
    """The server is the same as before, and its public key can be read by those who pin it."""
    if not os.path.exists(HOST_KEY):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "drop-zone", "-f", HOST_KEY], check=True)
    with open(f"{HOST_KEY}.pub") as key:
        _write(PUBLIC, key.read())


def _changed(seen, partners):
    """What tells this state of the accounts' file from another, and its partners; a new state is put into force."""
    try:
        found = os.stat(ACCOUNTS)
    except FileNotFoundError:
        return None, []
    now = (found.st_ino, found.st_mtime_ns)
    if now != seen:
        with open(ACCOUNTS) as file:
            lines = [line.rstrip("\n").split("\t") for line in file if line.strip()]
        partners = _put_into_force(lines)
        print(f"drop-zone: {len({(line[1], line[2]) for line in lines})} accounts", flush=True)
    return now, partners


def _put_into_force(lines):
    """Every partner as its log-in, its user's number, its home and its feeds' folders."""
    numbers = _numbers()
    partners = {}
    keys: dict[str, list[str]] = {}
    homes: dict[str, str] = {}
    for kind, council, partner, feeds, key in lines:
        login = council if kind == "council" else f"{council}.{partner}"
        keys.setdefault(login, [])
        if key != "-":
            keys[login].append(key)
        homes[login] = home = f"{ROOT}/{council}" if kind == "council" else f"{ROOT}/{council}/{partner}"
        for name in (council, login):
            numbers.setdefault(name, FIRST_NUMBER + len(numbers))
        _folder(home, 0, 0, 0o755)
        _own_log(home)
        if kind == "partner":
            own, theirs = numbers[login], numbers[council]
            _folder(f"{home}/{RECEIPTS}", theirs, own, 0o2750)
            folders = [f"{home}/{feed}" for feed in feeds.split(",")]
            for folder in folders:  # what is left there belongs to the council's group
                _folder(folder, own, theirs, CLOSED if os.path.exists(f"{home}/{NOTICE}") else OPEN)
            partners[login] = (login, own, home, folders)
    _write(NUMBERS, "".join(f"{name}\t{number}\n" for name, number in numbers.items()), 0o600)
    users = [(login, numbers[login], homes[login]) for login in sorted(keys)]
    _write(f"{EXTRA_USERS}/group", "".join(f"{login}:x:{number}:\n" for login, number, _ in users))
    # `*` is no password that anybody could type; `!` would lock the account for keys too.
    _write(f"{EXTRA_USERS}/shadow", "".join(f"{login}:*:19000:0:99999:7:::\n" for login, _, _ in users), 0o600)
    taken_back = _taken_back(keys)
    for login, its in keys.items():
        _write(f"{LOG_INS}/{login}", "".join(f"{key}\n" for key in its))
    _write(
        f"{EXTRA_USERS}/passwd",
        "".join(f"{login}:x:{number}:{number}::{home}:/usr/sbin/nologin\n" for login, number, home in users),
    )
    for gone in set(os.listdir(LOG_INS)) - keys.keys():
        os.unlink(f"{LOG_INS}/{gone}")
    for login in taken_back:
        end_sessions(numbers[login])
        print(f"drop-zone: {login}: a key was taken back, and open sessions are ended", flush=True)
    return list(partners.values())


def _taken_back(keys) -> list[str]:
    """The log-ins of which a key was in force until now and is not among `keys`."""
    found = []
    for login in sorted(os.listdir(LOG_INS)):
        with open(f"{LOG_INS}/{login}") as file:
            before = {line.rstrip("\n") for line in file}
        if before.difference(keys.get(login, ())):
            found.append(login)
    return found


def _numbers() -> dict[str, int]:
    """The user number of each log-in, for ever: files belong to numbers."""
    try:
        with open(NUMBERS) as file:
            return {name: int(number) for name, number in (line.split("\t") for line in file)}
    except FileNotFoundError:
        return {}


def _folder(path: str, owner: int, group: int, mode: int) -> None:
    os.makedirs(path, mode=0o755, exist_ok=True)
    found = os.stat(path)
    if (found.st_uid, found.st_gid, found.st_mode & 0o7777) != (owner, group, mode):
        os.chown(path, owner, group)
        os.chmod(path, mode)


def _own_log(home: str) -> None:
    """`dev/log` in the folder is the log that listens now; it is new after each start."""
    _folder(f"{home}/dev", 0, 0, 0o711)
    link = f"{home}/dev/log"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(link)
    os.link(LOG, link)


def _listen() -> socket.socket:
    if os.path.exists(LOG):
        os.unlink(LOG)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(LOG)
    os.chmod(LOG, 0o666)  # noqa: S103 - every session writes to it
    return listening


def _log(listening: socket.socket) -> None:
    """What sessions tell is printed, one line each, without what syslog puts in front."""
    while True:
        line = listening.recv(8192).decode("utf-8", "backslashreplace").rstrip("\n\x00")
        _, _, words = line.partition(">")
        print("".join(c if c.isprintable() else ascii(c)[1:-1] for c in words), flush=True)


def _pass_on(lines) -> None:
    """What sshd itself tells, but for the visits of the health check."""
    for line in lines:
        if not VISIT.fullmatch(line):
            print(line.decode("utf-8", "backslashreplace").rstrip("\n"), flush=True)


def _write(path: str, text: str, mode: int = 0o644) -> None:
    new = f"{path}.new"
    with open(new, "w", opener=lambda name, flags: os.open(name, flags, mode)) as file:
        file.write(text)
    os.chmod(new, mode)
    os.rename(new, path)


if __name__ == "__main__":
    sys.exit(main())
