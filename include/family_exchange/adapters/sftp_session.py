"""paramiko's SFTP client with what it leaves out: names as bytes, reads in a bounded row, a file made durable.

paramiko decodes every name as UTF-8, so that one odd name hides a whole folder, and its prefetch asks for a whole
file at once in a thread of its own, which outlives a failure. Source: draft-ietf-secsh-filexfer-02 for the packets,
OpenSSH's PROTOCOL file for the extension.
"""

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

import paramiko
from paramiko.message import Message
from paramiko.sftp import (
    CMD_ATTRS,
    CMD_CLOSE,
    CMD_DATA,
    CMD_EXTENDED,
    CMD_FSTAT,
    CMD_HANDLE,
    CMD_INIT,
    CMD_NAME,
    CMD_OPEN,
    CMD_OPENDIR,
    CMD_READ,
    CMD_READDIR,
    CMD_STATUS,
    CMD_VERSION,
    CMD_WRITE,
    SFTP_FLAG_CREATE,
    SFTP_FLAG_EXCL,
    SFTP_FLAG_READ,
    SFTP_FLAG_WRITE,
    SFTPError,
    int64,
)

VERSION = 3
FSYNC = "fsync@openssh.com"
BLOCK = 32768
"""Bytes of one read or write: what every server must be able to handle."""
ROW = 64
"""Requests under way at once: two mebibytes, as much as paramiko's window."""
PIECE = 1 << 18
"""Bytes taken from the channel at once."""


class Row:
    """Answers that came, by the number of their request; paramiko hands them over as it meets them."""

    def __init__(self) -> None:
        self.answers: dict[int, tuple[int, Message]] = {}

    def _async_response(self, kind: int, message: Message, number: int) -> None:
        self.answers[number] = (kind, message)


class Session(paramiko.SFTPClient):
    """One SFTP session; paths and names are bytes.

    A handle is closed when its work is done; after a failure the whole session is, so that a server that fell silent
    is not waited for twice.
    """

    if TYPE_CHECKING:

        def _request(self, kind: int, *arguments: object) -> tuple[int, Message]: ...
        def _async_request(self, owner: object, kind: int, *arguments: object) -> int: ...
        def _read_response(self, number: int | None = None) -> tuple[int, Message]: ...
        def _send_packet(self, kind: int, packet: Message) -> None: ...
        def _read_packet(self) -> tuple[int, bytes]: ...
        def _convert_status(self, message: Message) -> None: ...

    def _send_version(self) -> int:
        """Agree on the version, and keep what the server offers beyond it; paramiko forgets that."""
        self._unread = b""
        greeting = Message()
        greeting.add_int(VERSION)
        self._send_packet(CMD_INIT, greeting)
        kind, answer = self._read_packet()
        if kind != CMD_VERSION:
            raise SFTPError("the server does not speak SFTP")
        message = Message(answer)
        version = message.get_int()
        self.offers: set[str] = set()
        while message.get_so_far() != answer:
            self.offers.add(message.get_string().decode("ascii", "replace"))
            message.get_string()
        return version

    def _read_all(self, count: int) -> bytes:
        """The next `count` bytes; taken from the channel in large pieces.

        paramiko's channel moves all that waits in it for every piece that is taken out.
        """
        while len(self._unread) < count:
            more = self.sock.recv(PIECE)
            if not more:
                raise EOFError
            self._unread = more if not self._unread else self._unread + more
        taken, self._unread = self._unread[:count], self._unread[count:]
        return taken

    def entries(self, folder: bytes) -> Iterator[tuple[bytes, paramiko.SFTPAttributes]]:
        """Every entry of the folder with its own attributes (a link's, not its target's), in the server's order."""
        handle = self._handle(CMD_OPENDIR, folder)
        while True:
            try:
                kind, message = self._request(CMD_READDIR, handle)
            except EOFError:
                break
            _expect(kind, CMD_NAME)
            for _ in range(message.get_int()):
                name = message.get_string()
                message.get_string()
                yield name, _attributes(message)
        self._request(CMD_CLOSE, handle)

    def content(self, path: bytes) -> Iterator[bytes]:
        """The file's bytes in order, as many as it had when it was opened.

        Raises:
            EOFError: it became shorter meanwhile.
        """
        handle = self._handle(CMD_OPEN, path, SFTP_FLAG_READ, paramiko.SFTPAttributes())
        yield from self._blocks(handle, self._size(handle))
        self._request(CMD_CLOSE, handle)

    def create(self, path: bytes, content: bytes) -> int:
        """The size of the new file as the server tells it; durable where the server offers that.

        Raises:
            OSError: there is a file of this name already, or the server refused.
        """
        flags = SFTP_FLAG_WRITE | SFTP_FLAG_CREATE | SFTP_FLAG_EXCL
        handle = self._handle(CMD_OPEN, path, flags, paramiko.SFTPAttributes())
        row, waiting = Row(), deque[int]()
        for at in range(0, len(content), BLOCK):
            waiting.append(self._async_request(row, CMD_WRITE, handle, int64(at), content[at : at + BLOCK]))
            if len(waiting) == ROW:
                self._done(row, waiting.popleft())
        while waiting:
            self._done(row, waiting.popleft())
        if FSYNC in self.offers:
            self._request(CMD_EXTENDED, FSYNC, handle)
        size = self._size(handle)
        self._request(CMD_CLOSE, handle)
        return size

    def _size(self, handle: bytes) -> int:
        kind, message = self._request(CMD_FSTAT, handle)
        _expect(kind, CMD_ATTRS)
        return _attributes(message).st_size or 0

    def _handle(self, kind: int, *arguments: object) -> bytes:
        answer, message = self._request(kind, *arguments)
        _expect(answer, CMD_HANDLE)
        return message.get_string()

    def _blocks(self, handle: bytes, size: int) -> Iterator[bytes]:
        row, waiting, asked = Row(), deque[tuple[int, int, int]](), 0
        while asked < size or waiting:
            while asked < size and len(waiting) < ROW:
                length = min(BLOCK, size - asked)
                waiting.append((self._async_request(row, CMD_READ, handle, int64(asked), length), asked, length))
                asked += length
            number, at, length = waiting.popleft()
            block = self._data(*self._answer(row, number))
            yield block
            got = len(block)
            while got < length:
                block = self._data(*self._request(CMD_READ, handle, int64(at + got), length - got))
                yield block
                got += len(block)

    def _answer(self, row: Row, number: int) -> tuple[int, Message]:
        while number not in row.answers:
            self._read_response()
        return row.answers.pop(number)

    def _done(self, row: Row, number: int) -> None:
        kind, message = self._answer(row, number)
        _expect(kind, CMD_STATUS)
        self._convert_status(message)

    def _data(self, kind: int, message: Message) -> bytes:
        if kind == CMD_STATUS:
            self._convert_status(message)
        _expect(kind, CMD_DATA)
        return message.get_string()


def _expect(kind: int, wanted: int) -> None:
    if kind != wanted:
        raise SFTPError("the server answered out of turn")


def _attributes(message: Message) -> paramiko.SFTPAttributes:
    attributes: paramiko.SFTPAttributes = paramiko.SFTPAttributes._from_msg(message)  # type: ignore[attr-defined]  # noqa: SLF001 - the only parser of these fields that paramiko has
    return attributes
