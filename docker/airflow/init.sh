#!/bin/sh
# Before Airflow starts: its database in the newest shape, the roles of people, the pools of tasks.
set -eu
airflow db migrate
python /opt/family-exchange/docker/people.py roles
if family-exchange pools --help >/dev/null 2>&1; then
    family-exchange pools > /tmp/pools.json
    airflow pools import /tmp/pools.json
fi
