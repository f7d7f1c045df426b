#!/bin/bash
# A database and a login for Airflow, and another pair for the results of Celery: made when the server is new. Run again by
# hand, it gives every login the password that lies in its file: docker compose exec airflow-db bash
# /docker-entrypoint-initdb.d/airflow.sh
set -euo pipefail
sql() { psql -v ON_ERROR_STOP=1 -U postgres -d postgres --quiet; }
for name in airflow celery; do
    sql <<SQL
SELECT 'CREATE ROLE ${name}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${name}') \\gexec
ALTER ROLE ${name} LOGIN PASSWORD '$(cat "/run/secrets/${name}_db_password")';
SELECT 'CREATE DATABASE ${name} OWNER ${name}'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '${name}') \\gexec
REVOKE ALL ON DATABASE ${name} FROM PUBLIC;
SQL
done
sql <<<"ALTER ROLE postgres PASSWORD '$(cat /run/secrets/airflow_db_superuser)'"
