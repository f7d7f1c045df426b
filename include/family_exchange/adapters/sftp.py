"""The door to an SFTP server: one endpoint, its host key pinned, names as bytes, nothing ever overwritten."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from family_exchange.adapters.settings import SftpEndpoint
from family_exchange.adapters.sftp_entries import Entry, entry_of, is_regular, one_part, path_of
from family_exchange.adapters.sftp_watch import CONNECT_SECONDS, listing_digest
from family_exchange.domain.errors import DataRefused, Halted, NeedsDecision, TryLater
from family_exchange.domain.file import Reason

if TYPE_CHECKING:
    from _typeshed import SupportsWrite
    from paramiko import PKey, Transport

    from family_exchange.adapters.sftp_session import Session

__all__ = ["CONNECT_SECONDS", "DropZone", "Entry", "listing_digest"]

SILENCE_SECONDS = 60.0
"""How long a server may leave a request unanswered."""
KEEPALIVE_SECONDS = 15
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes192-ctr", "aes256-ctr")
"""Those that need no second pass for integrity come first: a third less of our processor's time."""


class DropZone:
    """One user's view of one SFTP server; opened and closed by `with`."""

    def __init__(
        self,
        endpoint: SftpEndpoint,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._endpoint = endpoint
        self._connect_seconds = connect_seconds
        self._silence_seconds = silence_seconds
        self._plug: socket.socket | None = None
        self._transport: Transport | None = None
        self._opened: Session | None = None

    def __enter__(self) -> Self:
        """The zone, connected and logged in.

        Raises:
            TryLater: the server does not answer.
            Halted: it is not the server whose key is pinned.
            NeedsDecision: it does not let us in.
        """
        try:
            with self._faults():
                self._open()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection, whatever happened."""
        self._close()

    def list(self, folder: str) -> list[Entry]:
        """Every entry of the folder, oldest first; names that could not be one part of a path are left out.

        Raises:
            FileNotFoundError: there is no such folder.
        """
        with self._faults():
            found = [
                entry_of(name, attributes)
                for name, attributes in self._session.entries(path_of(folder))
                if one_part(name)
            ]
        return sorted(found, key=lambda entry: (entry.modified_at, entry.name))

    def entry(self, folder: str, name: bytes) -> Entry | None:
        """The folder's entry of this name; None when there is none."""
        with self._faults():
            try:
                return entry_of(name, self._session.lstat(path_of(folder, name)))
            except FileNotFoundError:
                return None

    def fetch(self, folder: str, name: bytes, target: "SupportsWrite[bytes]") -> int:
        """The number of bytes written to `target`: all that the file had when it was opened.

        Raises:
            FileNotFoundError: there is no such file.
            DataRefused: it is not a regular file, and was not opened: a pipe would not answer.
            TryLater: it became shorter while it was read, or the server does not answer.
        """
        path, size = path_of(folder, name), 0
        with self._faults():
            if not is_regular(self._session.lstat(path)):
                raise DataRefused(Reason.NOT_REGULAR, "the entry is not a regular file")
            for block in self._session.content(path):
                target.write(block)
                size += len(block)
        return size

    def read(self, path: str) -> bytes:
        """The whole content of a small file of ours or of the recipient's.

        Raises:
            FileNotFoundError: there is no such file.
        """
        with self._faults():
            return b"".join(self._session.content(path_of(path)))

    def upload_new(self, folder: str, temp_name: str, data: bytes) -> None:
        """The bytes are in a new file, durable where the server offers that, and the server told their number.

        Raises:
            FileExistsError: there is something of this name already; it is unchanged.
            TryLater: the server does not answer or kept fewer bytes; what it kept stays under this name.
        """
        path = path_of(folder, temp_name.encode())
        with self._faults():
            if self._present(path):
                raise FileExistsError("there is a file of this name already")
            size = self._session.create(path, data)
        if size != len(data):
            raise TryLater(f"{self._where} kept {size} of {len(data)} bytes")

    def rename(self, folder: str, old: str | bytes, new: str | bytes) -> None:
        """The file has its new name, which was free; nothing was overwritten.

        Raises:
            FileExistsError: the new name is taken; nothing changed.
            FileNotFoundError: there is no file of the old name.
        """
        before, after = (path_of(folder, name if isinstance(name, bytes) else name.encode()) for name in (old, new))
        with self._faults():
            try:
                self._session.rename(before, after)
            except OSError:
                if self._present(after):
                    raise FileExistsError("the new name is taken") from None
                raise

    def remove(self, folder: str, name: bytes, *, missing_ok: bool = False) -> None:
        """The entry is gone.

        Raises:
            FileNotFoundError: it was not there, unless `missing_ok`.
        """
        try:
            with self._faults():
                self._session.remove(path_of(folder, name))
        except FileNotFoundError:
            if not missing_ok:
                raise

    def exists(self, path: str) -> bool:
        """True when there is something of this name, whatever it is."""
        with self._faults():
            return self._present(path_of(path))

    def make_folder(self, path: str) -> None:
        """The folder is there; those above it must be."""
        with self._faults():
            if not self._present(path_of(path)):
                self._session.mkdir(path_of(path))

    @property
    def connected(self) -> bool:
        """True while the server has not hung up, as far as is known."""
        return self._opened is not None and self._transport is not None and self._transport.is_active()

    @property
    def banner(self) -> str:
        """What the server says of its own software."""
        return str(self._transport.remote_version) if self._transport is not None else ""

    @property
    def _session(self) -> "Session":
        if self._opened is None:
            raise RuntimeError("a drop zone is used inside its `with` block")
        return self._opened

    @property
    def _where(self) -> str:
        return f"{self._endpoint.host}:{self._endpoint.port}"

    def _present(self, path: bytes) -> bool:
        try:
            self._session.lstat(path)
        except FileNotFoundError:
            return False
        return True

    def _open(self) -> None:
        import paramiko  # noqa: PLC0415 - costs a third of a second, which no Dag's parsing may pay

        from family_exchange.adapters.sftp_session import Session  # noqa: PLC0415 - imports paramiko

        logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # its lines hold names of files
        endpoint, key = self._endpoint, _private_key(self._endpoint.private_key)
        self._plug = socket.create_connection((endpoint.host, endpoint.port), timeout=self._connect_seconds)
        self._plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # requests are small and many
        transport = self._transport = paramiko.Transport(self._plug)
        transport.banner_timeout = transport.handshake_timeout = self._connect_seconds
        transport.auth_timeout = self._connect_seconds
        self._greet(transport)
        self._log_in(transport, key)
        transport.set_keepalive(KEEPALIVE_SECONDS)
        channel = transport.open_session(timeout=self._connect_seconds)
        channel.settimeout(self._silence_seconds)
        channel.invoke_subsystem("sftp")
        self._opened = Session(channel)

    def _greet(self, transport: "Transport") -> None:
        """The server is the one whose key is pinned; nothing of ours was sent before that was certain."""
        import paramiko  # noqa: PLC0415 - see _open

        pinned = self._endpoint.host_key.split()[:2]
        wrong = Halted(f"{self._where} does not show the pinned host key; nothing was sent to it")
        try:
            options = transport.get_security_options()
            options.ciphers, options.key_types = CIPHERS, _algorithms(pinned[0])
            transport.start_client(timeout=self._connect_seconds)
        except (paramiko.ssh_exception.IncompatiblePeer, IndexError, ValueError):
            raise wrong from None
        shown = transport.get_remote_server_key()
        if [shown.get_name(), shown.get_base64()] != pinned:
            raise wrong

    def _log_in(self, transport: "Transport", key: "PKey") -> None:
        import paramiko  # noqa: PLC0415 - see _open

        try:
            transport.auth_publickey(self._endpoint.username, key)
        except paramiko.AuthenticationException as error:
            if not transport.is_active() or "timeout" in str(error):
                raise TryLater(f"{self._where} did not answer while we logged in") from None
        if not transport.is_authenticated():
            raise NeedsDecision(f"{self._where} does not let us in with our key alone")

    def _close(self) -> None:
        self._opened = None
        if self._transport is not None:
            self._transport.close()
        if self._plug is not None:
            self._plug.close()  # paramiko leaves it open when the server hung up first

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """The block's errors as ours; none tells a name, which a partner chose."""
        from paramiko import SFTPError, SSHException  # noqa: PLC0415 - see _open

        try:
            yield
        except FileExistsError:
            raise
        except FileNotFoundError:
            raise FileNotFoundError(f"no such entry at {self._where}") from None
        except PermissionError:
            raise NeedsDecision(f"{self._where} does not allow our user to do this") from None
        except (SSHException, SFTPError, EOFError, OSError, UnicodeDecodeError) as error:
            raise TryLater(f"{self._where} does not answer as it should ({type(error).__name__})") from None


def _private_key(path: Path) -> "PKey":
    from paramiko import PKey  # noqa: PLC0415 - see DropZone._open

    try:
        key: PKey = PKey.from_path(path)
    except Exception as error:  # noqa: BLE001 - a key file can be wrong in many ways; each is for a person to mend
        raise NeedsDecision(f"the private key {path} cannot be read ({type(error).__name__})") from None
    return key


def _algorithms(key_type: str) -> tuple[str, ...]:
    """The signature algorithms with which a host proves a key of this type."""
    return ("rsa-sha2-512", "rsa-sha2-256") if key_type == "ssh-rsa" else (key_type,)
