"""Real mail from a real server, and from one that fails in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.client.endpoint import Endpoint, Security
from pillarbox.client.tls import TlsSettings
from pillarbox.fetch.account import Account
from pillarbox.fetch.destinations import parse_destination
from pillarbox.fetch.journal import Journal
from pillarbox.fetch.rules import Rules
from pillarbox.fetch.run import journal_of
from pillarbox.reader.model import Collecting, Folder
from tests.fetch.hostile import server as hostile
from tests.fetch.hostile.maildrop import Mail
from tests.postoffice import PASSWORD, PostOffice
from tests.reader.collecting.world import collecting

INBOX = Folder("Inbox/work")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    settings = {"server": {"workers": 1}}
    with PostOffice(
        tmp_path_factory.mktemp("office"), users=["alice", "bob", "carol"], settings=settings
    ) as started:
        yield started


def at(office: PostOffice, user: str, password: str = PASSWORD) -> Account:
    port = office.addresses["pop3s"].port
    return Account(
        "work",
        Endpoint("localhost", port, Security.IMPLICIT_TLS, user),
        parse_destination("maildir:unused"),
        Rules(keep_days=30),
        password=password,
        tls=TlsSettings(ca=office.authority),
    )


def letter(number: int) -> bytes:
    return f"Subject: {number}\r\n\r\nLetter {number}.\r\n".encode()


async def test_mail_comes_into_the_library_once(office: PostOffice, tmp_path: Path) -> None:
    for number in range(3):
        office.deliver(letter(number), "alice")
    async with collecting(tmp_path, work=at(office, "alice")) as world:
        status = await world.until_state("work", Collecting.DONE)
        assert status.arrived == 3
        assert len(world.shelf.seen[INBOX]) == 3
        office.deliver(letter(3), "alice")
        world.collector.collect()
        status = await world.until_state("work", Collecting.DONE)
        assert status.arrived == 1
        assert len(world.shelf.seen[INBOX]) == 4
    assert len(office.collect("alice")) == 4  # kept there, as the rules say


async def test_what_the_next_reader_knows(office: PostOffice, tmp_path: Path) -> None:
    """Offline from the start, it still says when mail last came."""
    async with collecting(tmp_path, work=at(office, "bob")) as world:
        await world.until_state("work", Collecting.DONE)
    here = at(office, "bob")
    gone = here._replace(endpoint=here.endpoint._replace(port=1))
    with Journal(journal_of(here, tmp_path / "state")) as journal:
        noted = journal.memory.succeeded_at
    (tmp_path / "state").joinpath(journal_of(here, Path()).name).rename(
        journal_of(gone, tmp_path / "state")
    )
    async with collecting(tmp_path, work=gone) as world:
        status = await world.until_state("work", Collecting.OFFLINE)
        assert status.last_done is not None
        assert status.last_done.timestamp() == pytest.approx(noted)
        assert status.next_try is not None


async def test_a_wrong_password(office: PostOffice, tmp_path: Path) -> None:
    async with collecting(tmp_path, work=at(office, "carol", "wrong horse")) as world:
        status = await world.until_state("work", Collecting.REFUSED)
        assert "check the user name and password" in status.problem
        assert "wrong horse" not in str(world.told)


async def test_another_certificate(office: PostOffice, tmp_path: Path) -> None:
    account = at(office, "carol")._replace(tls=TlsSettings(fingerprint="ab" * 32))
    async with collecting(tmp_path, work=account) as world:
        status = await world.until_state("work", Collecting.INSECURE)
        assert "--" not in status.problem


async def test_another_collector_is_at_work(office: PostOffice, tmp_path: Path) -> None:
    account = at(office, "carol")
    with Journal(journal_of(account, tmp_path / "state")):
        async with collecting(tmp_path, work=account) as world:
            status = await world.until_state("work", Collecting.FAILED)
            assert status.problem.startswith("Another program is collecting this account")
            assert status.next_try is not None
            assert (status.next_try - world.time.now).total_seconds() <= 33


async def test_ended_in_the_middle(tmp_path: Path) -> None:
    """Cancelled while a message is coming: what is stored is stored, the rest comes the next time, once."""
    server = hostile.HostileServer([Mail(f"u{n}", letter(n)) for n in range(20)])
    hanging = asyncio.Event()

    def hang(said: hostile.Said) -> bytes | None:
        if said.number == 10:
            hanging.set()
            return b""
        return None

    server.instead["RETR"] = hang
    async with server:
        account = Account(
            "work",
            Endpoint(hostile.HOST, server.port, Security.CLEARTEXT, hostile.USER),
            parse_destination("maildir:unused"),
            Rules(keep_days=None),
            password=hostile.PASSWORD,
        )
        async with collecting(tmp_path, work=account):
            await hanging.wait()
        del server.instead["RETR"]
        async with collecting(tmp_path, work=account) as world:
            await world.until_state("work", Collecting.DONE)
            files = list((tmp_path / "Inbox/work").glob("new/*"))
            assert len(files) == 20
            assert len({file.read_bytes() for file in files}) == 20
