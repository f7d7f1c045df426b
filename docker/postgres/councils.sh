#!/bin/bash
# A login that copies the server and does nothing else, for backups: made when the server is new, and for one that is
# older by hand: docker compose exec councils-db bash /docker-entrypoint-initdb.d/councils.sh
# Then it gives that login, and the superuser, the password that lies in its file.
set -euo pipefail
line="host replication copier all scram-sha-256"
grep -qxF "$line" "$PGDATA/pg_hba.conf" || echo "$line" >>"$PGDATA/pg_hba.conf"
psql -v ON_ERROR_STOP=1 -U postgres -d postgres --quiet >/dev/null <<SQL
SELECT 'CREATE ROLE copier' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'copier') \\gexec
ALTER ROLE copier LOGIN REPLICATION PASSWORD '$(cat /run/secrets/copier_password)';
SELECT pg_reload_conf();
ALTER ROLE postgres PASSWORD '$(cat /run/secrets/councils_db_superuser)';
SQL
