"""Replies that are not quite what RFC 1939 calls one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.client.errors import ClientError, OutOfStep, SignInRefused, Unreachable
from pillarbox.client.limits import MAX_LISTING
from tests.fetch.hostile.case import KEEP, SOON, Case
from tests.fetch.hostile.maildrop import letters
from tests.fetch.hostile.server import Cut, HostileServer, Said

VERBS = ["GREETING", "USER", "PASS", "CAPA", "LIST", "UIDL", "RETR", "DELE", "QUIT"]


async def test_ok_where_a_plus_belongs_in_sasl(tmp_path: Path, server: HostileServer) -> None:
    def auth(said: Said) -> bytes:
        said.session.honest("AUTH", ["PLAIN"])
        return b"+OK\r\n"

    server.mechanisms = ["PLAIN"]
    server.greeting = "The Microsoft Exchange POP3 service is ready."  # two steps
    server.instead["AUTH"] = auth
    case = Case(tmp_path, server)
    outcome = await case.run()
    assert outcome.error is None
    case.assert_done()


async def test_plus_err(tmp_path: Path, server: HostileServer) -> None:
    """It is no success, whatever its first octet."""
    server.instead["PASS"] = lambda _: b"+ERR wrong password\r\n"
    outcome = await Case(tmp_path, server).run()
    assert isinstance(outcome.error, SignInRefused)


async def test_plus_err_to_dele_and_quit(tmp_path: Path, server: HostileServer) -> None:
    server.instead |= dict.fromkeys(("DELE", "QUIT"), lambda _: b"+ERR no\r\n")
    case = Case(tmp_path, server)
    outcome = await case.run()
    assert outcome.totals.deleted == 0
    assert outcome.totals.failed
    case.assert_all_stored()
    server.be_good()
    await case.run()
    case.assert_done()


@pytest.mark.parametrize("said", [b"\r\n", b"\n", b" \r\n", b"OK\r\n", b"\0\r\n", b"\xff\r\n"])
@pytest.mark.parametrize("verb", VERBS)
async def test_no_reply_at_all(
    tmp_path: Path, server: HostileServer, verb: str, said: bytes
) -> None:
    """The session is over; nothing of what was not confirmed counts; the next run does it all."""
    server.instead[verb] = lambda _: said
    case = Case(tmp_path, server)
    outcome = await case.run()
    if verb != "CAPA":  # some servers answer it so: it is done without
        assert isinstance(outcome.error, OutOfStep) or outcome.totals.failed
    assert len(server.sessions) < 12
    server.be_good()
    await case.run_until_done()
    case.assert_done()


@pytest.mark.parametrize("verb", VERBS)
async def test_silence(tmp_path: Path, server: HostileServer, verb: str) -> None:
    """No hang: the time-out ends the session."""
    server.instead[verb] = lambda _: b""
    case = Case(tmp_path, server, timeout=SOON)
    outcome = await case.run()
    if verb != "CAPA":
        assert isinstance(outcome.error, Unreachable) or outcome.totals.failed
    assert len(server.sessions) < 12
    server.be_good()
    await case.run_until_done()
    case.assert_done()


@pytest.mark.parametrize("verb", VERBS)
async def test_hanging_up_each_time(tmp_path: Path, server: HostileServer, verb: str) -> None:
    def hang_up(_: Said) -> bytes:
        raise Cut

    server.instead[verb] = hang_up
    case = Case(tmp_path, server)
    outcome = await case.run()
    if verb != "CAPA":
        assert isinstance(outcome.error, Unreachable) or outcome.totals.failed
    assert len(server.sessions) < 12
    server.be_good()
    await case.run_until_done()
    case.assert_done()


@pytest.mark.parametrize("verb", VERBS)
async def test_a_status_line_without_an_end(
    tmp_path: Path, server: HostileServer, verb: str
) -> None:
    server.instead[verb] = lambda _: b"+OK " + b"x" * 1_000_000
    case = Case(tmp_path, server, timeout=SOON)
    await case.run()
    server.be_good()
    await case.run_until_done()
    case.assert_done()


async def test_negative_octets(tmp_path: Path, server: HostileServer) -> None:
    server.instead["LIST"] = lambda _: b"+OK\r\n1 -2147483648\r\n2 -1\r\n3 -0\r\n.\r\n"
    server.instead["STAT"] = lambda _: b"+OK 3 -5\r\n"
    case = Case(tmp_path, server)
    outcome = await case.run()
    assert outcome.error is None
    case.assert_done()


@pytest.mark.parametrize("octets", [2**63 - 1, 2**63, 10**19 - 1, 2**64 - 1])
async def test_sizes_that_no_file_can_have(
    tmp_path: Path, server: HostileServer, octets: int
) -> None:
    server.instead["LIST"] = lambda _: b"+OK\r\n1 %d\r\n2 1\r\n3 1\r\n.\r\n" % octets
    case = Case(tmp_path, server)
    await case.run_until_done()
    case.assert_done()


async def test_a_listing_with_junk(tmp_path: Path, server: HostileServer) -> None:
    """What makes sense is served; the user hears that there is more."""
    junk = b"+OK\r\nhello\r\n0 5\r\n-1 5\r\n99999999999999 5\r\n\r\n"
    server.instead["LIST"] = lambda said: junk + said.honest().removeprefix(b"+OK\r\n")
    server.instead["UIDL"] = lambda said: junk + said.honest().removeprefix(b"+OK\r\n")
    case = Case(tmp_path, server)
    outcome = await case.run()
    assert outcome.error is None
    assert outcome.totals.failed == 4
    assert case.problems
    case.assert_done()


async def test_listings_without_cr(tmp_path: Path, server: HostileServer) -> None:
    server.instead |= dict.fromkeys(
        ("LIST", "UIDL", "CAPA"), lambda said: said.honest().replace(b"\r", b"")
    )
    case = Case(tmp_path, server)
    await case.run()
    case.assert_done()


async def test_a_message_that_list_does_not_name(tmp_path: Path, server: HostileServer) -> None:
    server.instead["LIST"] = lambda _: b"+OK\r\n1 50\r\n3 50\r\n.\r\n"
    case = Case(tmp_path, server)
    await case.run()
    assert [mail.unique_id for mail in server.maildrop.mails] == ["uid-2"]
    server.be_good()
    await case.run()
    case.assert_done()


async def test_a_listing_that_never_ends(tmp_path: Path, server: HostileServer) -> None:
    server.instead["UIDL"] = lambda _: b"+OK\r\n" + b"x" * (MAX_LISTING + 1)
    outcome = await Case(tmp_path, server).run()
    assert isinstance(outcome.error, OutOfStep)


async def test_too_many_replies(tmp_path: Path, server: HostileServer) -> None:
    """Each command is answered twice: what belongs to what?"""
    server.instead["RETR"] = lambda said: said.honest() + b"+OK and another one\r\n"
    case = Case(tmp_path, server, KEEP)
    outcome = await case.run()
    assert outcome.error is None or isinstance(outcome.error, ClientError)
    assert outcome.totals.failed or outcome.error
    server.be_good()
    await case.run_until_done()
    case.assert_all_stored()


async def test_uidl_of_one_message_is_not_known(tmp_path: Path, server: HostileServer) -> None:
    """It proves nothing then; STAT has to do."""
    server.instead["UIDL"] = lambda said: b"-ERR takes no argument\r\n" if said.arguments else None
    case = Case(tmp_path, server)
    outcome = await case.run()
    assert outcome.error is None
    case.assert_done()


async def test_neither_uidl_of_one_nor_stat(tmp_path: Path, server: HostileServer) -> None:
    """Then no message can be trusted to be whole, and the user hears of it."""
    server.instead["UIDL"] = lambda said: b"-ERR takes no argument\r\n" if said.arguments else None
    server.instead["STAT"] = lambda _: b"-ERR no\r\n"
    case = Case(tmp_path, server)
    outcome = await case.run()
    assert outcome.totals.failed == 3
    assert case.stored() == []
    assert len(server.maildrop.mails) == 3


async def test_a_mailbox_of_nothing(tmp_path: Path) -> None:
    async with HostileServer(letters(0)) as server:
        case = Case(tmp_path, server)
        outcome = await case.run()
        assert outcome.error is None
        assert server.commands[-1] == "QUIT"
