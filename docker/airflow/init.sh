#!/bin/sh
# Before Airflow starts: its database in the newest shape, and the roles of people.
set -eu
airflow db migrate
python /opt/family-exchange/docker/people.py roles
