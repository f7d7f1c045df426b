"""A partner's own check of a file before it is sealed: what the platform would say of it, without the platform.

It walks the same way as intake after the seal: the same reader, the same contract, the same rules, the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from family_exchange.adapters import containers, expectations, profiles
from family_exchange.domain import versions
from family_exchange.domain.answer import About
from family_exchange.domain.contract import Contract
from family_exchange.domain.errors import DataRefused
from family_exchange.domain.file import Reason, Verdict
from family_exchange.domain.profile import Profile
from family_exchange.domain.versions import AgreedVersion
from family_exchange.stages import book, reply, unseal, validate
from family_exchange.stages.validate import Validated

ONLY_THE_PLATFORM = (
    "the seal: how the file is encrypted, and whose key signed it",
    "whether the same content, or a later file, has been taken already",
    "how the file compares with your earlier ones: fewer rows, a code that drifts, a column that went empty",
    "whether the people whom it names are known from other files, where the feed asks for that",
)
"""What nobody can tell from the file alone."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the platform would say."""

    about: About
    contract: Contract | None = None
    validated: Validated | None = field(default=None, repr=False)
    """None: the file cannot be read at all."""

    @property
    def workbook(self) -> bytes | None:
        """The workbook that the partner would get, as XLSX; None when nothing was found in the rows."""
        if self.contract is None or self.validated is None:
            return None
        return book.workbook(self.about, self.validated, self.contract)

    @property
    def receipt(self) -> dict[str, object]:
        """The receipt that the partner would get, without what only the platform knows."""
        said = expectations.messages(self.contract.feed, self.contract.version) if self.contract else {}
        found = self.validated.findings if self.validated else ()
        return reply.receipt(self.about, found, said=said, since=None, workbook_name=None, audit=None)


def file(
    plaintext: bytes,
    feed: str,
    *,
    profile: Profile | None,
    name: str,
    signed_on: date,
    version: str | None = None,
    agreed: Sequence[AgreedVersion] = (),
) -> Checked:
    """What the platform would say of a file that is sealed on `signed_on`; nothing is stored, nobody is asked.

    `version` is the contract to check against; None: the one by which the platform would read the file, given the
    versions that the partner and the council have `agreed`. A second run gives the same.
    """
    about = About(feed=feed, name=name, council=profile.council if profile else None)
    contract = None
    try:
        _may_be_opened(plaintext)
        if version is None:
            said = containers.manifest_of(plaintext).contract
            version = versions.chosen(said, agreed, profiles.versions(feed), signed_on)
        contract = profiles.contract(feed, version)
        checked = validate.table(plaintext, contract, profile, received_on=signed_on)
    except DataRefused as refusal:
        detail = str(refusal).removeprefix(f"{refusal.reason}: ")
        refused = replace(
            about, contract=version, verdict=Verdict.REFUSED, reason=Reason(refusal.reason), detail=detail
        )
        return Checked(refused, contract)
    return Checked(reply.examined(about, checked), contract, checked)


def _may_be_opened(plaintext: bytes) -> None:
    """What unsealing would refuse of a plaintext."""
    if len(plaintext) > unseal.LARGEST_PLAINTEXT:
        raise DataRefused(Reason.TOO_LARGE, f"the file has more than {unseal.LARGEST_PLAINTEXT:,} bytes")
    if unseal.sealed_again(plaintext):
        raise DataRefused(Reason.CONTENT, "the file is an OpenPGP message already; check it before it is sealed")
