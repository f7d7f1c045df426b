"""From a sealed file in the vault to its rows committed in staging, beside what nobody could do without.

Everything is on: signature, contract, suite, findings, ledger, audit. The reference opens the same file with
`gpg --decrypt | wc -l` and copies the same rows into a table without an index. Both are measured in turn.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from support import benches

ROUNDS = 3
SMALL, SMALL_ROWS, PARTS = 250, 100, 4


def in_turn(folder, rows):
    """Seconds of each round for us and for the reference, and megabytes; the first round warms both and is not told."""
    subject, base, mb = [], [], 0
    content = benches.bulk(rows)
    with benches.exchange(folder) as exchange, benches.worker(exchange) as ask:
        for number in range(1, ROUNDS + 2):
            file = benches.numbered(content, number)
            sealed = exchange.sealed(file)
            ids = exchange.vaulted(sealed)
            base.append(exchange.without(file, sealed))
            seconds, mb = ask(*ids)
            subject.append(seconds)
    return subject[1:], base[1:], mb


@pytest.mark.timeout(1800)
def test_a_hundred_thousand_and_a_million_rows_from_the_vault_to_staging(tmp_path, benchmark, capsys):
    def measure():
        return in_turn(tmp_path, 100_000), in_turn(tmp_path, 1_000_000)

    small, large = benchmark.pedantic(measure, rounds=1, iterations=1)
    name = f"intake.{benches.FEED}"
    exponent = benches.exponent(small[0], large[0])
    benches.say(capsys, f"{name}.100k", *small[:2], rows=100_000, mb=small[2], goal=2.0, never=4.0)
    benches.say(capsys, name, *large[:2], rows=1_000_000, mb=large[2], goal=1.5, never=3.0)
    benches.told(capsys, "intake.growth", exponent, exponent, 1.0, rows=1_000_000, mb=large[2], goal=1.0, never=1.1)
    benches.told(capsys, "intake.memory", large[2] / 512, large[2], 512, rows=1_000_000, mb=large[2], goal=1, never=2)


@pytest.mark.timeout(1800)
def test_a_thousand_small_files_one_after_the_other(exchange, benchmark, capsys):
    subject, base, most = [], [], 0

    def measure():
        nonlocal most
        with benches.worker(exchange) as ask:
            for part in range(PARTS):
                many = range(1000 + part * SMALL, 1000 + (part + 1) * SMALL)
                contents = [benches.numbered(benches.bulk(SMALL_ROWS, seed), seed) for seed in many]
                with ThreadPoolExecutor(2) as pool:
                    files = list(pool.map(exchange.sealed, contents))
                ids = exchange.vaulted(*files)
                paths = [exchange.folder / f"{number}.pgp" for number in range(SMALL)]
                for path, sealed in zip(paths, files, strict=True):
                    path.write_bytes(sealed)
                base.append(sum(exchange.opened_and_counted(path) for path in paths))
                seconds, most = ask(*ids)
                subject.append(seconds)

    benchmark.pedantic(measure, rounds=1, iterations=1)
    rows = PARTS * SMALL * SMALL_ROWS
    benches.say(capsys, "intake.small", subject, base, rows=rows, mb=most, goal=1.5, never=3.0)
