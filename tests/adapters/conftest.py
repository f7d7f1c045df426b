"""What the tests of the doors may ask for beside the database."""

from support.keys import home, parties
from support.sftp import server_site, site

__all__ = ["home", "parties", "server_site", "site"]
