"""A mail server in process: it speaks enough SMTP for Airflow's hook, keeps what it takes, and refuses on demand."""

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from threading import Event, Thread


@dataclass
class Mailbox:
    """What the server took, oldest first; `refused` are the addresses that it takes no letter for."""

    port: int = 0
    letters: list = field(default_factory=list)
    refused: set = field(default_factory=set)
    unknown_sender: bool = False
    """True: take no letter from whoever sends."""
    hang_up: bool = False
    """True: take a letter and hang up without a word, as a server does that dies at the worst moment."""


class _Talk(asyncio.Protocol):
    def __init__(self, mailbox):
        self.mailbox = mailbox

    def connection_made(self, transport):
        self.transport, self.buffer, self.data, self.to = transport, b"", None, []
        self.say("220 test")

    def say(self, line):
        self.transport.write(f"{line}\r\n".encode())

    def data_received(self, data):
        self.buffer += data
        while b"\r\n" in self.buffer:
            line, _, self.buffer = self.buffer.partition(b"\r\n")
            self.line(line)

    def line(self, line):
        if self.data is not None:
            if line == b".":
                self.take()
            else:
                self.data.append(line.removeprefix(b"."))
            return
        word = line.split(b" ")[0].split(b":")[0].upper()
        if word == b"RCPT":
            address = line.partition(b"<")[2].partition(b">")[0].decode()
            self.to.append(address)
            self.say("550 no such mailbox" if address in self.mailbox.refused else "250 ok")
        elif word == b"MAIL" and self.mailbox.unknown_sender:
            self.say("550 who are you")
        elif word == b"DATA":
            self.data = []
            self.say("354 go on")
        elif word == b"QUIT":
            self.say("221 bye")
            self.transport.close()
        else:
            if word in {b"MAIL", b"RSET"}:
                self.to = []
            self.say("250 ok")

    def take(self):
        letter = message_from_bytes(b"\r\n".join(self.data), policy=policy.default)
        self.data = None
        self.mailbox.letters.append(letter)
        if self.mailbox.hang_up:
            self.transport.abort()
        else:
            self.say("250 taken")


@contextmanager
def running():
    """The mailbox of a server on a free port of this machine, up while the block runs."""
    mailbox, ready, done = Mailbox(), Event(), []

    async def serve():
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        done.append(lambda: loop.call_soon_threadsafe(stop.set))
        server = await loop.create_server(lambda: _Talk(mailbox), "127.0.0.1", 0)
        mailbox.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()

    thread = Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(120)
    try:
        yield mailbox
    finally:
        done[0]()
        thread.join(120)
