import errno
import socket

import pytest

from family_exchange.demo.postgres import kept_port


def taker(*, reuses):
    plug = socket.socket()
    plug.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuses)
    return plug


def test_a_port_that_is_kept_for_a_program_that_is_still_starting_is_given_to_nobody_else():
    with kept_port() as port:
        with taker(reuses=False) as another, pytest.raises(OSError, match="in use") as refused:
            another.bind(("127.0.0.1", port))
        assert refused.value.errno == errno.EADDRINUSE
        with taker(reuses=True) as visitor:
            assert visitor.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
        with taker(reuses=True) as program:
            program.bind(("127.0.0.1", port))
            program.listen()
            with socket.create_connection(("127.0.0.1", port)) as visitor:
                assert visitor.getpeername()[1] == port
