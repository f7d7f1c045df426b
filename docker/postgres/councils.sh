#!/bin/bash
# A login that copies the server and does nothing else, for backups: made when the server is new, and for one that is
# older by hand: docker compose exec councils-db bash /docker-entrypoint-initdb.d/councils.sh
set -euo pipefail
line="host replication copier all scram-sha-256"
psql -v ON_ERROR_STOP=1 -U postgres -d postgres --quiet <<SQL
SELECT 'CREATE ROLE copier' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'copier') \\gexec
ALTER ROLE copier LOGIN REPLICATION PASSWORD '$(cat /run/secrets/copier_password)';
SQL
grep -qxF "$line" "$PGDATA/pg_hba.conf" || echo "$line" >>"$PGDATA/pg_hba.conf"
psql -v ON_ERROR_STOP=1 -U postgres -d postgres --quiet --tuples-only -c 'SELECT pg_reload_conf()' >/dev/null
