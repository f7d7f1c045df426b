#!/bin/bash
# Run once, when the server is new: a database and a login for Airflow, and another pair for the results of Celery.
set -euo pipefail
for name in airflow celery; do
    password=$(cat "/run/secrets/${name}_db_password")
    psql -v ON_ERROR_STOP=1 -U postgres -d postgres --quiet <<SQL
CREATE ROLE ${name} LOGIN PASSWORD '${password}';
CREATE DATABASE ${name} OWNER ${name};
REVOKE ALL ON DATABASE ${name} FROM PUBLIC;
SQL
done
