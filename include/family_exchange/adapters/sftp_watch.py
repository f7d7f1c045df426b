"""Whether anything changed on an SFTP server, asked without blocking: for those who only wait."""

import hashlib
import logging
import stat
from collections.abc import Iterable
from typing import TYPE_CHECKING

from family_exchange.adapters.settings import SftpEndpoint
from family_exchange.domain.errors import TryLater

if TYPE_CHECKING:
    from asyncssh import SFTPClient

CONNECT_SECONDS = 15.0
"""How long a connection, its key exchange and its log-in may each take."""


async def listing_digest(endpoint: SftpEndpoint, folders: Iterable[str]) -> tuple[int, str]:
    """How many regular files the folders hold, and a digest that changes whenever one comes, goes, grows or is changed.

    No name leaves this function. A folder that is not there counts as empty.

    Raises:
        TryLater: the server does not answer, or is not the one whose key is pinned.
    """
    import asyncssh  # noqa: PLC0415 - only the triggerer needs it

    logging.getLogger("asyncssh").setLevel(logging.CRITICAL)  # its lines hold names of files
    seen: list[bytes] = []
    try:
        async with (
            asyncssh.connect(
                endpoint.host,
                endpoint.port,
                username=endpoint.username,
                client_keys=[str(endpoint.private_key)],
                known_hosts=([endpoint.host_key.encode()], [], []),
                connect_timeout=CONNECT_SECONDS,
                login_timeout=CONNECT_SECONDS,
                config=None,
                agent_path=None,
            ) as connection,
            connection.start_sftp_client(path_encoding=None) as client,
        ):
            for folder in folders:
                seen += await _seen(client, folder.rstrip("/").encode())
    except (asyncssh.Error, OSError, TimeoutError) as error:
        raise TryLater(f"{endpoint.host}:{endpoint.port} does not answer ({type(error).__name__})") from None
    return len(seen), hashlib.sha256(b"\n".join(sorted(seen))).hexdigest()


async def _seen(client: "SFTPClient", folder: bytes) -> list[bytes]:
    """One line for each regular file of the folder."""
    from asyncssh import SFTPNoSuchFile  # noqa: PLC0415 - see listing_digest

    lines = []
    try:
        async for entry in client.scandir(folder):
            attributes, name = entry.attrs, entry.filename
            if isinstance(name, bytes) and stat.S_ISREG(attributes.permissions or 0):
                lines.append(
                    b"%b/%b %d %d" % (folder, name.hex().encode(), attributes.size or 0, attributes.mtime or 0)
                )
    except SFTPNoSuchFile:
        return []
    return lines
