"""Four programs of other people, each as a device of one account, through all of the troubles.

What each of them can promise of "once" is said, and checked, by :mod:`tests.endurance.several_devices`.
"""

from __future__ import annotations

import itertools
import json
import random
import smtplib
import threading
from pathlib import Path

from tests.cluster.trials.cluster import Cluster
from tests.endurance.letters import letter
from tests.endurance.several_devices import DEVICES, USER, CurlDevice, Device, FetchDevice
from tests.postoffice import HOST, PATIENCE, opened, send

SIZES = (200, 2_000, 5_000, 60_000)
PAUSE_SECONDS = 0.5
"""Between two visits, so that there is something to collect."""


class Programs:
    """Threads: one sends letters, each of the others is a device that collects and deletes."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self.stored: set[str] = set()
        self.unknown: set[str] = set()
        """Sent, and not answered with 250: stored or not, but for all devices alike."""
        self._over = threading.Event()
        self._failures: list[BaseException] = []
        self.devices = [self._device(kind, folder) for kind in DEVICES]
        works = [self._send, *(self._visiting(device) for device in self.devices)]
        names = ["sender", *(device.name for device in self.devices)]
        self._threads = [
            threading.Thread(target=self._run, name=name, args=(work,))
            for name, work in zip(names, works, strict=True)
        ]
        for thread in self._threads:
            thread.start()

    def _device(self, kind: type[Device], folder: Path) -> Device:
        node = self._cluster.members[0].node
        added = node.run("device", "add", USER, kind.name, "--json")
        assert added.returncode == 0, added.stderr
        password = json.loads(added.stdout)["password"]
        return kind(node, self._cluster.doors["pop3s"].port, folder, password)

    def _run(self, work: object) -> None:
        assert callable(work)
        try:
            while not self._over.is_set():
                work()
                self._over.wait(PAUSE_SECONDS)
        except BaseException as error:  # noqa: BLE001 -- raised by join
            self._cluster.history.tell(f"FAILED: {error!r}")
            self._failures.append(error)

    def join(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads), "a program hangs"
        if self._failures:
            raise BaseExceptionGroup("programs failed", self._failures)

    def _visiting(self, device: Device) -> object:
        def visit() -> None:
            ended_well = device.visit()
            self._cluster.history.tell(
                f"{device.name}: {'ended well' if ended_well else 'cut off'}"
            )

        return visit

    _tags = itertools.count(1)
    _dice = random.Random(0)

    def _send(self) -> None:
        port = self._dice.choice(self._cluster.members).ports["lmtp"]
        tag = f"p{next(self._tags)}"
        self.unknown.add(tag)
        try:
            client = opened(smtplib.LMTP, HOST, port, local_hostname="client.test", timeout=10)
            with client:
                ((code, _),) = send(client, letter(tag, self._dice.choice(SIZES)), [USER])
        except (OSError, EOFError, smtplib.SMTPException):
            return
        if code == 250:
            self.unknown.remove(tag)
            self.stored.add(tag)

    def check(self) -> None:
        """All is well now: each collects what is left, and then has had everything."""
        for device in self.devices:
            while not device.visit():  # a lease that was left behind has to lapse
                pass
        everything = self.devices[0].tags()
        assert self.stored <= everything <= self.stored | self.unknown
        for device in self.devices:
            assert device.tags() == everything, device.name
            if isinstance(device, CurlDevice | FetchDevice):
                assert set(device.mail.values()) <= {1}, device.name
