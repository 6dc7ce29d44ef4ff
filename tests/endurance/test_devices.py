"""Four programs as four devices of one account, while mail comes in and the server is killed.

Each of them gets each message exactly once (:mod:`.several_devices` says what that means for
which); what is gone for a device the device has; and in the end nothing is left.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import smtplib
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pillarbox.store.embedded import look_at_store
from tests.endurance.letters import letter
from tests.endurance.several_devices import DEVICES, USER, CurlDevice, Device, FetchDevice, missing
from tests.ports import free_port
from tests.postoffice import HOST, PATIENCE, PostOffice, send

# On both sides of what is stored as a file.
SIZES = (200, 1_000, 1_000, 5_000, 60_000, 200_000)


class Sender:
    """Delivers letters until so many have been answered with 250."""

    def __init__(self, office: PostOffice, wanted: int) -> None:
        self._office = office
        self._dice = random.Random(wanted)
        self._tags = itertools.count(1)
        self.wanted = wanted
        self.stored: set[str] = set()
        self.unknown: set[str] = set()
        """Sent, and never answered: stored or not, but for all devices alike."""
        self.changed = threading.Condition()

    def run(self, over: threading.Event) -> None:
        while not over.is_set() and len(self.stored) < self.wanted:
            try:
                with self._office.lmtp() as client:
                    while not over.is_set() and len(self.stored) < self.wanted:
                        self._send(client)
            except (OSError, KeyError, smtplib.SMTPException):
                continue  # the server has been killed, or is not there yet

    def _send(self, client: smtplib.LMTP) -> None:
        tag = f"t{next(self._tags)}"
        self.unknown.add(tag)
        ((code, text),) = send(client, letter(tag, self._dice.choice(SIZES)), [USER])
        assert code == 250, text
        with self.changed:
            self.unknown.remove(tag)
            self.stored.add(tag)
            self.changed.notify_all()

    def wait_for(self, more: int) -> None:
        """Wait until *more* have been stored, or all."""
        with self.changed:
            goal = min(self.wanted, len(self.stored) + more)
            assert self.changed.wait_for(lambda: len(self.stored) >= goal, PATIENCE)


class Crew:
    """Threads that work until told to end; what goes wrong in them is raised by :meth:`join`."""

    def __init__(self, works: list[Callable[[threading.Event], None]]) -> None:
        self.over = threading.Event()
        self._failures: list[BaseException] = []
        self._threads = [threading.Thread(target=self._run, args=(work,)) for work in works]
        for thread in self._threads:
            thread.start()

    def _run(self, work: Callable[[threading.Event], None]) -> None:
        try:
            work(self.over)
        except BaseException as error:  # noqa: BLE001 - shown by join
            self._failures.append(error)

    def join(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads), "somebody hangs"
        if self._failures:
            raise BaseExceptionGroup("clients failed", self._failures)


def visiting(device: Device) -> Callable[[threading.Event], None]:
    def work(over: threading.Event) -> None:
        while not over.is_set():
            device.visit()

    return work


class Audit:
    """What is gone for a device the device must have, and it must never come back."""

    def __init__(self, office: PostOffice, devices: list[Device]) -> None:
        self._office = office
        self._devices = devices
        self._known: set[str] = set()
        self._gone: dict[str, set[str]] = {device.name: set() for device in devices}
        self._claims: list[tuple[Device, set[str], set[str]]] = []

    def look(self) -> None:
        """The server is dead: what is on the disk counts."""
        listed = {device.name: self._listed(device.name) for device in self._devices}
        self._known.update(*listed.values())
        for device in self._devices:
            gone = self._known - listed[device.name]
            back = self._gone[device.name] - gone
            assert not back, f"{sorted(back)} came back to {device.name}"
            self._gone[device.name] = gone
            self._claims.append((device, gone, device.tags()))

    def _listed(self, view: str) -> set[str]:
        store = look_at_store(self._office.store)

        async def listing() -> set[str]:
            try:
                return {message.unique_id for message in await store.listing(USER, view)}
            finally:
                await store.close()

        return asyncio.run(listing())

    def settle(self, tags: dict[str, str]) -> None:
        """Now that it is known which letter has which unique-id (those that curl has seen)."""
        for device, gone, had in self._claims:
            lost = {tags[unique_id] for unique_id in gone & tags.keys()} - had
            assert not lost, f"{device.name} was to have {sorted(lost)}, but never got them"


def add_devices(office: PostOffice, port: int, folder: Path) -> list[Device]:
    devices = []
    for kind in DEVICES:
        added = office.run("device", "add", USER, kind.name, "--json")
        assert added.returncode == 0, added.stderr
        devices.append(kind(office, port, folder, json.loads(added.stdout)["password"]))
    return devices


@pytest.mark.parametrize(
    ("letters", "kills"),
    [(40, 3), pytest.param(1_000, 60, marks=pytest.mark.long)],
    ids=str,
)
def test_each_device_gets_each_message_once_whatever_is_killed(
    letters: int, kills: int, tmp_path: Path
) -> None:
    if missing():
        pytest.skip(f"not installed on this machine: {', '.join(missing())}")
    port = free_port()  # the door stays where it is: clients remember what they had from where
    doors = {"listen": {"pop3s": [f"{HOST}:{port}"]}}
    office = PostOffice(tmp_path, users=[USER], settings=doors)
    devices = add_devices(office, port, tmp_path)
    sender = Sender(office, letters)
    audit = Audit(office, devices)
    dice = random.Random(letters)
    office.start()
    try:
        for _ in range(kills):
            crew = Crew([sender.run, *(visiting(device) for device in devices)])
            try:
                sender.wait_for(dice.randint(1, 2 * letters // kills))
            finally:
                crew.over.set()
                office.kill()
                crew.join()
            audit.look()
            office.start()
        crew = Crew([sender.run, *(visiting(device) for device in devices)])
        try:
            sender.wait_for(letters)
        finally:
            crew.join()
        for device in devices:
            assert device.visit(), f"{device.name} was cut off, and nobody was killed"
        office.stop()
        audit.look()
    finally:
        if office.is_running:
            office.kill()

    everything = devices[0].tags()
    assert sender.stored <= everything <= sender.stored | sender.unknown
    for device in devices:
        assert device.tags() == everything, device.name
    (curl,) = [device for device in devices if isinstance(device, CurlDevice)]
    (fetch,) = [device for device in devices if isinstance(device, FetchDevice)]
    for once in (curl, fetch):
        assert set(once.mail.values()) == {1}, once.name
    audit.settle(curl.by_unique_id)
    _nothing_is_left(office)


def _nothing_is_left(office: PostOffice) -> None:
    shown = json.loads(office.run("maildrop", "show", USER, "--json").stdout)
    assert shown["messages"] == []
    assert {view["count"] for view in shown["maildrop"]["views"]} == {0}
    checked = office.run("maildrop", "check")
    assert checked.stdout == "everything agrees\n", checked.stdout
    bodies = [path for path in office.store.rglob("bodies/**/*") if path.is_file()]
    staged = [path for path in office.store.rglob("staging/*") if path.is_file()]
    assert (bodies, staged) == ([], [])
