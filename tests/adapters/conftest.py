"""What the tests of the doors may ask for beside the database."""

from support.keys import home, parties

__all__ = ["home", "parties"]
