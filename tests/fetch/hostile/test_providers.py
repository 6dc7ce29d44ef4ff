"""Gmail, Microsoft 365, Exchange: what the large providers do otherwise."""

from __future__ import annotations

from pathlib import Path

from pillarbox.client.errors import SignInRefused
from tests.fetch.hostile.case import DELETE, KEEP, Case
from tests.fetch.hostile.maildrop import Mail, letters
from tests.fetch.hostile.server import HostileServer, Said

GMAIL = "Gpop ready for requests from 192.0.2.1 x"
EXCHANGE = "The Microsoft Exchange POP3 service is ready."


def hide_what_is_read(server: HostileServer) -> None:
    """As Gmail does: RETR and QUIT take a message out of the listings, without DELE."""
    read: set[str] = set()

    def retr(said: Said) -> bytes:
        reply = said.honest()
        read.add(said.session.mails[said.number - 1].unique_id)
        return reply

    def quit_(said: Said) -> None:
        server.maildrop.hidden |= read

    server.greeting = GMAIL
    server.instead |= {"RETR": retr, "QUIT": quit_}


async def test_gmail_hands_out_portions_until_it_is_empty(tmp_path: Path) -> None:
    async with HostileServer(letters(11)) as server:
        server.greeting = GMAIL
        server.portion = 3
        case = Case(tmp_path, server)
        outcome = await case.run()
        assert outcome.error is None
        assert outcome.totals.deleted == 11
        case.assert_done()


async def test_gmail_portions_that_are_only_to_be_deleted(tmp_path: Path) -> None:
    """Each message is here, and only its deletion was never confirmed."""
    async with HostileServer(letters(11)) as server:
        case = Case(tmp_path, server, KEEP)
        await case.run()
        server.greeting = GMAIL
        server.portion = 3
        case.rules(DELETE, confirmed=True)
        outcome = await case.run()
        assert outcome.error is None
        assert outcome.totals.deleted == 11
        case.assert_done()


async def test_portions_that_come_back_after_they_were_deleted(tmp_path: Path) -> None:
    """QUIT says +OK and removes nothing. In one run, no message is looked at again and again."""
    async with HostileServer(letters(6)) as server:
        server.greeting = GMAIL
        server.portion = 3
        server.instead["QUIT"] = lambda _: b"+OK bye\r\n"
        case = Case(tmp_path, server)
        outcome = await case.run()
        assert outcome.error is None
        assert len(server.sessions) == 2
        assert set(server.maildrop.retrieved.values()) == {1}
        server.be_good()
        await case.run()
        case.assert_done()


async def test_gmail_hides_what_was_read(tmp_path: Path) -> None:
    """So it has to be durable before QUIT: there is no second chance."""
    async with HostileServer(letters(11)) as server:
        hide_what_is_read(server)
        server.portion = 3
        case = Case(tmp_path, server, KEEP)
        outcome = await case.run()
        assert outcome.error is None
        assert outcome.totals.retrieved == 11
        case.assert_done()
        await case.assert_settled()


async def test_gmail_keeps_in_portions_and_hides_nothing(tmp_path: Path) -> None:
    """Then what is behind the first portion cannot be had; the run ends all the same."""
    async with HostileServer(letters(11)) as server:
        server.greeting = GMAIL
        server.portion = 3
        case = Case(tmp_path, server, KEEP)
        outcome = await case.run()
        assert outcome.error is None
        assert outcome.totals.retrieved == 3
        assert len(server.sessions) == 2


async def test_gmail_announces_pipelining_only_after_the_sign_in(tmp_path: Path) -> None:
    async with HostileServer(letters(5)) as server:

        def capa(said: Said) -> bytes:
            after = b"PIPELINING\r\n" if said.session.signed_in else b""
            return b"+OK\r\nUSER\r\nUIDL\r\n" + after + b".\r\n"

        server.instead["CAPA"] = capa
        case = Case(tmp_path, server)
        await case.run()
        case.assert_done()
        assert server.commands.count("CAPA") == 2
        assert server.commands.index("CAPA") < server.commands.index("USER alice")


async def test_microsoft_wants_auth_in_two_steps(tmp_path: Path) -> None:
    async with HostileServer(letters(2)) as server:

        def auth(said: Said) -> bytes | None:
            return b"-ERR Protocol error. 18\r\n" if len(said.arguments) > 1 else None

        server.greeting = EXCHANGE
        server.mechanisms = ["PLAIN", "XOAUTH2"]
        server.instead["AUTH"] = auth
        case = Case(tmp_path, server)
        outcome = await case.run()
        assert outcome.error is None
        case.assert_done()
        assert "AUTH PLAIN" in server.commands


async def test_exchange_lists_wrong_sizes(tmp_path: Path) -> None:
    """Too small, too large, by a little and beyond all measure."""
    async with HostileServer(letters(4)) as server:
        server.instead["LIST"] = lambda _: b"+OK\r\n1 1\r\n2 99999999\r\n3 0\r\n4 93\r\n.\r\n"
        case = Case(tmp_path, server)
        outcome = await case.run()
        assert outcome.error is None
        case.assert_done()


async def test_exchange_lists_other_sizes_each_time(tmp_path: Path) -> None:
    """Then it may be new mail under an old unique-id: looked at again, and found to be here."""
    async with HostileServer(letters(2)) as server:
        case = Case(tmp_path, server, KEEP)
        sizes = iter(range(100, 900, 100))
        server.instead["LIST"] = lambda _: b"+OK\r\n1 %d\r\n2 57\r\n.\r\n" % next(sizes)
        for _ in range(3):
            outcome = await case.run()
            assert outcome.error is None
            case.assert_all_stored()
        case.rules(DELETE, confirmed=True)
        await case.run()
        case.assert_done()


async def test_exchange_gives_small_integers_as_unique_ids(tmp_path: Path) -> None:
    """Two accounts of one server may have the same ones: each has its own state."""
    mails = [Mail(str(n), mail.content) for n, mail in enumerate(letters(3), 1)]
    async with HostileServer(mails) as one, HostileServer(letters(0)) as other:
        first = Case(tmp_path / "one", one)
        await first.run()
        first.assert_done()
        other.maildrop.put(
            *(Mail(mail.unique_id, b"X: y\r\n\r\n" + mail.content) for mail in mails)
        )
        second = Case(tmp_path / "two", other)
        second.state = first.state
        await second.run()
        second.assert_done()


async def test_exchange_top_and_retr_have_different_headers(tmp_path: Path) -> None:
    """With no unique-ids to go by, an id is made of TOP's, and never compared with RETR's."""
    async with HostileServer(letters(2)) as server:
        server.capabilities = ["USER", "TOP"]
        server.instead["UIDL"] = lambda _: b"-ERR unknown\r\n"
        server.instead["TOP"] = lambda said: b"+OK\r\nX-Number: %d\r\n\r\n.\r\n" % said.number
        case = Case(tmp_path, server, KEEP)
        await case.run()
        case.assert_all_stored()
        await case.assert_settled()


async def test_sign_in_refused_without_a_code(tmp_path: Path) -> None:
    async with HostileServer(letters(1)) as server:
        server.instead["PASS"] = lambda _: b"-ERR Logon failure\r\n"
        outcome = await Case(tmp_path, server).run()
        assert isinstance(outcome.error, SignInRefused)
        assert len(server.maildrop.mails) == 1
