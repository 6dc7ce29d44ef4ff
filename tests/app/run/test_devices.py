"""A real server and the devices of one account: views, locks, retention, what is logged."""

from __future__ import annotations

import contextlib
import json
import poplib
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.run.processes import eventually, get
from tests.postoffice import PASSWORD, PostOffice, retrieve, unique_ids

DAY = 86400
ONE = b"Subject: one\r\n\r\nfirst\r\n"
TWO = b"Subject: two\r\n\r\nsecond\r\n"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PostOffice]:
    with PostOffice(tmp_path, users=["alice"]) as office:
        yield office


def add(office: PostOffice, device: str, *options: str) -> str:
    """A new device of alice; its app password."""
    done = office.run("device", "add", "alice", device, "--json", *options)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["password"])


@contextlib.contextmanager
def session(
    office: PostOffice, name: str, password: str, *, quits: bool = True
) -> Iterator[poplib.POP3]:
    client = office.connect()
    try:
        client.user(name)
        client.pass_(password)
        yield client
        if quits:
            client.quit()
    finally:
        client.close()


def grow_older(store: Path, statement: str, *values: object) -> None:
    for index in store.glob("shard-*/index.db"):
        with contextlib.closing(sqlite3.connect(index, isolation_level=None)) as sql:
            sql.execute(statement, values)


def test_each_device_has_its_own_view_under_either_name(office: PostOffice) -> None:
    phone, laptop = add(office, "phone"), add(office, "laptop")
    office.deliver(ONE, "alice")
    with session(office, "alice+phone", phone) as client:
        ids = list(unique_ids(client))
        assert client.stat()[0] == 1
        client.dele(1)
    with session(office, "alice", phone) as client:
        assert client.stat() == (0, 0)
        assert list(unique_ids(client)) == []
    with session(office, "alice@example.org", laptop) as client:
        assert list(unique_ids(client)) == ids
        assert retrieve(client, 1).endswith(ONE)
    office.deliver(TWO, "alice+phone")
    with session(office, "alice+phone@example.org", phone) as client:
        assert client.stat()[0] == 1
    with session(office, "alice+laptop", laptop) as client:
        assert client.stat()[0] == 2
    office.log.wait_for("session ended", count=5)
    ended = Counter((line["user"], line["view"]) for line in office.log.find("session ended"))
    assert ended == {("alice", "phone"): 3, ("alice", "laptop"): 2}


def test_two_devices_collect_at_the_same_moment_two_sessions_of_one_do_not(
    office: PostOffice,
) -> None:
    """RFC 1939, section 4: the lock is exclusive, of each view."""
    phone, laptop = add(office, "phone"), add(office, "laptop")
    office.deliver(ONE, "alice")
    with session(office, "alice+phone", phone) as first, session(office, "alice+laptop", laptop):
        with (
            pytest.raises(poplib.error_proto, match=r"\[IN-USE\]"),
            session(office, "alice", phone),
        ):
            pass
        refused = office.log.wait_for("sign-in failed")
        assert (refused["name"], refused["view"], refused["reason"]) == ("alice", "phone", "in-use")
        first.dele(1)
    with session(office, "alice+phone", phone) as client:
        assert client.stat() == (0, 0)


def test_what_no_device_wants_any_more_is_gone(office: PostOffice) -> None:
    passwords = {device: add(office, device) for device in ("phone", "laptop")}
    office.deliver(b"Subject: large\r\n\r\n" + b"x" * 70 * 5000 + b"\r\n", "alice")
    assert [path for path in office.store.rglob("bodies/**/*") if path.is_file()]
    for device, password in passwords.items():
        with session(office, f"alice+{device}", password) as client:
            client.dele(1)
    shown = json.loads(office.run("maildrop", "show", "alice", "--json").stdout)
    assert shown["messages"] == []
    eventually(
        lambda: not [path for path in office.store.rglob("bodies/**/*") if path.is_file()],
        "the body's file is gone",
    )


def test_a_device_that_was_removed_signs_in_no_more(office: PostOffice) -> None:
    phone = add(office, "phone")
    office.deliver(ONE, "alice")
    with session(office, "alice+phone", phone, quits=False) as client:
        client.dele(1)
        removed = office.run("device", "remove", "alice", "phone", "--yes")
        assert removed.returncode == 0, removed.stderr
        with pytest.raises(poplib.error_proto):
            client.quit()  # its lock is gone with its view: nothing is deleted, and it is told
    with pytest.raises(poplib.error_proto, match=r"\[AUTH\]"), session(office, "alice", phone):
        pass
    with session(office, "alice", PASSWORD) as client:
        assert client.stat()[0] == 1


def test_a_password_whose_view_is_gone_is_no_wrong_password(office: PostOffice) -> None:
    """A client that hears [AUTH] would ask its user for another one."""
    phone = add(office, "phone")
    grow_older(office.store, "DELETE FROM views WHERE name = 'phone'")
    with (
        pytest.raises(poplib.error_proto, match=r"\[SYS/PERM\]"),
        session(office, "alice+phone", phone),
    ):
        pass
    assert add(office, "phone") == "None"  # the view is back, the password is what it was
    with session(office, "alice+phone", phone) as client:
        assert client.stat() == (0, 0)


@pytest.mark.parametrize("holds", [False, True])
def test_mail_waits_for_the_own_password_once_it_was_used_or_if_it_is_configured(
    holds: bool, tmp_path: Path
) -> None:
    settings = {"retention": {"default_view_holds": holds}}
    with PostOffice(tmp_path, users=["alice"], settings=settings) as office:
        phone = add(office, "phone")
        for left_before_it_was_used in (holds, True):
            office.deliver(ONE, "alice")
            with session(office, "alice+phone", phone) as client:
                client.dele(1)
            with session(office, "alice", PASSWORD) as client:
                assert client.stat()[0] == left_before_it_was_used
                if client.stat()[0]:
                    client.dele(1)
        shown = json.loads(office.run("device", "list", "alice", "--json").stdout)
        assert all(device["holds"] for device in shown)


def test_the_minimum_interval_is_each_device_s_own(tmp_path: Path) -> None:
    """RFC 2449, section 6.5, speaks of logins of a user; two devices are two of those."""
    settings = {"limits": {"login_delay": 3600}}
    with PostOffice(tmp_path, users=["alice"], settings=settings) as office:
        passwords = {device: add(office, device) for device in ("phone", "laptop")}
        for device, password in passwords.items():
            with session(office, f"alice+{device}", password):
                pass
        with (
            pytest.raises(poplib.error_proto, match=r"\[LOGIN-DELAY\]"),
            session(office, "alice+phone", passwords["phone"]),
        ):
            pass


def expire_of(office: PostOffice) -> str:
    client = office.connect()
    try:
        return " ".join(client.capa()["EXPIRE"])
    finally:
        client.close()


@pytest.mark.parametrize(
    ("retention", "said"),
    [
        ({}, "NEVER"),
        ({"expire_days": 30}, "30"),
        ({"unread_by_device_days": 14}, "14"),
        ({"expire_days": 30, "unread_by_device_days": 60}, "30"),
        ({"expire_days": 90, "unread_by_device_days": 60}, "60"),
    ],
)
def test_expire_says_how_long_mail_stays_at_the_least(
    retention: dict[str, object], said: str, tmp_path: Path
) -> None:
    """RFC 2449, section 6.7: the smallest that applies to anybody."""
    with PostOffice(tmp_path, users=["alice"], settings={"retention": retention}) as office:
        assert expire_of(office) == said


def test_retention_is_applied_at_the_start_by_one_worker(tmp_path: Path) -> None:
    office = PostOffice(tmp_path, users=["alice"], settings={"retention": {"expire_days": 30}})
    with office:
        office.deliver(ONE, "alice")
        assert office.stop() == 0
        grow_older(office.store, "UPDATE messages SET received_at = received_at - ?", 31 * DAY)
        office.start()
        office.log.wait_for("messages removed")
        office.deliver(TWO, "alice")
        (left,) = office.collect("alice")
        assert left.endswith(TWO)
        for counted in (
            b'pillarbox_messages_removed_total{reason="retention"} 1.0',
            b'pillarbox_retention_sweeps_total{outcome="ok"} 1.0',
        ):
            eventually(
                lambda counted=counted: counted in get(office.addresses["http"], "/metrics")[1],  # type: ignore[misc]
                "it is counted",
            )
        assert office.stop() == 0
        assert len(office.log.find("messages removed")) == 1


def test_a_device_that_stays_away_is_warned_of_and_then_waited_for_no_more(
    tmp_path: Path,
) -> None:
    settings = {"retention": {"unread_by_device_days": 30}}
    office = PostOffice(tmp_path, users=["alice"], settings=settings)
    with office:
        phone, laptop = add(office, "phone"), add(office, "laptop")
        office.deliver(ONE, "alice")
        for days, event in (
            (25, "mail will soon no longer wait for a device that does not come"),
            (6, "mail waits no longer for a device that does not come"),
        ):
            with session(office, "alice+laptop", laptop) as client:
                for number in range(1, client.stat()[0] + 1):
                    client.dele(number)
            office.stop()
            grow_older(
                office.store,
                "UPDATE views SET created_at = created_at - ? WHERE name = 'phone'",
                days * DAY,
            )
            office.start()
            line = office.log.wait_for(event)
            assert (line["user"], line["view"], line["level"]) == ("alice", "phone", "warning")
        with session(office, "alice+phone", phone) as client:
            assert client.stat()[0] == 0  # the laptop had deleted it, and nobody held it back
        office.deliver(TWO, "alice")
        with session(office, "alice+laptop", laptop) as client:
            client.dele(1)
        with session(office, "alice+phone", phone) as client:
            assert client.stat()[0] == 1  # it has come again, and mail waits for it again
        assert not re.search("traceback", office.log.text(1000), re.IGNORECASE)
