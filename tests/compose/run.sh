#!/usr/bin/env bash
# `make compose-test`: the compose file for real, from nothing, through the demo's journey and then through faults.
#
# A Docker engine that answers is used, and left as it was found; without one a private engine is made, and stopped at
# the end. Images that no registry gives are made from Debian's packages (STAND_INS=1 asks no registry at all).
# KEEP=1 leaves everything up. Whatever happens, what was started is taken down at the end.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/compose
least_room=6 # GiB
export COMPOSE_PROJECT_NAME=${COMPOSE_PROJECT_NAME:-family-exchange-test}
export COMPOSE_FILE=docker-compose.yml COMPOSE_PROFILES=demo
# Not an hour of waiting for files to lie still: everything else is as it is shipped.
export POLL_SECONDS=${POLL_SECONDS:-2} SETTLE_SECONDS=${SETTLE_SECONDS:-1} PATIENCE_SECONDS=${PATIENCE_SECONDS:-1}
export AIRFLOW_PORT=${AIRFLOW_PORT:-18080} DROP_ZONE_PORT=${DROP_ZONE_PORT:-12222} DEMO_PEOPLE=${DEMO_PEOPLE:-300}
export DROP_ZONE_PARTNER_MIB=12 DROP_ZONE_FILE_MIB=8 # so that filling the drop zone takes a moment
began=$SECONDS
ours=""   # the engine, if it is ours
folder="" # of throw-away secrets
child=""  # what we wait for
said=$(mktemp -t fx-compose-said-XXXXXX) # by the tests: what failed is told again above and below what the containers said

step() { printf '\n== [%4d s] %s\n' $((SECONDS - began)) "$*"; }
attend() { # the command in the background, so that a signal to us is heard at once
  local ended=0
  "$@" &
  child=$!
  wait $child || ended=$?
  child=""
  return $ended
}
again() { # archives that do not answer are asked again; what was built is not built twice
  local pause
  for pause in 10 30; do
    "$@" && return
    sleep "$pause"
  done
  "$@"
}
fail() { printf '%s\n' "$*" >&2; exit 2; }

left_over() { # true when something of the project is left in the engine
  local kind found
  for kind in container volume network; do
    found=$(docker $kind ls -q --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" $([ $kind != container ] || echo -a) 2>/dev/null)
    if [ -n "$found" ]; then
      echo "left over: $kind $found"
      return 0
    fi
  done
  return 1
}

rules_left() { # true when the engine's rules are left in this machine's network
  { iptables -S; iptables -t nat -S; } 2>/dev/null | grep -E 'DOCKER|docker0' && echo "left over: these rules"
}

what_failed() { # its last lines
  [ -s "$said" ] || return 0
  step "what failed"
  sed -n '/^=* \(FAILURES\|ERRORS\)/,$p' "$said" | tail -"$1"
}

take_down() {
  local ended=$? left=""
  set +e # whatever fails here, the rest of it happens
  trap - EXIT
  trap '' INT TERM
  if [ -n "$child" ]; then
    kill $child 2>/dev/null
    wait $child
  fi
  [ $ended = 0 ] || what_failed 40
  if [ $ended != 0 ] && [ -n "$folder" ]; then
    step "the last lines of every container"
    docker compose logs --no-color --tail 15 2>&1 | cut -c1-400 | tail -250 || true
  fi
  if [ -n "${KEEP:-}" ]; then
    step "everything is left up: eval \"\$($here/engine.sh env)\"; docker compose -p $COMPOSE_PROJECT_NAME ps; secrets in $folder"
  else
    step "taking everything down"
    [ -z "$folder" ] || docker compose --profile "*" --progress quiet down --volumes --remove-orphans --timeout 10
    [ -z "$folder" ] || rm -rf "$folder"
    left_over && left=yes
    if [ -n "$ours" ]; then
      bash $here/engine.sh stop
      rules_left && left=yes
    fi
    if [ -n "$left" ] && [ $ended = 0 ]; then ended=1; fi
  fi
  [ $ended = 0 ] || what_failed 120
  rm -f "$said"
  step "ended with $ended"
  exit $ended
}
trap take_down EXIT
trap 'exit 130' INT TERM

[ "$(id -u)" = 0 ] || fail "compose-test breaks containers from their host (kill, nsenter), which takes root: run it as root"
[ -x .venv/bin/pytest ] || fail "there is no .venv: make compose-test makes it"

step "the engine"
if docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then
  room=$(($(stat -f -c '%a * %S' "$(docker info -f '{{.DockerRootDir}}')") >> 30))
  [ $room -ge $least_room ] || fail "the engine's disk has $room GiB free and the images need $least_room: make room"
  echo "an engine is there already and is used: $(docker info -f '{{.ServerVersion}} {{.Driver}}')"
elif docker info >/dev/null 2>&1; then
  fail "a Docker engine is there without its Compose plugin: install that (two engines on one host get in each other's way)"
else
  attend bash $here/engine.sh install
  ours=yes
  STAND_INS=1
  bash $here/engine.sh start
  eval "$(bash $here/engine.sh env)"
fi
for program in nsenter iptables; do
  command -v $program >/dev/null || fail "$program is missing: apt-get install util-linux iptables"
done

step "images that are not ours"
have() { # asks a registry, unless there is none to ask
  docker image inspect "$1" >/dev/null 2>&1 || { [ -z "${STAND_INS:-}" ] && timeout 300 docker pull -q "$1"; }
}
have debian:trixie-slim || bash $here/engine.sh base
folder=$(mktemp -d -t fx-compose-XXXXXX)
export SECRETS=$folder/secrets
make --no-print-directory secrets SECRETS="$SECRETS" | tail -1
docker compose config --quiet
real() { [ -z "$(docker image inspect -f '{{index .Config.Labels "local.stand-in"}}' "$1" 2>/dev/null)" ] && have "$1"; }
for image in $(docker compose --profile "*" config --images | sort -u); do
  name=${image##*/} && name=${name%%:*}
  case $image in
    postgres:* | valkey/* | prom/*) real "$image" || bash $here/engine.sh stand-in "$image" "$name" ;;
    grafana/*) have "$image" || echo "$image is not to be had: monitoring is tried without it" ;;
  esac
done

step "building our images"
again attend docker compose build --quiet init drop-zone keeper # one build an image: the other services take them as they are

step "up, with two workers"
docker compose --progress quiet down --volumes --remove-orphans --timeout 5 >/dev/null 2>&1
attend docker compose --progress quiet up --detach --wait --wait-timeout 1500 --no-build --scale worker=2
docker compose ps --format 'table {{.Service}}\t{{.Status}}'

step "the journey, and the faults"
eval "set -- ${ARGS:-}" # with their quotes: ARGS="-k 'journey or triggerer'"
export FAMILY_EXCHANGE_STACK=up PYTHONPATH=include:tests
attend .venv/bin/pytest -p no:cacheprovider -v --tb=short --timeout 3600 $here/inside "$@" > >(tee "$said")

step "what it took"
docker images --format 'table {{.Repository}}:{{.Tag}}\t{{.Size}}' | grep -v '<none>'
docker system df
