"""Pages for partners: what each feed is, column by column and rule by rule, from its contract and its suite.

`python -m family_exchange.adapters.feed_pages` writes them anew; a test says when one is out of date, missing or left
over. Nothing in a page depends on the day on which it is made.
"""

from collections.abc import Iterator
from pathlib import Path

from family_exchange.adapters import feed_index, feed_parts, profiles
from family_exchange.adapters.feed_parts import Agreement
from family_exchange.adapters.places import EXPECTATIONS

FOLDER = EXPECTATIONS.parent / "docs" / "feeds"
INDEX = "README.md"

_MADE = "<!-- Made by `make feeds` from contracts and suites: change those, not this page. -->\n"
_PAGE = """\
# {title}

`{feed}` · from {senders}{versions} · [all feeds](README.md)

{body}
## Check it before you send it

```
family-exchange check {file} --feed {feed}
```

says what the platform would say, without a network. With `--council` and the council's name it also leaves out what
that council does not take in. How a file is sealed, sent and answered is [the same for all feeds](README.md).
"""


def pages() -> dict[str, str]:
    """`file name → text` of every page, the index among them."""
    made = {INDEX: feed_index.text(_feeds())} | {f"{feed}.md": page(feed) for feed in profiles.feeds()}
    return {name: _MADE + text for name, text in made.items()}


def page(feed: str) -> str:
    """The page of one feed, its newest version first.

    Raises:
        BadFile: a contract or a suite has a mistake.
    """
    newest_first = [Agreement(profiles.contract(feed, version)) for version in reversed(profiles.versions(feed))]
    newest = newest_first[0].contract
    several = len(newest_first) > 1
    named = ", ".join(each.contract.version for each in newest_first)
    return _PAGE.format(
        title=newest.title,
        feed=feed,
        senders=feed_parts.senders(newest),
        versions=f" · versions {named}" if several else "",
        body="\n".join(_version(each, several=several) for each in newest_first),
        file=f"{feed}.{newest.file.formats[0]}",
    )


def write(folder: Path = FOLDER) -> None:
    """Write every page and remove those of feeds that are no more; a second run writes the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    for left in folder.glob("*.md"):
        if left.name not in made:
            left.unlink()


def _version(agreement: Agreement, *, several: bool) -> str:
    """Everything about one version; under a heading of its own where there are several."""
    top = f"## Version {agreement.contract.version}\n\n" if several else ""
    return top + "\n".join(feed_parts.sections(agreement, 3 if several else 2))


def _feeds() -> Iterator[tuple[str, str, str]]:
    for feed in profiles.feeds():
        newest = profiles.contract(feed, profiles.versions(feed)[-1])
        yield f"[`{feed}`]({feed}.md)", newest.title, feed_parts.senders(newest)


if __name__ == "__main__":
    write()
