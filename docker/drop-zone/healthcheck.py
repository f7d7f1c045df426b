"""sshd greets: the drop zone can be reached."""

import socket
import sys

with socket.create_connection(("127.0.0.1", 22), 3) as plug:
    greeted = plug.recv(255).startswith(b"SSH-")
    plug.sendall(b"SSH-2.0-healthcheck\r\n")
    sys.exit(0 if greeted and plug.recv(255) else 1)
