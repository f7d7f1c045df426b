"""The containers that Compose has up, as somebody with root on their host sees them, and may break them."""

import json
import os
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

PROJECT = os.environ.get("COMPOSE_PROJECT_NAME", "")
LABEL = "com.docker.compose"
EVERY = 0.2
"""Seconds between two looks."""
BUSY = 5
"""A machine that has much else to do takes so many times longer."""


def run(*arguments, within=120, check=True, given=None):
    """What the program wrote, when it ends well; what went wrong otherwise."""
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=BUSY * within, input=given, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(arguments[:6])} … ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout.strip()


def compose(*arguments, within=300, check=True, given=None):
    """What `docker compose` wrote; the environment says which files, project and profiles."""
    return run("docker", "compose", *arguments, within=within, check=check, given=given)


def until(what, looked_at, *, within):
    """Seconds until `looked_at` was true; what raises is not true yet. `within` is what an idle machine may take.

    Raises:
        TimeoutError: it did not come true in time.
    """
    began, why, most = monotonic(), "", BUSY * within
    while monotonic() - began < most:
        try:
            if looked_at():
                return monotonic() - began
        except Exception as error:  # noqa: BLE001 - the thing looked at may be what was just broken
            why = f" ({type(error).__name__})"
        sleep(EVERY)
    raise TimeoutError(f"after {most:.0f} s not yet: {what}{why}")


@dataclass(frozen=True)
class Container:
    """One container of a service, by its id."""

    service: str
    id: str

    def told(self):
        """Everything that the engine knows of it."""
        return json.loads(run("docker", "inspect", self.id))[0]

    @property
    def process(self):
        """Number, on the host, of its first process."""
        return int(self.told()["State"]["Pid"])

    @property
    def restarts(self):
        return int(self.told()["RestartCount"])

    @property
    def healthy(self):
        state = self.told()["State"]
        return state["Running"] and state.get("Health", {"Status": "healthy"})["Status"] == "healthy"

    @property
    def address(self):
        """Its address on the network that comes first; the host is on all of them."""
        return self.told()["NetworkSettings"]["Networks"][self.networks[0]]["IPAddress"]

    @property
    def networks(self):
        """Names of the networks that it is on."""
        return sorted(self.told()["NetworkSettings"]["Networks"])

    def kill(self):
        """SIGKILL to its first process, by the host: a crash, where `docker kill` would be somebody's wish."""
        os.kill(self.process, signal.SIGKILL)

    @contextmanager
    def paused(self):
        """None of its processes runs."""
        run("docker", "pause", self.id)
        try:
            yield
        finally:
            until(f"{self.service} goes on", self._goes_on, within=60)

    def _goes_on(self):
        """True when it is paused no more, also because it was killed, which the engine may note at any moment."""
        run("docker", "unpause", self.id, check=False)
        return not self.told()["State"]["Paused"]

    @contextmanager
    def cut_off(self):
        """It is on no network any more; afterwards it is on all of them under its service's name."""
        networks = self.networks
        for network in networks:
            run("docker", "network", "disconnect", network, self.id)
        try:
            yield
        finally:
            for network in networks:
                until(f"{self.service} is on {network}", lambda network=network: self._joins(network), within=60)

    def _joins(self, network):
        """True when it is on the network: it may be starting again just now, and then it is asked once more."""
        run("docker", "network", "connect", "--alias", self.service, network, self.id, check=False)
        return network in self.networks

    @contextmanager
    def deaf_to(self, address):
        """Nothing that comes from that address reaches it; what it sends still arrives."""
        rule = ("INPUT", "-s", address, "-j", "DROP")
        inside = ("nsenter", "-t", str(self.process), "-n", "iptables", "-w")
        run(*inside, "-I", *rule)
        try:
            yield
        finally:
            run(*inside, "-D", *rule)


def containers(service):
    """The containers of a service that run, in the order in which they were made."""
    asked = ["--filter", f"label={LABEL}.project={PROJECT}", "--filter", f"label={LABEL}.service={service}"]
    ids = run("docker", "ps", "--no-trunc", "--quiet", *asked).split()
    return [Container(service, each) for each in reversed(ids)]


def container(service):
    """The only container of a service.

    Raises:
        LookupError: it has none, or several.
    """
    found = containers(service)
    if len(found) != 1:
        raise LookupError(f"{service} has {len(found)} containers")
    return found[0]


def volume(name):
    """Where a volume of the project lies on the host."""
    return Path(run("docker", "volume", "inspect", "-f", "{{.Mountpoint}}", f"{PROJECT}_{name}"))


def restarts():
    """How often the engine started each container again, by service; those never started again are left out."""
    ids = run("docker", "ps", "--quiet", "--filter", f"label={LABEL}.project={PROJECT}").split()
    told = json.loads(run("docker", "inspect", *ids)) if ids else []
    found = {}
    for each in told:
        service = each["Config"]["Labels"][f"{LABEL}.service"]
        found[service] = found.get(service, 0) + int(each["RestartCount"])
    return {service: count for service, count in sorted(found.items()) if count}
