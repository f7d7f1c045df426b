"""A synthetic council as a folder: the files, an index of what is wrong with each, and the truth about who is who."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from family_exchange.adapters import profiles
from family_exchange.demo.synthetic import agreements, bundle, bundle_meaning
from family_exchange.demo.synthetic.bundle_meaning import Found
from family_exchange.demo.synthetic.expected import EXPECTED, Expected, expected
from family_exchange.demo.synthetic.generator import Council, PartnerFile
from family_exchange.demo.synthetic.mischief import rows_of
from family_exchange.demo.synthetic.mishaps import Misbehaviour
from family_exchange.demo.synthetic.sheet import as_csv
from family_exchange.domain import manifest
from family_exchange.domain.contract import Contract
from family_exchange.domain.file import Verdict
from family_exchange.domain.findings import AGE, WITHHELD, Broken, Findings, Severity

_README = """\
A synthetic council: {council}
{line}

Nobody in these files ever lived. The same council, number of people and seed give the same bytes.

  <partner>/<feed>/   what each partner would send, in the clear
  files.csv           every file in the order in which to send it: what is wrong with it, and what the platform says
  findings.csv        each row that breaks rules, and which; row 1 is the first after the header (of its table)
  truth.csv           whom each reference truly means, for judging how well people are matched

To send a file, seal it as the partner would, then upload it under a temporary name and rename it:

  gpg --sign --encrypt --recipient <the council's key> --output <name>.pgp <name>

Two kinds of mischief are yours to do, for they are not in the text: `unsigned` is sealed without --sign, and
`cut_short` loses the last third of the sealed bytes.

What `files.csv` says of a file:

  check    the verdict of `family-exchange check FILE --feed FEED` before it is sent
  ends     the state in which the platform leaves it (docs/data-flow.md has them all)
  reason   why it is in quarantine

The kinds:

{kinds}
"""


def write(council: Council, out: Path) -> tuple[Path, ...]:
    """The paths written below `out`: `<partner>/<feed>/<name>` for each file, three lists and a `README.txt`.

    Content stands in the clear and whole; `files.csv` says what a partner would do wrong with each. A second run
    writes the same bytes again.
    """
    contents = {out / file.partner / file.feed / file.name: file.content for file in council.files}
    found = {id(file): findings(file) for file in council.files}
    contents |= {
        out / "files.csv": as_csv(
            ("partner", "feed", "name", "misbehaviour", "contract", "wrong", "check", "ends", "reason", "aside"),
            (_line(file, found[id(file)]) for file in council.files),
        ),
        out / "findings.csv": as_csv(
            ("partner", "feed", "name", "table", "row", "rule"),
            (
                (file.partner, file.feed, file.name, name, str(row), rule)
                for file in council.files
                for (name, row), rules in sorted(found[id(file)].items())
                for rule in sorted(rules)
            ),
        ),
        out / "truth.csv": as_csv(
            ("feed", "partner", "record_ref", "person", "family", "likeness"),
            (
                (row.feed, row.partner, row.record_ref, str(row.person), str(row.family), row.likeness)
                for row in council.truth
            ),
        ),
        out / "README.txt": _readme(council).encode(),
    }
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tuple(contents)


def findings(file: PartnerFile) -> Found:
    """The rows of the file that break rules; none in a file that cannot be read."""
    contract = profiles.contract(file.feed, file.contract)
    if not _answer(file).readable:
        return {}
    if contract.tables:
        members = bundle.opened(file.content)
        return bundle_meaning.findings(
            bundle.tables_of(file.content, contract), contract, _as_of(members[bundle.MANIFEST])
        )
    rows = rows_of(file.content, contract.file.delimiter)
    found = agreements.with_rules(contract).findings(rows, _as_of(file.content))
    return {("", row): rules for row, rules in found.items()}


def verdict(file: PartnerFile, found: Found) -> Verdict:
    """What a check of the file says before it is sent."""
    contract = profiles.contract(file.feed, file.contract)
    if not _answer(file).readable:
        return Verdict.REFUSED
    if contract.tables:
        parts: list[Contract] = [contract.of_table(table.name) for table in contract.tables]
        count = sum(map(len, bundle.tables_of(file.content, contract).values()))
    else:
        parts = [contract]
        count = len(rows_of(file.content, contract.file.delimiter))
    severities = {AGE: Severity.ERROR, WITHHELD: Severity.WARNING, **bundle_meaning.BETWEEN}
    for part in parts:
        severities |= {each.meta.rule: each.meta.severity for each in agreements.with_rules(part).suite.expectations}
    rules = sorted({(name, rule) for (name, _), broken in found.items() for rule in broken})
    broken = tuple(
        Broken(
            rule,
            None,
            severities[rule],
            [row for (at, row), all_of in sorted(found.items()) if at == name and rule in all_of],
            name or None,
        )
        for name, rule in rules
    )
    return Findings(count, broken).verdict()


def _answer(file: PartnerFile) -> Expected:
    return expected(file.misbehaviour, bundle=bool(profiles.contract(file.feed, file.contract).tables))


def _as_of(content: bytes) -> date:
    """The day that the file's first line states; every file that we make has one."""
    said = manifest.parsed(content.split(b"\n", 1)[0].decode()).as_of
    if said is None:
        raise ValueError("a synthetic file always says its day")
    return said


def _line(file: PartnerFile, found: Found) -> tuple[str, ...]:
    answer = _answer(file)
    return (
        file.partner, file.feed, file.name, file.misbehaviour or "", file.contract, answer.wrong,
        verdict(file, found), answer.state, answer.reason or "", answer.aside,
    )  # fmt: skip


def _readme(council: Council) -> str:
    used = {file.misbehaviour for file in council.files}
    return _README.format(
        council=council.council, line="=" * (len(council.council) + 21), kinds="\n".join(_kinds(used))
    )


def _kinds(used: set[Misbehaviour | None]) -> Iterator[str]:
    for kind, answer in EXPECTED.items():
        if kind in used:
            ends = f"{answer.state} {answer.reason or ''}".strip()
            yield f"  {kind:<16} {answer.wrong}\n  {'':<16} → {ends}{'; ' + answer.aside if answer.aside else ''}"
