"""Servers that have a bad day: they list less, or nothing, and all of it again the next day."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.client.errors import InUse, LoginDelayed, ServerTrouble, SignInRefused
from pillarbox.fetch.backoff import Backoff
from pillarbox.fetch.errors import NotConfirmed
from tests.fetch.hostile.case import DELETE, KEEP, SOON, Case
from tests.fetch.hostile.maildrop import letters
from tests.fetch.hostile.server import HostileServer

NOTHING = b"+OK\r\n.\r\n"


async def test_nothing_is_listed_one_day_and_everything_the_next(
    tmp_path: Path, server: HostileServer
) -> None:
    case = Case(tmp_path, server, KEEP)
    await case.run()
    server.maildrop.hidden = {mail.unique_id for mail in server.maildrop.mails}
    outcome = await case.run()
    assert outcome.error is None
    server.maildrop.hidden.clear()
    case.now += 7 * 86_400
    await case.assert_settled()
    case.assert_done()


async def test_half_is_listed_one_day_and_everything_the_next(
    tmp_path: Path, server: HostileServer
) -> None:
    case = Case(tmp_path, server, KEEP)
    await case.run()
    server.maildrop.hidden = {"uid-2"}
    await case.run()
    server.maildrop.hidden.clear()
    await case.assert_settled()


async def test_a_deletion_that_a_sick_day_seems_to_confirm(
    tmp_path: Path, server: HostileServer
) -> None:
    """QUIT's reply was lost, then nothing is listed, then all of it again: never stored twice."""
    server.instead["QUIT"] = lambda _: b"-ERR [SYS/TEMP] not now\r\n"
    case = Case(tmp_path, server)
    await case.run()
    server.maildrop.hidden = {mail.unique_id for mail in server.maildrop.mails}
    await case.run()
    server.maildrop.hidden.clear()
    server.be_good()
    await case.run()
    case.assert_done()


async def test_a_run_that_broke_off_remembers_that_it_kept(
    tmp_path: Path, server: HostileServer
) -> None:
    """The very first run, to keep, never came to its end; the next one is to delete."""
    server.instead["QUIT"] = lambda _: b""
    case = Case(tmp_path, server, KEEP, timeout=SOON)
    await case.run()
    server.be_good()
    case.rules(DELETE)
    outcome = await case.run()
    assert isinstance(outcome.error, NotConfirmed)
    assert server.maildrop.removed == []


async def test_from_keep_to_delete_asks_first(tmp_path: Path, server: HostileServer) -> None:
    """New mail is collected and deleted meanwhile."""
    case = Case(tmp_path, server, KEEP)
    await case.run()
    case.rules(DELETE)
    server.maildrop.put(*letters(4)[3:])
    for _ in range(2):
        outcome = await case.run()
        assert isinstance(outcome.error, NotConfirmed)
        assert len(outcome.error.held) == 3
    case.assert_all_stored()
    assert len(server.maildrop.mails) == 3
    case.rules(DELETE, confirmed=True)
    outcome = await case.run()
    assert outcome.error is None
    case.assert_done()
    server.maildrop.put(*letters(5)[4:])
    case.rules(DELETE)
    assert (await case.run()).error is None
    case.assert_done()


# Code, class, and the seconds of the first and of a late back-off (without jitter).
REFUSALS = [
    (b"[IN-USE]", InUse, 30.0, 300.0),
    (b"[LOGIN-DELAY]", LoginDelayed, 300.0, 1800.0),
    (b"[SYS/TEMP]", ServerTrouble, 60.0, 3600.0),
    (b"[SYS/PERM]", ServerTrouble, 60.0, 3600.0),
    (b"[AUTH]", SignInRefused, None, None),
    (b"", SignInRefused, 900.0, 14400.0),
]


@pytest.mark.parametrize(("code", "error", "first", "longest"), REFUSALS)
async def test_refused_at_the_sign_in(
    tmp_path: Path,
    server: HostileServer,
    code: bytes,
    error: type[Exception],
    first: float | None,
    longest: float | None,
) -> None:
    """One session, one sentence, a back-off of its own; and all is well when it is over."""
    server.instead["PASS"] = lambda _: b"-ERR " + code + b" no entry\r\n"
    case = Case(tmp_path, server)
    outcome = await case.run()
    assert isinstance(outcome.error, error)
    assert "no entry" in str(outcome.error)
    assert len(server.sessions) == 1
    backoff = Backoff(15.0, lambda _, __: 1.0)
    pauses = [backoff.pause(outcome) for _ in range(40)]
    assert (pauses[0], pauses[-1]) == (first, longest)
    server.be_good()
    await case.run()
    case.assert_done()


@pytest.mark.parametrize("code", [b"[IN-USE]", b"[SYS/TEMP]"])
async def test_refused_at_the_greeting(tmp_path: Path, server: HostileServer, code: bytes) -> None:
    server.instead["GREETING"] = lambda _: b"-ERR " + code + b" come back later\r\n"
    case = Case(tmp_path, server)
    outcome = await case.run()
    assert "come back later" in str(outcome.error)
    server.be_good()
    await case.run()
    case.assert_done()


@pytest.mark.parametrize("verb", ["LIST", "UIDL"])
async def test_the_listing_is_refused(tmp_path: Path, server: HostileServer, verb: str) -> None:
    case = Case(tmp_path, server, KEEP)
    await case.run()
    server.instead[verb] = lambda _: b"-ERR [SYS/TEMP] index damaged\r\n"
    outcome = await case.run()
    assert isinstance(outcome.error, ServerTrouble)
    server.be_good()
    await case.assert_settled()
