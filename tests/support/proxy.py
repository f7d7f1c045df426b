"""A bad line to a good server: it carries so many bytes of the answers, and then fails in a given way."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

Failure = Literal["cut", "reset", "silence"]


@dataclass
class Line:
    """The proxy's own port, and what it does; `after` counts the bytes of the server's answers."""

    port: int
    after: int
    failure: Failure
    plugs: list[socket.socket] = field(default_factory=list)
    quiet: threading.Event = field(default_factory=threading.Event)

    def carry(self, source: socket.socket, target: socket.socket, *, limit: int | None) -> None:
        carried = 0
        while True:
            try:
                piece = source.recv(65536)
                if limit is not None and carried + len(piece) > limit:
                    target.sendall(piece[: limit - carried])
                    self.fail(target)
                    return
                if not piece:
                    target.shutdown(socket.SHUT_WR)
                    return
                target.sendall(piece)
            except OSError:
                return
            carried += len(piece)

    def fail(self, client: socket.socket) -> None:
        if self.failure == "silence":
            self.quiet.wait(60)
        if self.failure == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        for plug in self.plugs:
            plug.close() if self.failure == "reset" else plug.shutdown(socket.SHUT_RDWR)


@contextmanager
def bad_line(port: int, *, after: int, failure: Failure) -> Iterator[Line]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        line = Line(listener.getsockname()[1], after, failure)
        threads = [threading.Thread(target=_answer, args=(listener, line, port), daemon=True)]
        threads[0].start()
        try:
            yield line
        finally:
            line.quiet.set()
            for plug in line.plugs:
                plug.close()


def _answer(listener: socket.socket, line: Line, port: int) -> None:
    client, _ = listener.accept()
    server = socket.create_connection(("127.0.0.1", port))
    line.plugs += [client, server]
    threading.Thread(target=line.carry, args=(client, server), kwargs={"limit": None}, daemon=True).start()
    line.carry(server, client, limit=line.after)
