"""The same from OpenSSH's own server: the reference fetches the sealed file with OpenSSH's own client first."""

import subprocess
from statistics import median
from time import perf_counter

import pytest

from support import benches, sftp

ROUNDS = 3
ROWS = 1_000_000


def fetched(site, name, folder):
    """Seconds that `sftp` needs to get a file; its host key is pinned as ours is."""
    one = site.endpoint
    known = folder / "known_hosts"
    known.write_text(f"[{one.host}]:{one.port} {one.host_key}\n")
    target = folder / "fetched.pgp"
    options = ["-q", "-P", str(one.port), "-i", one.private_key, "-o", f"UserKnownHostsFile={known}", "-b", "-"]
    began = perf_counter()
    subprocess.run(
        ["sftp", *options, f"{one.username}@{one.host}"],
        input=f"get {site.folder()}/{name} {target}\n",
        text=True,
        check=True,
        capture_output=True,
    )
    seconds = perf_counter() - began
    target.unlink()
    return seconds


@pytest.mark.timeout(1800)
def test_a_million_rows_from_the_server_to_staging(exchange, tmp_path, benchmark, capsys):
    sftp.need_sshd()
    subject, base, most = [], [], 0
    content = benches.bulk(ROWS, seed=2)

    def measure():
        nonlocal most
        with sftp.openssh_site(tmp_path) as site, benches.worker(exchange, site.endpoint, site.prefix) as ask:
            for number in range(101, 102 + ROUNDS):
                file = benches.numbered(content, number)
                sealed = exchange.sealed(file)
                (file_id,) = exchange.landed(sealed)
                name = exchange.name_of(file_id)
                site.put(name, sealed, modified_at=exchange.modified_at(file_id))
                base.append(fetched(site, name.decode(), tmp_path) + exchange.without(file, sealed))
                seconds, most = ask(file_id)
                subject.append(seconds)

    benchmark.pedantic(measure, rounds=1, iterations=1)
    assert median(subject) > 0
    name = f"intake.{benches.FEED}.sftp"
    benches.say(capsys, name, subject[1:], base[1:], rows=ROWS, mb=most, goal=1.6, never=3.0)
