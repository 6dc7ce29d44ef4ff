"""What ``docker compose up`` does, as far as our file needs it, without containers: so that all that stands in
``contrib/cluster`` is run as it is, with the programs that the images would have.

A service is a process with a network, a host's name and a root of its own. The root is the machine's, with a
layer on top in which files may be laid and changed that nobody else sees; configurations, secrets and volumes
are where the file says. All networks are in a namespace of their own, which reaches nothing else.

Needs root, and a system that lets us make namespaces and such layers.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, TypeVar

from tests.cluster.contrib.names import NameServer
from tests.cluster.contrib.service import POSTGRES, Project, Running

T = TypeVar("T")

NETWORKS = {"front": IPv4Network("172.30.95.0/24"), "back": IPv4Network("172.30.96.0/24")}
"""The second has no addresses of its own in the file."""
_FIRST = 10
"""Address of a service; those before are the networks' own."""
_CLONE_NEWNET = 0x40000000


def why_not() -> str | None:
    """Why services cannot be run here; None: they can."""
    if os.geteuid() != 0:
        return "only root can make namespaces"
    if POSTGRES is None:
        return "postgresql is not installed"
    layer = "mount -t overlay none -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt"
    trial = f"mount -t tmpfs none /mnt && mkdir /mnt/u /mnt/w && {layer}"
    command = ["unshare", "-n", "-m", "-u", "sh", "-c", trial]
    done = subprocess.run(command, capture_output=True, check=False)
    return None if done.returncode == 0 else "this system allows no namespaces, or no layers"


class Engine:
    """All services of a file."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._services: dict[str, Any] = project.file["services"]
        self._running: dict[str, Running] = {}
        self._addresses: dict[tuple[str, str], str] = {}
        self._host = subprocess.Popen(
            ["unshare", "--net", "--", "sh", "-c", "ip link set lo up; echo; read end"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._host.stdout is not None
        self._host.stdout.readline()
        for network in NETWORKS:
            self._make(network)
        zones = {NETWORKS[network]: self._known_in(network) for network in NETWORKS}
        self._names = NameServer(self.inside(_name_socket), zones)

    def stop(self) -> None:
        """Kill whatever runs."""
        for running in self._running.values():
            running.kill()
        self._names.close()
        self._host.communicate()

    # Networks: what services see of it

    def hosts(self, service: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for network in self._services[service]["networks"]:
            found = self._known_in(network) | found
        return found

    def address(self, name: str, network: str = "front") -> str:
        return self._addresses[name, network]

    def nameserver(self, service: str) -> str:
        return _gateway(self._services[service]["networks"][0])

    def connect(self, process: int, service: str) -> None:
        for number, network in enumerate(self._services[service]["networks"]):
            outside, device = f"{network[0]}{process}", f"eth{number}"
            address = f"{self._addresses[service, network]}/{NETWORKS[network].prefixlen}"
            pair = f"link add name {outside} type veth peer name {device} netns {process}"
            self._ip(*pair.split())
            self._ip("link", "set", outside, "master", network, "up")
            inside = ["nsenter", "-t", str(process), "-n", "ip"]
            subprocess.run([*inside, "addr", "add", address, "dev", device], check=True)
            subprocess.run([*inside, "link", "set", device, "up"], check=True)

    # What ``docker compose`` can do

    def up(self) -> None:
        """Start all, each when those that it depends on are as far as it wants."""
        for name in self._services:
            self.start(name)

    def start(self, name: str) -> None:
        """Start *name*, after what it depends on. Returns when that runs."""
        if name in self._running:
            return
        depends = self._services[name].get("depends_on", ())
        for other in depends:
            self.start(other)
            wanted = depends[other]["condition"] if isinstance(depends, dict) else "service_started"
            if wanted == "service_healthy":
                self._running[other].wait_until_healthy()
            elif wanted == "service_completed_successfully":
                self._running[other].wait_until_done()
        self._running[name] = Running(self.project, self, name)

    def wait_until_healthy(self, *names: str) -> None:
        for name in names:
            self._running[name].wait_until_healthy()

    def kill(self, name: str) -> None:
        """As a power cut would."""
        self._running.pop(name).kill()

    def end(self, name: str) -> int:
        """``stop``, with the patience that the file has; the exit code."""
        return self._running.pop(name).end()

    def code(self, name: str) -> int:
        """The exit code of one that ends by itself."""
        return self._running.pop(name).process.wait()

    def run(self, name: str, *command: str, given: str = "") -> str:
        """``exec``, which reads what is *given*; what it prints."""
        return self._running[name].run(*command, given=given)

    def succeeds(self, name: str, *command: str) -> bool:
        """Whether it does, so executed."""
        return self._running[name].succeeds(*command)

    def log(self, name: str) -> str:
        return (self.project.folder / f"{name}.log").read_text(errors="replace")

    def inside(self, work: Callable[[], T]) -> T:
        """Do *work* where all networks can be reached: in a thread, whose sockets are there."""

        def enter() -> T:
            with Path(f"/proc/{self._host.pid}/ns/net").open("rb") as namespace:
                libc = ctypes.CDLL(None, use_errno=True)
                assert libc.setns(namespace.fileno(), _CLONE_NEWNET) == 0, ctypes.get_errno()
            return work()

        with ThreadPoolExecutor(1) as thread:  # one of its own: what it has entered it never leaves
            return thread.submit(enter).result()

    def _make(self, network: str) -> None:
        addresses = NETWORKS[network]
        self._ip("link", "add", "name", network, "type", "bridge")
        self._ip("addr", "add", f"{_gateway(network)}/{addresses.prefixlen}", "dev", network)
        self._ip("link", "set", network, "up")
        for number, (name, service) in enumerate(self._services.items(), _FIRST):
            if network in service["networks"]:
                self._addresses[name, network] = str(addresses[number])

    def _known_in(self, network: str) -> dict[str, str]:
        return {name: at for (name, where), at in self._addresses.items() if where == network}

    def _ip(self, *arguments: str) -> None:
        subprocess.run(["nsenter", "-t", str(self._host.pid), "-n", "ip", *arguments], check=True)


def _gateway(network: str) -> str:
    return str(NETWORKS[network][1])


def _name_socket() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("", 53))
    return listener
