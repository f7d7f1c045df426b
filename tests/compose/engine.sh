#!/usr/bin/env bash
# A private Docker engine for `make compose-test`, where none is there: a Debian machine, root, no systemd, no registry.
#
#   engine.sh install | start | base | stand-in IMAGE FOLDER | env | stop | purge
#
# Everything lives in $CTR_HOME; system-wide it installs `iptables runc mmdebstrap`, and no more. The engine, its
# command line, buildx and Compose come from Debian's own archive, unpacked there: on Debian 12 from the next release,
# whose programs run with its libc; only runc does not, and stays the machine's own. `stop` takes away what the engine
# did to the machine's network, so never run it beside another Docker engine.
set -euo pipefail

export CTR_HOME=${CTR_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/family-exchange-engine}
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
here=$(cd "$(dirname "$0")" && pwd)
suite=trixie
base_image=debian:$suite-slim
least_room=6 # GiB
programs=$CTR_HOME/sys
pid_file=$CTR_HOME/dockerd.pid
export PATH=$programs/usr/bin:$programs/usr/sbin:$PATH:/usr/sbin:/sbin # iptables is there, whatever PATH whoever calls has

say() { printf '[engine %s] %s\n' "$(date +%T)" "$*" >&2; }
fail() { say "$*"; exit 1; }
state_of() { cat "/proc/$1/stat" 2>/dev/null || true; }
alive() { [ -s "$pid_file" ] && [[ "$(state_of "$(cat "$pid_file")")" == *"(dockerd) "[!ZX]* ]]; }
ours() {
  export DOCKER_HOST=unix://$CTR_HOME/docker.sock DOCKER_CONFIG=$CTR_HOME/config
  mkdir -p "$DOCKER_CONFIG"
  ln -sfn "$programs/usr/libexec/docker/cli-plugins" "$DOCKER_CONFIG/cli-plugins"
}

again() { # an archive that does not answer is asked again, three times
  local pause
  for pause in 10 30 90; do
    "$@" && return
    sleep "$pause"
  done
  "$@"
}

need_a_machine_that_can() {
  [ "$(id -u)" = 0 ] || fail "a private engine needs root: run this as root, or install Docker and try again"
  command -v apt-get >/dev/null || fail "a private engine comes from Debian's packages, and apt-get is not there: install Docker and try again"
  mkdir -p "$CTR_HOME"
  local room
  room=$(($(stat -f -c '%a * %S' "$CTR_HOME") >> 30))
  [ "$room" -ge $least_room ] || fail "$CTR_HOME has $room GiB free and the images need $least_room: make room, or set CTR_HOME to another disk"
}

need() { # packages that bring a program of their name, or `ip`
  local missing=() package program
  for package in "$@"; do
    program=${package/iproute2/ip}
    command -v "$program" >/dev/null || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || fail "${missing[*]} cannot be installed without root: run this as root, or install them"
  again apt-get -qq update
  again apt-get -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends install "${missing[@]}" >/dev/null
}

install() {
  need_a_machine_that_can
  need iptables runc iproute2
  [ -e "$programs/.complete" ] || unpack
  ours
  say "$(docker --version); $(docker compose version); $(runc --version | head -1)"
}

unpack() { # an archive list of our own: the machine's sources stay as they are
  local mirror apt=$CTR_HOME/apt package
  mirror=$(awk '/^URIs:/{print $2; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
  [ -n "$mirror" ] || mirror=$(awk '$1=="deb"{for(i=2;i<=NF;i++)if($i~/^http/){print $i;exit}}' /etc/apt/sources.list)
  [ -n "$mirror" ] || fail "no Debian mirror stands in this machine's apt sources"
  rm -rf "$apt" "$programs"
  mkdir -p "$apt"/{lists/partial,cache/archives/partial,debs} "$programs"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$apt/sources.list"
  cat >"$apt/apt.conf" <<END
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "/nonexistent";
Dir::State::Lists "$apt/lists";
Dir::Cache "$apt/cache";
APT::Sandbox::User "root";
END
  (
    export APT_CONFIG=$apt/apt.conf
    again apt-get -qq update
    cd "$apt/debs"
    again apt-get -qq download docker.io docker-cli docker-buildx docker-compose containerd >/dev/null
  )
  for package in "$apt"/debs/*.deb; do dpkg -x "$package" "$programs"; done
  rm -rf "$apt"
  touch "$programs/.complete"
}

start() {
  ours
  if alive && docker version >/dev/null 2>&1; then
    say "already running, process $(cat "$pid_file")"
    return
  fi
  rm -f "$pid_file" "$CTR_HOME/docker.sock"
  mkdir -p "$CTR_HOME"/{data,exec}
  : >"$CTR_HOME/dockerd.log"
  [ -e "$CTR_HOME/ip_forward.before" ] || cat /proc/sys/net/ipv4/ip_forward >"$CTR_HOME/ip_forward.before"
  local way mtu
  way=$(ip -4 route show default | awk '{print $5; exit}')
  mtu=$(cat "/sys/class/net/$way/mtu" 2>/dev/null || echo 1500)
  local tries=0 engine=""
  for _ in $(seq 1200); do
    if [ -z "$engine" ] || ! kill -0 "$engine" 2>/dev/null; then # it gives up where containerd takes 15 s to start
      [ $((tries += 1)) -le 3 ] || break
      rm -f "$pid_file"
      setsid nohup dockerd --host "$DOCKER_HOST" --data-root "$CTR_HOME/data" --exec-root "$CTR_HOME/exec" \
        --pidfile "$pid_file" --mtu "$mtu" --userland-proxy-path "$programs/usr/sbin/docker-proxy" \
        --log-opt max-size=10m --log-opt max-file=2 >>"$CTR_HOME/dockerd.log" 2>&1 </dev/null &
      engine=$!
    fi
    if docker version >/dev/null 2>&1; then
      say "up, process $(cat "$pid_file"), $(docker info -f '{{.ServerVersion}} {{.Driver}} cgroup v{{.CgroupVersion}}')"
      return
    fi
    sleep 0.2
  done
  tail -20 "$CTR_HOME/dockerd.log" >&2
  fail "the engine did not come up; can this machine make network rules (iptables) and mount an overlay?"
}

present() { docker image inspect "$1" >/dev/null 2>&1; }

base() { # Debian's own archive as a root file system, under the name that the Dockerfile asks for
  if present $base_image; then
    say "$base_image is there"
    return
  fi
  need mmdebstrap
  local tar=$CTR_HOME/base.tar hooks=() certificate
  mkdir -p "$CTR_HOME"
  for certificate in /usr/local/share/ca-certificates/*.crt; do # what this machine trusts, its images must trust
    [ ! -e "$certificate" ] || hooks+=("--customize-hook=upload $certificate /usr/local/share/ca-certificates/${certificate##*/}")
  done
  if [ ! -s "$tar" ]; then
    again mmdebstrap --quiet --mode=root --variant=minbase --include=ca-certificates,netbase,tzdata \
      --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
      --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
      --dpkgopt='path-exclude=/usr/share/locale/*' --aptopt='Acquire::Languages "none"' \
      --customize-hook='printf "#!/bin/sh\nexit 101\n" > "$1/usr/sbin/policy-rc.d"; chmod 755 "$1/usr/sbin/policy-rc.d"' \
      --customize-hook='echo force-unsafe-io > "$1/etc/dpkg/dpkg.cfg.d/docker-apt-speedup"' \
      "${hooks[@]}" --customize-hook='chroot "$1" update-ca-certificates >/dev/null' $suite "$tar.new.tar"
    mv "$tar.new.tar" "$tar"
  fi
  docker import -c 'CMD ["bash"]' -c 'LABEL local.stand-in=true' "$tar" $base_image >/dev/null
  say "made $base_image ($(du -h "$tar" | cut -f1))"
}

label() { docker image inspect -f "{{index .Config.Labels \"$2\"}}" "$1"; }

stand_in() { # an image of Debian's own packages under the name that the compose file asks for
  local digest
  digest=$(cat "$here/images/$2"/* | sha256sum | cut -d' ' -f1)
  if present "$1" && { [ -z "$(label "$1" local.stand-in)" ] || [ "$(label "$1" local.made-of)" = "$digest" ]; }; then
    say "$1 is there"
    return
  fi
  again docker buildx build --quiet --load --label local.made-of="$digest" --tag "$1" "$here/images/$2" >/dev/null
  say "made a stand-in for $1"
}

stop() { # the engine stops its containers itself; what it did to the network is taken away by name
  if alive; then
    local process
    process=$(cat "$pid_file")
    kill "$process"
    for _ in $(seq 1500); do
      [[ "$(state_of "$process")" == *"(dockerd) "[!ZX]* ]] || break
      sleep 0.2
    done
  fi
  rm -f "$pid_file" "$CTR_HOME/docker.sock"
  local table chain rule bridge bridges='docker0|br-[0-9a-f]{12}'
  for table in iptables ip6tables; do
    command -v $table >/dev/null || continue
    $table -w -P FORWARD ACCEPT 2>/dev/null || true
    $table -w -S FORWARD 2>/dev/null | awk "/^-A FORWARD .*(DOCKER|$bridges)/{sub(\"-A\",\"-D\");print}" \
      | while read -r rule; do $table -w $rule; done
    $table -w -t nat -S 2>/dev/null | awk "/^-A (PREROUTING|OUTPUT|POSTROUTING) .*(DOCKER|$bridges)/{sub(\"-A\",\"-D\");print}" \
      | while read -r rule; do $table -w -t nat $rule; done
    for chain in DOCKER DOCKER-ISOLATION-STAGE-1 DOCKER-ISOLATION-STAGE-2 DOCKER-USER; do $table -w -F $chain 2>/dev/null || true; done
    for chain in DOCKER DOCKER-ISOLATION-STAGE-1 DOCKER-ISOLATION-STAGE-2 DOCKER-USER; do $table -w -X $chain 2>/dev/null || true; done
    $table -w -t nat -F DOCKER 2>/dev/null || true
    $table -w -t nat -X DOCKER 2>/dev/null || true
  done
  for bridge in $(ip -o link show type bridge 2>/dev/null | awk -F': ' '{print $2}' | grep -E "^($bridges)$" || true); do
    ip link del "$bridge" || true
  done
  if [ -e "$CTR_HOME/ip_forward.before" ]; then
    cat "$CTR_HOME/ip_forward.before" >/proc/sys/net/ipv4/ip_forward
    rm -f "$CTR_HOME/ip_forward.before"
  fi
  say "stopped"
}

purge() {
  stop
  awk -v home="$CTR_HOME/" 'index($2, home) == 1 {print $2}' /proc/mounts | sort -r | while read -r mount; do umount -l "$mount" || true; done
  rm -rf "$CTR_HOME"
}

case ${1:-} in
  install | start | base | stop | purge) "$1" ;;
  stand-in) stand_in "$2" "$3" ;;
  env) ours; printf 'export CTR_HOME=%q PATH=%q DOCKER_HOST=%q DOCKER_CONFIG=%q\n' "$CTR_HOME" "$PATH" "$DOCKER_HOST" "$DOCKER_CONFIG" ;;
  *) sed -n 2,5p "$0"; exit 2 ;;
esac
