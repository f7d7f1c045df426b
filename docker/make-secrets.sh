#!/bin/sh
# Makes what is missing of the secrets of docker-compose.yml; what is there already is never changed, but that a new
# password has a new URL. Then docs/runbook.md, A secret of the installation is replaced.
#
# Containers get each secret as one file, with the owner and the mode that it has here: Airflow runs as user 50000,
# PostgreSQL and Valkey as 999, Grafana as 472, Alertmanager as 65534. Only root can give a file to another user, so run
# this as root (sudo make secrets).
set -eu
folder=${1:-secrets}
umask 077
mkdir -p "$folder"
chmod 0700 "$folder"

random() { head -c "$1" /dev/urandom | base64 | tr -d '\n'; }
word() { random 32 | tr '+/' '-_' | tr -d '='; }
make() { # NAME OWNER COMMAND…
    name=$1 owner=$2
    shift 2
    [ -s "$folder/$name" ] && return
    "$@" > "$folder/$name.new"
    chmod 0600 "$folder/$name.new"
    if [ "$(id -u)" = 0 ]; then chown "$owner:$owner" "$folder/$name.new"; fi
    mv "$folder/$name.new" "$folder/$name"
    echo "made $folder/$name"
}
of() { cat "$folder/$1"; }
pair() { # PASSWORD URL FORMAT: the URL of an old password goes before there is a new one
    [ -s "$folder/$1" ] || rm -f "$folder/$2"
    make "$1" 999 word
    make "$2" 50000 printf "$3" "$(of "$1")"
}
urlsafe() { random 32 | tr '+/' '-_'; }
long() { random 64 | tr '+/' '-_'; } # what SHA-512 signs with has 64 bytes or more

make airflow_db_superuser 999 word
pair airflow_db_password airflow_db_url 'postgresql+psycopg2://airflow:%s@airflow-db/airflow'
pair celery_db_password celery_db_url 'db+postgresql+psycopg2://celery:%s@airflow-db/celery'
pair councils_db_superuser councils_db_url 'postgresql://postgres:%s@councils-db/postgres'
pair copier_password replication_url 'postgresql://copier:%s@councils-db/postgres'
pair valkey_password broker_url 'redis://:%s@valkey:6379/0'
make fernet_key 50000 urlsafe
make jwt_secret 50000 long
make api_secret_key 50000 urlsafe
make grafana_admin_password 472 word
make grafana_secret_key 472 word
make alert_mail_password 65534 word # stands in until your mail server's is written into it

if [ "$(id -u)" != 0 ]; then
    echo "Containers cannot read these files yet. Give them to their readers:" >&2
    echo "  sudo chown 999:999 $folder/*_password $folder/*_superuser" >&2
    echo "  sudo chown 50000:50000 $folder/*_url $folder/*_key $folder/jwt_secret" >&2
    echo "  sudo chown 472:472 $folder/grafana_*; sudo chown 65534:65534 $folder/alert_mail_password" >&2
    exit 1
fi
