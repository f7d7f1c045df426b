#!/bin/sh
# The place of backups as its users need it: Airflow's user (50000) has the place, PostgreSQL's (999) goes through it to
# the folder of its log, and whoever keeps backups reads there by the group. Nobody else sees any of it.
set -eu
place=/srv/backups
install -d -o 50000 -g 999 -m 0750 "$place" "$place/server"
install -d -o 999 -g 999 -m 2770 "$place/server/wal"
