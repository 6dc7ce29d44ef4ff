"""A whole post office moves: from one machine into a cluster, and back to another machine. Real clients see the
same unique-ids in every view, and every password opens what it opened.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox import sync
from pillarbox.client.tls import TlsSettings
from pillarbox.store.cluster.objects import ObjectSettings
from tests.cluster.node import Node
from tests.postoffice import PASSWORD, PostOffice, unique_ids

DEVICES = ("phone", "laptop", "tablet")
LETTERS = [b"Subject: %d\r\n\r\nsome words\r\n" % n for n in range(8)]
LARGE = b"Subject: large\r\n\r\n" + b"a line of some length\r\n" * 20_000


class Client:
    """Alice's programs: the account's own password, and an app password for each device."""

    def __init__(self) -> None:
        self.passwords = {"alice": PASSWORD}

    def add(self, office: PostOffice, device: str, *options: str) -> None:
        done = office.run("device", "add", "alice", device, "--json", *options)
        assert done.returncode == 0, done.stderr
        self.passwords[f"alice+{device}"] = json.loads(done.stdout)["password"]

    def delete(self, office: PostOffice, name: str, *numbers: int) -> None:
        client = office.connect()
        client.user(name)
        client.pass_(self.passwords[name])
        for number in numbers:
            client.dele(number)
        client.quit()

    def listings(self, office: PostOffice) -> dict[str, list[str]]:
        """What each of them sees, signed in with PASS and with SCRAM."""
        found = {}
        for name, password in self.passwords.items():
            client = office.connect()
            client.user(name)
            client.pass_(password)
            found[name] = list(unique_ids(client))
            client.quit()
            with sync.connect(
                f"pop3s://{name}@{office.addresses['pop3s'].host}:{office.addresses['pop3s'].port}",
                password=password,
                mechanism="SCRAM-SHA-256",
                tls=TlsSettings(ca=office.authority),
            ) as box:
                assert [unique_id for _, unique_id in box.uidl()] == found[name]
        return found


@pytest.fixture
def old(tmp_path: Path) -> Iterator[PostOffice]:
    (tmp_path / "old").mkdir()
    with PostOffice(tmp_path / "old", users=["alice", "bob"]) as office:
        yield office


def moved(target: PostOffice, source: PostOffice) -> str:
    done = target.run("import", str(source.config), "--all")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_and_back(
    old: PostOffice, tmp_path: Path, database_url: str, objects_settings: ObjectSettings
) -> None:
    client = Client()
    old.deliver(LETTERS[0], "alice", "bob")
    for device in DEVICES[:2]:
        client.add(old, device)
    for letter in (*LETTERS[1:5], LARGE):
        old.deliver(letter, "alice")
    client.add(old, DEVICES[2], "--from-now-on")
    old.deliver(LETTERS[5], "alice")
    client.delete(old, "alice+phone", 1, 2, 3)
    client.delete(old, "alice", 5)
    seen = client.listings(old)
    assert [len(seen[name]) for name in client.passwords] == [6, 4, 7, 1]

    cluster = Node(tmp_path / "node", database_url, objects_settings)
    assert moved(cluster, old).splitlines()[-1].endswith("2 accounts of 2 users")
    old.deliver(LETTERS[6], "alice")
    client.delete(old, "alice+laptop", 1)
    seen = client.listings(old)
    assert old.stop() == 0
    assert moved(cluster, old).startswith("alice: 1 message ")
    with cluster:
        assert client.listings(cluster) == seen
        sent = [*LETTERS[:4], LARGE, *LETTERS[5:7]]
        for body, letter in zip(cluster.collect("alice"), sent, strict=True):
            assert body.endswith(letter)
        cluster.deliver(LETTERS[7], "alice", "bob")
        client.delete(cluster, "alice+tablet", 1)
        seen = client.listings(cluster)
        assert cluster.stop() == 0
    assert moved(cluster, old).splitlines()[-1].startswith("moved 0 messages")

    (tmp_path / "new").mkdir()
    new = PostOffice(tmp_path / "new")
    moved(new, cluster)
    with new:
        assert client.listings(new) == seen
        assert len(new.collect("bob")) == 2
    for office in (cluster, new):
        done = office.run("maildrop", "check")
        assert done.returncode == 0, done.stdout
