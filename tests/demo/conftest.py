"""What the tests of the demo may ask for beside the database."""

from support.keys import home, parties

__all__ = ["home", "parties"]
