"""The page that is the same for all feeds: how a file is sent, what its first line says, how it is answered."""

from collections.abc import Iterable

from family_exchange.adapters.feed_parts import table
from family_exchange.adapters.feed_words import FIRST_LINE
from family_exchange.domain.advice import REASONS, next_step
from family_exchange.domain.drift import MESSAGES
from family_exchange.domain.file import Verdict

_TEXT = """\
# Feeds: what a partner sends, and what it hears back

This is for the analyst who makes a file. Each feed has a page with its columns, its rules and an example; this one says
what is the same for all of them.

{feeds}

## From your system to the council

1. Make the table as the feed's page says, with the first line that says what it covers.
2. Check it. The check works without a network and says what the platform will say; nothing leaves your machine:
   `family-exchange check police.csv --feed police_incidents --council <council>`
3. Sign it with your registered key and encrypt it to the council's:
   `gpg --sign --encrypt --recipient <the council's fingerprint> --output police-2026-10.csv.pgp police.csv`.
   Two people at the council register your key; compare fingerprints by voice.
4. Upload it into the feed's folder under a temporary name (`police-2026-10.csv.pgp.part`), and rename it when it is
   complete. A name has letters, digits, hyphens and dots, and names nobody.
5. Look into `receipts/`. Minutes later the answer is there, encrypted to you and signed by the council.

## The first line

Above the header may stand one line that lies under your signature with the rest:

```
{line}
```

{keys}

None of them has to be there. But a file that does not say what it covers says nothing of what it does not hold: whoever
is not in it counts as unknown, never as without a problem.

## The answer

{answers}

Neither repeats what stood in a cell. When you send a file again, the receipt also says what is fixed, what is still
wrong and what is new.

{verdicts}

## When a file is unlike your earlier ones

Its rows may each be right and the file still be wrong: an extract that was cut, a column that an upgrade lost. Such a
file is held until two people at the council have looked at it and let it in or sent it back.

{shapes}

## When a whole file is not taken

It waits in quarantine, still sealed, and the receipt gives one of these reasons:

{reasons}
"""
_LINE = ("feed", "contract", "as_of", "coverage_from", "coverage_to", "rows")
"""The keys that the example has."""
_RECEIPT = (
    "the receipt: when the file came, the SHA-256 of what arrived, the verdict, how many rows were loaded, loaded with "
    "a finding and refused, every finding by row, column and rule, and the signed position of the council's audit log"
)
_WORKBOOK = (
    "when something was found: a workbook with your own row numbers and references, the rule, what to do, and whether "
    "the row was loaded"
)
_ANSWERS = (("`<number of the file>.json.pgp`", _RECEIPT), ("`<number of the file>.xlsx.pgp`", _WORKBOOK))


def text(feeds: Iterable[tuple[str, str, str]]) -> str:
    """The page; `feeds` are link, title and senders of each feed."""
    line = " ".join(f"{key}={FIRST_LINE[key][1]}" for key in _LINE)
    keys = ((f"`{key}`", words, f"`{example}`") for key, (words, example) in FIRST_LINE.items())
    return _TEXT.format(
        feeds=table(("feed", "what it holds", "who sends it"), feeds),
        line=f"#family-exchange {line}",
        keys=table(("key", "what it says", "example"), keys),
        answers=table(("in `receipts/`", "what it is"), _ANSWERS),
        verdicts=table(("verdict", "what to do"), ((f"`{each}`", next_step(None, each, None)) for each in Verdict)),
        shapes=table(("rule", "what to do"), ((f"`{rule}`", words) for rule, words in MESSAGES.items())),
        reasons=table(("reason", "what to do"), ((f"`{reason}`", words) for reason, words in REASONS.items())),
    )
