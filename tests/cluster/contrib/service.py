"""One service of a compose file, without a container: a process with a network, a host's name and a root of
its own.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.cluster.contrib.places import CONTRIB, ROOT

USERS = {"pillarbox": 8110, "pillarbox-seaweedfs": 8111, "postgres": 999, "haproxy": 99}
"""Whom the images run as, by their names."""
ENTRYPOINTS = {
    "pillarbox": ["pillarbox"],
    "pillarbox-seaweedfs": ["weed", "-logtostderr=true"],
    "haproxy": ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"],
}
COMMANDS = {"pillarbox": ["serve"]}
HOMES = {
    "pillarbox-seaweedfs": ["/data"],
    "postgres": ["/var/lib/postgresql", "/run/postgresql"],
}
"""What the images have made for their users."""
_DEBIANS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
POSTGRES = _DEBIANS[-1].parent if _DEBIANS else None
"""The one of the tests' wheel knows no TLS."""
ENVIRONMENT = {
    "PATH": f"{Path(sys.executable).parent}:{POSTGRES}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PGDATA": "/var/lib/postgresql/18/docker",
}
"""The images'."""
_MOMENT = 0.2
"""Seconds between two looks."""
_RESTARTS = 100
"""Of what failed, while something that it waits for has only begun."""


class Networks(Protocol):
    """Where a service finds the others."""

    def hosts(self, service: str) -> Mapping[str, str]:
        """Addresses as it reaches them, by name."""
        ...

    def nameserver(self, service: str) -> str:
        """Whom it asks for names."""
        ...

    def connect(self, process: int, service: str) -> None:
        """Give a process that has begun its networks."""
        ...


@dataclass
class Project:
    """What all services are of."""

    file: dict[str, Any]
    """The compose file."""
    secrets: Path
    folder: Path
    """For logs and volumes."""
    environment: dict[str, str] = field(default_factory=dict)
    """What ``.env`` says."""

    def filled(self, text: str) -> str:
        """With its variables, of which there is one."""
        return text.replace("${PRIMARY:-postgres-a}", self.environment.get("PRIMARY", "postgres-a"))


class Running:
    """A service that has been started."""

    def __init__(self, project: Project, networks: Networks, name: str) -> None:
        self.name = name
        self.log = project.folder / f"{name}.log"
        self._project = project
        self._networks = networks
        self._service = service = project.file["services"][name]
        self.image = service["image"].rpartition("/")[2].partition(":")[0]
        self.process = self._begun()

    def _begun(self) -> subprocess.Popen[bytes]:
        environment = {
            key: self._project.filled(value)
            for key, value in self._service.get("environment", {}).items()
        }
        begun, begins = os.pipe()
        root = _Root(self._project, self._networks, self.name, self.image)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                ["unshare", "-n", "-m", "-u", "bash", "-ec", root.script, "bash", str(begins)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[begins],
                env=ENVIRONMENT | environment,
            )
        os.close(begins)
        with os.fdopen(begun) as line:
            assert line.readline(), f"{self.name} has no namespaces"
        self._networks.connect(process.pid, self.name)
        assert process.stdin is not None
        process.stdin.close()  # then it goes on
        return process

    def wait_until_healthy(self) -> None:
        test = self._service["healthcheck"]["test"]
        assert test[0] == "CMD"
        while self._do(*test[1:]).returncode:
            assert self.process.poll() is None, f"{self.name} ended: {self._last_words()}"
            time.sleep(_MOMENT)

    def wait_until_done(self) -> None:
        for _ in range(_RESTARTS):
            if not self.process.wait():
                return
            assert self._service["restart"] == "on-failure", self._last_words()
            time.sleep(_MOMENT)
            self.process = self._begun()
        raise AssertionError(f"{self.name} always fails: {self._last_words()}")

    def run(self, *command: str, given: str = "") -> str:
        done = self._do(*command, given=given)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def succeeds(self, *command: str) -> bool:
        return self._do(*command).returncode == 0

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> int:
        self.process.send_signal(signal.Signals[self._service.get("stop_signal", "SIGTERM")])
        return self.process.wait(int(self._service["stop_grace_period"].removesuffix("s")))

    def _do(self, *command: str, given: str = "") -> subprocess.CompletedProcess[str]:
        inside = ["nsenter", "-t", str(self.process.pid), "-n", "-m", "-r", "-u", "-w"]
        user = _user(USERS[self.image])
        return subprocess.run(
            [*inside, *user, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            input=given,
            text=True,
            check=False,
            env=ENVIRONMENT,
        )

    def _last_words(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


class _Root:
    """What a service sees of files; and how it begins."""

    def __init__(self, project: Project, networks: Networks, name: str, image: str) -> None:
        self._project, self._networks, self._name, self._image = project, networks, name, image
        self._service = project.file["services"][name]

    @property
    def script(self) -> str:
        """Makes it, waits for the network (the end of its input), and begins."""
        ready = 'eval "echo >&$1; exec $1>&-"'
        return "\n".join([ready, *self._layer(), *self._files(), *self._begin()])

    def _layer(self) -> Iterator[str]:
        uid = USERS[self._image]
        yield "mount -t tmpfs none /mnt; mkdir /mnt/upper /mnt/work /mnt/root"
        yield "mount -t overlay none -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root"
        yield "cd /mnt/root; mount --rbind /proc proc; mount --rbind /dev dev"
        for place in (Path(sys.prefix), Path(sys.base_prefix), ROOT):
            for folder in [place.resolve(), *place.resolve().parents][:-1]:
                yield f"chmod a+rx .{shlex.quote(str(folder))}"
        yield f"echo {self._image}:x:{uid}:{uid}::/: >>etc/passwd"
        yield f"hostname {self._name}; ip link set lo up"
        hosts = [f"{address} {name}" for name, address in self._networks.hosts(self._name).items()]
        lines = "\n".join(["127.0.0.1 localhost", *hosts])
        yield f"rm -f etc/hosts etc/resolv.conf; echo {shlex.quote(lines)} >etc/hosts"
        yield f"echo nameserver {self._networks.nameserver(self._name)} >etc/resolv.conf"

    def _files(self) -> Iterator[str]:
        file, service, uid = self._project.file, self._service, USERS[self._image]
        for home in HOMES.get(self._image, ()):
            yield f"mkdir -p .{home}; chown {uid}:{uid} .{home}"
        yield "mkdir -p run/secrets"
        for secret in service.get("secrets", ()):
            name = secret if isinstance(secret, str) else secret["source"]
            target = f"/run/secrets/{name}" if isinstance(secret, str) else secret["target"]
            source = self._project.secrets / Path(file["secrets"][name]["file"]).name
            yield from _bound(source, target)
        for config in service.get("configs", ()):
            yield from _bound(CONTRIB / file["configs"][config["source"]]["file"], config["target"])
        for volume in service.get("volumes", ()):
            name, _, target = volume.partition(":")
            kept = self._project.folder / "volumes" / name
            kept.mkdir(parents=True, exist_ok=True)
            os.chown(kept, uid, uid)
            yield f"mkdir -p .{target}; mount --bind {shlex.quote(str(kept))} .{target}"
        for place in service.get("tmpfs", ()):
            target, _, options = place.partition(":")
            yield f"mkdir -p .{target}; mount -t tmpfs none -o {options} .{target}"

    def _begin(self) -> Iterator[str]:
        service, image = self._service, self._image
        entrypoint = service.get("entrypoint", ENTRYPOINTS.get(image, []))
        command = service.get("command", [] if "entrypoint" in service else COMMANDS.get(image, []))
        words = [self._project.filled(word) for word in [*entrypoint, *command]]
        if service.get("read_only"):
            yield "mount -o remount,ro /mnt/root"
        yield "read end || :"
        user = " ".join(_user(USERS[image]))
        yield f"exec chroot /mnt/root {user} {shlex.join(words)} </dev/null"


def _bound(source: Path, target: str) -> Iterator[str]:
    """Lay a file there. (A link may be in the place: it goes.)"""
    yield f"mkdir -p .{Path(target).parent}; rm -f .{target}; touch .{target}"
    yield f"mount --bind {shlex.quote(str(source.resolve()))} .{target}"


def _user(uid: int) -> list[str]:
    """As which the command after it runs, without any rights."""
    numbers = f"--reuid={uid} --regid={uid} --clear-groups".split()
    return [
        "setpriv",
        "--pdeathsig=KILL",  # whoever is killed cannot stop it: then the system does
        *numbers,
        "--bounding-set=-all",
        "--inh-caps=-all",
        "--no-new-privs",
    ]
