"""What can go wrong, by who must act.

    ExchangeError
      ├─ DataRefused     the partner must send something else; never retried; the partner is told the reason
      ├─ TryLater        nobody: the same call may work in a while; Airflow retries
      └─ NeedsDecision   a person here must act; the run stops and says what to do
           └─ MissingSetting   a council lacks a database, a key or an endpoint

A bug is none of these: let Python raise what it raises. A message names ids, rows, columns and rules, never a value
that somebody typed into a file.
"""


class ExchangeError(Exception):
    """The root: everything that the platform itself decides to stop for."""


class DataRefused(ExchangeError):
    """A file or a row cannot be taken; `reason` is a word of the closed list in `domain.file.Reason`."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}: {message}")


class TryLater(ExchangeError):
    """The same call may succeed later: an endpoint is away, a lock is held, another worker is at it."""


class NeedsDecision(ExchangeError):
    """A person here must decide or repair something before the work can go on."""


class MissingSetting(NeedsDecision):
    """A council cannot run until the named setting exists; other councils are not affected."""

    def __init__(self, council: str, setting: str, hint: str) -> None:
        self.council = council
        self.setting = setting
        super().__init__(f"council {council} has no setting {setting}: {hint}")
