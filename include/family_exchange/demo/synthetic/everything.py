"""Every feed's good and misbehaving files, for whoever wants to try the platform, or a program that feeds it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from random import Random

from family_exchange.adapters import profiles
from family_exchange.demo.synthetic import agreements, bundle_mischief, generator, span
from family_exchange.demo.synthetic.bundle import BundleWriter
from family_exchange.demo.synthetic.by_contract import Writer
from family_exchange.demo.synthetic.generator import TODAY, Council, PartnerFile
from family_exchange.demo.synthetic.mischief import Good, misbehaving, rows_of
from family_exchange.demo.synthetic.mishaps import Misbehaviour
from family_exchange.demo.synthetic.people import Population
from family_exchange.demo.synthetic.sheet import Truth
from family_exchange.domain.contract import Contract
from family_exchange.domain.profile import Profile


def everything(
    profile: Profile, *, people: int = 2000, seed: int = 1, today: date = TODAY, all_feeds: bool = False
) -> Council:
    """The synthetic council with, for each feed, a file of every kind of misbehaviour beside the good ones.

    Every feed that is agreed is there, connected or not; with `all_feeds` every version of every feed that has a
    contract, as from partners that could send it.
    The files stand in the order in which they should be sent; the same arguments give the same bytes.

    Raises:
        ValueError: there are too few people.
    """
    made = generator.council(profile, people=people, seed=seed, today=today)
    everybody = generator.population(profile, people=people, seed=seed, today=today)
    more = _More(profile, everybody, span.span(today), f"{seed}/{profile.council}")
    files = list(made.files)
    truth = list(made.truth)
    for file, told in more.good_files({(file.feed, file.contract) for file in files}, all_feeds=all_feeds):
        files.append(file)
        truth += told
    there = Counter((file.partner, file.feed, file.contract, file.misbehaviour) for file in files)
    for good in [file for file in files if file.misbehaviour is None]:
        files += (
            file
            for file in more.misbehaving(good)
            if not there[file.partner, file.feed, file.contract, file.misbehaviour]
        )
    return replace(made, files=tuple(files), truth=tuple(truth))


class _More:
    """What `council` does not make."""

    def __init__(self, profile: Profile, population: Population, during: span.Span, start: str) -> None:
        self._profile = profile
        self._population = population
        self._during = during
        self._start = start

    def good_files(self, there: set[tuple[str, str]], *, all_feeds: bool) -> Iterator[tuple[PartnerFile, list[Truth]]]:
        """A good file, and whom it means, for each version of each feed that is wanted and not there yet."""
        told = {feed for feed, _ in there}
        for feed in profiles.feeds() if all_feeds else self._profile.feeds:
            versions = profiles.versions(feed)
            for version in versions if all_feeds else versions[: feed not in told]:
                if (feed, version) not in there:
                    yield self._good(profiles.contract(feed, version))

    def misbehaving(self, good: PartnerFile) -> Iterator[PartnerFile]:
        """One file of each kind of misbehaviour, made from the good one."""
        contract = profiles.contract(good.feed, good.contract)
        slips = self._stream(contract, f"slips of {good.partner}")
        if contract.tables:
            tables = self._bundle_writer(contract)
            made = bundle_mischief.misbehaving(tables.tables()[0], tables, slips)
        else:
            base = Good(agreements.with_rules(contract), rows_of(good.content, contract.file.delimiter))
            in_motion = profiles.drift().limits(contract.feed).leave_out
            writer = self._writer(contract, f"mischief of {good.partner}")
            made = misbehaving(base, writer, slips, in_motion=in_motion)
        for kind, content in made:
            whole = good.content if kind is Misbehaviour.SENT_TWICE else content
            stem, _, ending = good.name.rpartition(".")
            yield PartnerFile(good.partner, good.feed, f"{stem}_{kind}.{ending}", whole, kind, contract=good.contract)

    def _good(self, contract: Contract) -> tuple[PartnerFile, list[Truth]]:
        partner = self._partner(contract)
        name = f"{contract.feed}_{contract.version}_{self._during.as_of}"
        if contract.tables:
            writer = self._bundle_writer(contract)
            tables, sheet = writer.tables()
            content, ending = writer.content(tables), "zip"
        else:
            sheet = self._writer(contract, "good").sheet()
            content, ending = sheet.content(self._during), "csv"
        file = PartnerFile(partner, contract.feed, f"{name}.{ending}", content, contract=contract.version)
        return file, list(sheet.truth(partner))

    def _bundle_writer(self, contract: Contract) -> BundleWriter:
        """A writer that writes the good bundle first, the same one each time."""
        return BundleWriter(self._stream(contract, "good"), contract, self._population, self._during)

    def _writer(self, contract: Contract, part: str) -> Writer:
        agreed = agreements.with_rules(contract)
        return Writer(self._stream(contract, part), agreed, self._population, self._during)

    def _stream(self, contract: Contract, part: str) -> Random:
        return Random(f"{self._start}/{contract.feed}/{contract.version}/{part}")  # noqa: S311 - synthetic people

    def _partner(self, contract: Contract) -> str:
        """The partner that sends the feed; else one of a fitting kind; else one that is called by its kind."""
        senders = [each.slug for each in self._profile.partners if contract.feed in each.feeds]
        fitting = [each.slug for each in self._profile.partners if each.type in contract.partner_types]
        return (*senders, *fitting, contract.partner_types[0].value.replace("_", "-"))[0]
