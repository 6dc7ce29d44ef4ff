"""Two nodes, one post office: processes, sockets, a real database and a real object store."""

from __future__ import annotations

import contextlib
import json
import poplib
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.store.cluster.objects import ObjectSettings
from tests.app.run.processes import accepts, eventually, get
from tests.cluster.node import Node
from tests.cluster.postgres import PostgresServer
from tests.cluster.seaweedfs import SeaweedFs
from tests.postoffice import DOMAIN, PASSWORD, PostOffice, retrieve

SMALL = b"Subject: small\r\n\r\nhello\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"x" * 70 * 100 + b"\r\n" + b"a line of some length\r\n" * 20000
PATIENT = {"limits": {"stop_grace": 3600}}


Two = tuple[Node, Node]


@contextlib.contextmanager
def two_nodes(folder: Path, url: str, objects: ObjectSettings, *users: str) -> Iterator[Two]:
    """Both run; *users* have accounts."""
    one = Node(folder / "one", url, objects, users=users, settings=PATIENT)
    other = Node(folder / "other", url, objects, settings=PATIENT)
    with one, other:
        yield one, other


@pytest.fixture(scope="module")
def nodes(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer, seaweedfs: SeaweedFs
) -> Iterator[Two]:
    """For all tests that leave them as they were; each has users of its own."""
    users = "alice", "bob", "carol", "dave", "erin", "frank"
    url = postgres.new_database()
    with two_nodes(tmp_path_factory.mktemp("nodes"), url, seaweedfs.settings(), *users) as both:
        yield both
    postgres.give_back(url)


def refusal(office: PostOffice, user: str = "alice", password: str = PASSWORD) -> str:
    """What a sign-in is answered with, if it is refused."""
    client = office.connect()
    try:
        client.user(user)
        client.pass_(password)
        client.quit()
    except poplib.error_proto as error:
        return str(error.args[0])
    finally:
        client.close()
    return ""


def test_mail_that_one_takes_is_collected_at_the_other(nodes: Two) -> None:
    one, other = nodes
    one.deliver(SMALL, "alice")
    other.deliver(LARGE, "alice", "bob")
    found = [office.unique_ids("alice") for office in nodes]
    assert found[0] == found[1]
    small, large = other.collect("alice", keep=False)
    assert small.endswith(SMALL)
    assert large.endswith(LARGE)
    assert one.collect("alice") == []
    (large,) = one.collect("bob")
    assert large.endswith(LARGE)


def test_a_maildrop_is_open_at_one_of_them_only(nodes: Two) -> None:
    one, other = nodes
    with one.session("carol"):
        assert "[IN-USE]" in refusal(other, "carol")
        assert other.collect("dave") == []
    assert other.collect("carol") == []


def test_a_node_that_is_killed_keeps_others_out_for_a_lease_only(
    tmp_path: Path, database_url: str
) -> None:
    settings = {"store": {"lease_seconds": 6}}  # a statement has a quarter of it
    one = Node(tmp_path / "one", database_url, users=["alice"], settings=settings)
    other = Node(tmp_path / "other", database_url, settings=settings)
    with one, other:
        one.deliver(SMALL, "alice")
        with one.session("alice", quits=False) as client:
            client.dele(1)
            one.kill()
        eventually(lambda: not refusal(other), "the lease lapses")
        (small,) = other.collect("alice")
        assert small.endswith(SMALL)


def test_a_node_that_ends_in_good_order_gives_its_leases_up(
    tmp_path: Path, database_url: str, objects_settings: ObjectSettings
) -> None:
    with two_nodes(tmp_path, database_url, objects_settings, "alice", "bob") as (one, other):
        one.deliver(SMALL, "alice")
        one.deliver(SMALL, "bob")
        health = one.addresses["http"]
        with (
            one.session("alice", quits=False) as client,
            one.session("bob", quits=False) as cut_off,
        ):
            client.dele(1)
            cut_off.dele(1)
            one.signal(signal.SIGTERM)
            one.log.wait_for("stopping")
            eventually(lambda: get(health, "/ready")[0] == 503, "it is not ready")
            eventually(lambda: not accepts(one.addresses["pop3s"]), "the door is closed")
            assert "[IN-USE]" in refusal(other, "alice")
            client.quit()
            assert other.collect("alice") == []
            one.signal(signal.SIGTERM)
            assert one.wait() == 0
        assert len(other.collect("bob")) == 1


def test_what_is_changed_on_one_machine_counts_on_all(nodes: Two) -> None:
    one, other = nodes
    assert other.collect("erin") == []  # from now on mail waits for her own password, too
    added = one.run("device", "add", "erin", "phone", "--json")
    assert added.returncode == 0, added.stderr
    device = json.loads(added.stdout)
    other.deliver(SMALL, "erin")
    client = other.connect()
    client.user(device["user_name"])
    client.pass_(device["password"])
    assert client.stat()[0] == 1
    client.dele(1)
    client.quit()
    assert len(one.collect("erin")) == 1  # it was the phone's own view
    assert one.run("device", "remove", "erin", "phone", "--yes").returncode == 0
    assert "[AUTH]" in refusal(other, device["user_name"], device["password"])
    assert one.run("user", "disable", "erin").returncode == 0
    assert "[AUTH]" in refusal(other, "erin")


def test_a_session_is_seen_and_its_lock_taken_away_from_any_machine(
    nodes: Two,
) -> None:
    one, other = nodes
    one.deliver(SMALL, "frank")
    with one.session("frank", quits=False) as client:
        shown = other.run("maildrop", "show", "frank")
        assert "view default: 1 message, locked by node" in shown.stdout
        listed = json.loads(other.run("cluster", "status", "--json").stdout)
        assert any(process["alive"] for process in listed["processes"])
        assert other.run("maildrop", "unlock", "frank").stdout == "unlocked the maildrop of frank\n"
        assert retrieve(client, 1).endswith(SMALL)
        client.dele(1)
        with pytest.raises(poplib.error_proto, match="nothing has been removed"):
            client.quit()
    assert len(other.collect("frank")) == 1


def test_without_its_tables_a_node_does_not_start(tmp_path: Path, postgres: PostgresServer) -> None:
    url = postgres.new_database(migrated=False)
    node = Node(tmp_path / "node", url)
    done = node.run("serve")
    assert done.returncode == 1
    assert "pillarbox cluster migrate" in done.stderr
    assert node.run("cluster", "migrate").returncode == 0
    with node:
        assert get(node.addresses["http"], "/ready")[0] == 200
    postgres.drop(url)


@contextlib.contextmanager
def away(postgres: PostgresServer) -> Iterator[None]:
    """The database has been shut down; it comes back afterwards."""
    postgres.stop()
    try:
        yield
    finally:
        postgres.start()


def test_a_database_that_is_away_keeps_no_node_from_starting(
    tmp_path: Path, postgres: PostgresServer, database_url: str
) -> None:
    node = Node(tmp_path / "node", database_url, users=["alice"])
    with contextlib.ExitStack() as stack:
        with away(postgres):
            stack.enter_context(node)
            health = node.addresses["http"]
            status, why = get(health, "/ready")
            assert status == 503
            assert b"the store cannot be read and written" in why
            assert get(health, "/live")[0] == 200
            assert "[SYS/TEMP]" in refusal(node)
            assert delivery_to_alice(node) == 451
        eventually(lambda: get(health, "/ready")[0] == 200, "it is ready")
        node.deliver(SMALL, "alice")
        assert len(node.collect("alice")) == 1


def delivery_to_alice(node: Node) -> int:
    """What the door for mail answers to her name."""
    with node.lmtp() as client:
        client.mail("sender@example.net")
        return client.rcpt(f"alice@{DOMAIN}")[0]


def test_a_node_outlives_a_restart_of_the_database(
    tmp_path: Path, postgres: PostgresServer, database_url: str
) -> None:
    node = Node(tmp_path / "node", database_url, users=["alice"])
    with node:
        node.deliver(SMALL, "alice")
        with node.session("alice") as client:
            with away(postgres):
                assert "[SYS/TEMP]" in refusal(node)
                assert delivery_to_alice(node) == 451
            eventually(lambda: get(node.addresses["http"], "/ready")[0] == 200, "it is ready")
            assert retrieve(client, 1).endswith(SMALL)
            client.dele(1)
        assert node.collect("alice") == []


@pytest.mark.parametrize(
    "in_a_session", [False, pytest.param(True, marks=pytest.mark.long)]
)  # which is given up first, five seconds later
def test_a_database_that_hangs_keeps_no_node_from_ending(
    tmp_path: Path, postgres: PostgresServer, database_url: str, in_a_session: bool
) -> None:
    """Though it has leases, or did a moment ago."""
    settings = {"limits": {"stop_grace": 0}}
    node = Node(tmp_path / "node", database_url, users=["alice"], settings=settings)
    with node, contextlib.ExitStack() as stack:
        session = node.session("alice", quits=not in_a_session)
        if in_a_session:
            stack.enter_context(session)
        else:
            with session:
                pass
        with postgres.hanging():
            node.signal(signal.SIGTERM)
            assert node.wait() == 0
        lapsing = "the cluster's database does not answer; leases will lapse by themselves"
        assert node.log.find(lapsing)
        assert not node.log.find("killed: it did not end in time")
