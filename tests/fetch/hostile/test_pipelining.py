"""Servers that announce PIPELINING and cannot do it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.fetch.journal import Journal
from pillarbox.fetch.rules import Rules
from pillarbox.fetch.run import journal_of
from tests.fetch.hostile.case import DELETE, KEEP, SOON, Case
from tests.fetch.hostile.maildrop import letters
from tests.fetch.hostile.server import Cut, HostileServer, Rule, Said

BOTH = pytest.mark.parametrize("rules", [DELETE, KEEP], ids=["delete", "keep"])


def is_behind(said: Said) -> bool:
    """Whether more commands have come already: the client did not wait."""
    return bool(said.session.unread)


def swap_the_bodies(said: Said) -> bytes | None:
    return b"+OK\r\ntwo\r\n+OK\r\n.\r\nthree\r\n" if is_behind(said) else None


def drop_the_end(said: Said) -> bytes | None:
    return said.honest().removesuffix(b".\r\n") if is_behind(said) else None


def lose_what_was_sent_ahead(said: Said) -> None:
    """Whoever flushes the input behind each command."""
    said.session.unread.clear()


def lose_the_last_of_it(said: Said) -> None:
    if said.session.unread:
        said.session.unread.pop()


def hang_up_on_it(said: Said) -> None:
    if is_behind(said):
        raise Cut


def say_it_twice(said: Said) -> bytes | None:
    return said.honest() * 2 if is_behind(said) else None


BAD = pytest.mark.parametrize(
    "rule",
    [
        swap_the_bodies,
        drop_the_end,
        lose_what_was_sent_ahead,
        lose_the_last_of_it,
        hang_up_on_it,
        say_it_twice,
    ],
)


@BAD
@BOTH
async def test_one_at_a_time_from_the_first_mismatch_on(
    tmp_path: Path, rules: Rules, rule: Rule
) -> None:
    async with HostileServer(letters(5)) as server:
        server.capabilities.append("PIPELINING")
        server.instead["RETR"] = rule
        case = Case(tmp_path, server, rules, timeout=SOON)
        outcome = await case.run()
        assert outcome.error is None
        assert outcome.totals.failed == 0
        case.assert_done()
        with Journal(journal_of(case.account, case.state)) as journal:
            assert journal.memory.pipelining_bad
        sessions = len(server.sessions)
        server.maildrop.put(*letters(8)[5:])
        await case.run()
        case.assert_done()
        assert len(server.sessions) == sessions + 1, "it is remembered"


@BAD
async def test_deletions(tmp_path: Path, rule: Rule) -> None:
    """DELE and RETR are pipelined alike."""
    async with HostileServer(letters(5)) as server:
        server.capabilities.append("PIPELINING")
        server.instead["DELE"] = rule
        case = Case(tmp_path, server, timeout=SOON)
        await case.run_until_done()
        case.assert_done()
        assert set(server.maildrop.retrieved.values()) == {1}


@BOTH
async def test_a_good_server_is_not_blamed_for_a_bad_line(tmp_path: Path, rules: Rules) -> None:
    """The connection broke once: that is no reason to go slowly ever after."""
    async with HostileServer(letters(5)) as server:
        server.capabilities.append("PIPELINING")
        server.cuts = {1: 400}
        case = Case(tmp_path, server, rules)
        await case.run_until_done()
        case.assert_done()
        with Journal(journal_of(case.account, case.state)) as journal:
            assert not journal.memory.pipelining_bad


async def test_what_was_learnt_is_remembered_though_the_run_fails(tmp_path: Path) -> None:
    async with HostileServer(letters(5)) as server:
        server.capabilities.append("PIPELINING")
        case = Case(tmp_path, server, KEEP)
        await case.run()
        server.maildrop.put(*letters(9)[5:])
        server.instead["RETR"] = swap_the_bodies
        case.rules(DELETE)  # and nobody says yes
        assert (await case.run()).error is not None
        with Journal(journal_of(case.account, case.state)) as journal:
            assert journal.memory.pipelining_bad
