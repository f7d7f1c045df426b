"""What can go wrong, by who must act.

    ExchangeError
      ├─ DataRefused     the partner must send something else; never retried; the partner is told the reason
      ├─ TryLater        nobody: the same call may work in a while; Airflow retries
      │    ├─ Busy       another worker is at it, or was faster; retried soon, and no failure of anything
      │    └─ NotReady   the file may still be on its way; the next look at the drop zone takes it up
      └─ NeedsDecision   a person here must act; the run stops and says what to do
           ├─ MissingSetting   a council lacks a database, a key or an endpoint
           ├─ NoRoom           a disk is full: nothing is taken in until somebody makes room
           └─ Halted           a server, a chain or a key is not what it was agreed to be: somebody must look first

A bug is none of these: let Python raise what it raises. A message names ids, rows, columns and rules, never a value
that somebody typed into a file.
"""


class ExchangeError(Exception):
    """The root: everything that the platform itself decides to stop for."""


class DataRefused(ExchangeError):
    """A file or a row cannot be taken; `reason` is a word of the closed list in `domain.file.Reason`."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        self.detail = message
        super().__init__(f"{reason}: {message}")


class TryLater(ExchangeError):
    """The same call may succeed later: an endpoint is away, a lock is held, another worker is at it."""


class Busy(TryLater):
    """Another worker holds the item, or has just done the same; nothing is wrong."""


class NotReady(TryLater):
    """The file may still be on its way, and is left where it is."""


class NeedsDecision(ExchangeError):
    """A person here must decide or repair something before the work can go on."""


class MissingSetting(NeedsDecision):
    """A council cannot run until the named setting exists; other councils are not affected."""

    def __init__(self, council: str, setting: str, hint: str) -> None:
        self.council = council
        self.setting = setting
        super().__init__(f"council {council} has no setting {setting}: {hint}")


class NoRoom(NeedsDecision):
    """A disk has no room; taking files in would end in the middle."""


class Halted(NeedsDecision):
    """Something that guards us is not what was agreed; this channel rests until a person has looked."""
