"""Every asset once, in the order of flow: the lineage map of one council.

    landing → <feed> → family_register → proposals → decisions → <code>_return → delivered_return
       │                          └→ destruction_certificate
       └→ held_files → released_files → <feed>

An event on an asset rings the bell; the ledger says who is at the door. Events carry counts, ledger ids and digests.
"""

from airflow.sdk import Asset, AssetAny, AssetWatcher

from family_exchange.domain.profile import Profile
from family_exchange.orchestration import councils
from family_exchange.orchestration.arrivals import Arrivals


def held_files(council: str) -> Asset:
    """Files in quarantine about which two people may decide."""
    return _asset(council, "held_files")


def released_files(council: str) -> Asset:
    """Files about which people decided: to be worked on again, or to be told of."""
    return _asset(council, "released_files")


def landing(profile: Profile, feed: str) -> Asset:
    """What partners have left for one feed; watched."""
    name = f"{profile.council}/{feed}/landing"
    folders = [f"/{partner.slug}/{feed}" for partner in profile.partners_for(feed)]
    watcher = AssetWatcher(name=name, trigger=Arrivals(council=profile.council, folders=folders))
    return Asset(name, uri=_uri(name), group=profile.council, watchers=[watcher])


def feed(council: str, name: str) -> Asset:
    """The staged rows of one feed."""
    return _asset(council, name)


def feeds(profile: Profile) -> list[Asset]:
    """The staged rows of all feeds that come."""
    return [feed(profile.council, name) for name in profile.active_feeds]


def family_register(council: str) -> Asset:
    """Persons, families and evidence."""
    return _asset(council, "family_register")


def proposals(council: str) -> Asset:
    """What the rules propose, open until a person decides."""
    return _asset(council, "proposals")


def decisions(council: str) -> Asset:
    """What named persons decided about proposals."""
    return _asset(council, "decisions")


def sealed_return(council: str, code: str) -> Asset:
    """One kind of return, sealed; its partitions are periods."""
    return _asset(council, f"{code}_return")


def sealed_returns(profile: Profile) -> list[Asset]:
    """All kinds of return that the council makes."""
    return [sealed_return(profile.council, code) for code in councils.returns(profile)]


def delivered_return(council: str) -> Asset:
    """A return that the recipient has; its partitions are periods."""
    return _asset(council, "delivered_return")


def destruction_certificate(council: str) -> Asset:
    """Proof that data whose time was up is gone."""
    return _asset(council, "destruction_certificate")


def any_of(assets: list[Asset]) -> AssetAny:
    """A schedule that any one of `assets` rings."""
    return AssetAny(*assets)


def _asset(council: str, name: str) -> Asset:
    return Asset(f"{council}/{name}", uri=_uri(f"{council}/{name}"), group=council)


def _uri(name: str) -> str:
    return f"x-family-exchange://{name}"
