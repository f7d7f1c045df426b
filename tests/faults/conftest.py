"""What the catalogue's tests may ask for: the demo's council on OpenSSH's own server, one world a module."""

from support.openssh import tenant

__all__ = ["tenant"]
