"""What is wrong on this side: one clear sentence, the right class, and nothing lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.client.errors import InvalidSetting, Unreachable
from pillarbox.client.tls import TlsSettings
from pillarbox.contracts.errors import PillarboxError
from pillarbox.fetch.destinations import parse_destination
from pillarbox.fetch.errors import DestinationUnusable, JournalBusy, JournalUnusable
from pillarbox.fetch.journal import Journal
from pillarbox.fetch.run import Outcome, journal_of, preview
from tests.fetch.hostile.case import DELETE, KEEP, Case
from tests.fetch.hostile.maildrop import Mail, letter, letters
from tests.fetch.hostile.server import HostileServer
from tests.small_disk import filled, mounted

DISK = 512 * 1024


def told(outcome: Outcome, kind: type[PillarboxError], *words: str | Path) -> None:
    """One sentence, in which these words are."""
    assert isinstance(outcome.error, kind)
    text = str(outcome.error)
    assert "\n" not in text
    assert "Traceback" not in text
    for word in words:
        assert str(word) in text


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", DISK) as folder:
        yield folder


def forbid(folder: Path, mode: int = 0o500) -> None:
    """Take the permission to write away."""
    folder.chmod(mode)
    if os.access(folder, os.W_OK):
        pytest.skip("whoever runs this may do everything (root, with CAP_DAC_OVERRIDE)")


async def assert_nothing_lost(case: Case) -> None:
    """When it is mended, another run brings all there is."""
    await case.run_until_done()
    case.assert_done()


# The state.


async def test_the_state_folder_is_a_file(tmp_path: Path, server: HostileServer) -> None:
    case = Case(tmp_path, server)
    case.state.write_text("mine")
    told(await case.run(), JournalUnusable, case.state)
    assert server.sessions == []
    case.state.unlink()
    await assert_nothing_lost(case)


async def test_the_state_folder_has_an_impossible_name(
    tmp_path: Path, server: HostileServer
) -> None:
    case = Case(tmp_path, server)
    impossible = tmp_path / ("x" * 300)
    case.state = impossible
    told(await case.run(), JournalUnusable, "x" * 300)
    with pytest.raises(JournalUnusable):
        await preview(case.account, case.state)


async def test_the_state_folder_is_forbidden(tmp_path: Path, server: HostileServer) -> None:
    case = Case(tmp_path, server)
    case.state.mkdir()
    forbid(case.state, 0)
    told(await case.run(), JournalUnusable, "permission")
    with pytest.raises(JournalUnusable):
        await preview(case.account, case.state)
    case.state.chmod(0o700)
    await assert_nothing_lost(case)


@pytest.mark.parametrize("damage", ["text", "cut", "overwritten"])
async def test_the_journal_is_damaged(tmp_path: Path, server: HostileServer, damage: str) -> None:
    """It is not begun anew by itself: all mail would come twice."""
    case = Case(tmp_path, server, KEEP)
    await case.run()
    path = journal_of(case.account, case.state)
    sound = path.read_bytes()
    damaged = {
        "text": b"this is no database" * 1000,
        "cut": sound[: len(sound) // 2 + 100],
        "overwritten": sound[:1000] + b"\xaa" * (len(sound) - 1000),
    }
    path.write_bytes(damaged[damage])
    told(await case.run(), JournalUnusable, path, "damaged")
    path.write_bytes(sound)
    await case.assert_settled()


async def test_the_journal_is_held_by_another_run(tmp_path: Path, server: HostileServer) -> None:
    case = Case(tmp_path, server)
    with Journal(journal_of(case.account, case.state)):
        told(await case.run(), JournalBusy, "running")
    assert server.sessions == []
    await assert_nothing_lost(case)


# The destination.


async def test_the_destination_is_a_file(tmp_path: Path, server: HostileServer) -> None:
    case = Case(tmp_path, server)
    case.maildir.write_text("mine")
    told(await case.run(), DestinationUnusable, case.maildir)
    assert server.sessions == [], "it is known before anybody is asked for mail"
    case.maildir.unlink()
    await assert_nothing_lost(case)


async def test_the_destination_is_something_else(tmp_path: Path, server: HostileServer) -> None:
    case = Case(tmp_path, server)
    case.maildir.mkdir()
    (case.maildir / "holiday.jpg").touch()
    told(await case.run(), DestinationUnusable, case.maildir, "Maildir")
    (case.maildir / "holiday.jpg").unlink()
    await assert_nothing_lost(case)


async def test_the_destination_is_forbidden(tmp_path: Path, server: HostileServer) -> None:
    case = Case(tmp_path, server, KEEP)
    await case.run()
    server.maildrop.put(*letters(5)[3:])
    forbid(case.maildir / "tmp")
    told(await case.run(), DestinationUnusable, "permission")
    (case.maildir / "tmp").chmod(0o700)
    await assert_nothing_lost(case)


async def test_the_destination_vanishes_while_mail_comes(tmp_path: Path) -> None:
    async with HostileServer(letters(3)) as server:
        case = Case(tmp_path, server)

        def retr(said: object) -> None:
            (case.maildir / "tmp").rename(tmp_path / "elsewhere")
            server.instead.clear()

        server.instead["RETR"] = retr
        told(await case.run(), DestinationUnusable, case.maildir)
        assert len(server.maildrop.mails) == 3
        (tmp_path / "elsewhere").rename(case.maildir / "tmp")
        await assert_nothing_lost(case)


async def test_the_disk_is_full(tmp_path: Path, small_disk: Path) -> None:
    """Of the destination: nothing half stored, nothing deleted that is not there."""
    mails = [Mail(f"big-{n}", letter(n).content + b"x" * 200_000 + b"\r\n") for n in range(4)]
    async with HostileServer([*letters(2), *mails]) as server:
        case = Case(tmp_path, server)
        case.maildir = small_disk / "mail"
        target = parse_destination(f"maildir:{case.maildir}")
        case.account = case.account._replace(target=target)
        told(await case.run(), DestinationUnusable, "make room")
        server.maildrop.mails.remove(mails[2])
        server.maildrop.mails.remove(mails[3])
        server.maildrop.everything = [*letters(2), *mails[:2]]
        await assert_nothing_lost(case)


async def test_the_disk_of_the_state_is_full(tmp_path: Path, small_disk: Path) -> None:
    async with HostileServer(letters(3)) as server:
        case = Case(tmp_path, server)
        case.state = small_disk / "state"
        with filled(small_disk):
            told(await case.run(), JournalUnusable, case.state)
            assert len(server.maildrop.mails) == 3
        await assert_nothing_lost(case)


# The settings.


async def test_no_password(tmp_path: Path, server: HostileServer) -> None:
    case = Case(tmp_path, server)
    account = case.account
    case.account = account._replace(password=None)
    told(await case.run(), InvalidSetting, "alice", "--password-command")
    case.account = account
    await assert_nothing_lost(case)


async def test_a_password_that_cannot_be_had(tmp_path: Path, server: HostileServer) -> None:
    class NoPassword(PillarboxError):
        pass

    def fail() -> str:
        raise NoPassword("the password command failed")

    case = Case(tmp_path, server)
    case.account = case.account._replace(password=fail)
    told(await case.run(), NoPassword)
    assert not any(session.signed_in for session in server.sessions)


async def test_nobody_answers(tmp_path: Path, server: HostileServer) -> None:
    case = Case(tmp_path, server)
    async with HostileServer() as gone:
        port = gone.port
    endpoint = case.account.endpoint._replace(port=port)
    case.account = case.account._replace(endpoint=endpoint)
    told(await case.run(), Unreachable, str(port))


async def test_no_such_authority_file(tmp_path: Path, server: HostileServer) -> None:
    case = Case(tmp_path, server, DELETE)
    tls = TlsSettings(tmp_path / "no.pem")
    endpoint = case.account.endpoint._replace(security="tls")  # type: ignore[arg-type]
    case.account = case.account._replace(endpoint=endpoint, tls=tls)
    told(await case.run(), InvalidSetting, "no.pem")
