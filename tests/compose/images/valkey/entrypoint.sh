#!/bin/sh
# As the official image: options alone are the server's; without protected mode, for the network is private.
set -eu
[ "${1#-}" = "$1" ] || set -- valkey-server "$@"
[ "$1" != valkey-server ] || { shift; set -- valkey-server --bind 0.0.0.0 --protected-mode no "$@"; }
exec "$@"
