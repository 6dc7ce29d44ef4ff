"""The system's users by PAM: run by ``test_pam.py``, in a process that sees another ``/etc``.

The modules are real ones: ``pam_matrix``, which reads passwords from a file, and ``pam_unix``.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.sources.contract import SourceAccount
from pillarbox.auth.sources.pam import PamSource
from tests.auth.sources.contract import (
    KNOWN,
    OTHER,
    OTHER_PASSWORD,
    PASSWORD,
    SourceContract,
    World,
)

MODULE = os.environ["PILLARBOX_TESTS_PAM_MATRIX"]
SERVICES = Path("/etc/pam.d")


@dataclass
class PamWorld(World):
    service: Path
    works: str

    async def opens(self, account: SourceAccount, password: str) -> bool:
        assert account.hashes == ()
        return await self.source.proves(account, password)

    async def ask(self) -> object:
        return await self.source.proves(SourceAccount(KNOWN), PASSWORD)

    def go_away(self) -> None:
        self.service.write_text(f"auth required {MODULE} passdb=/nonexistent/file\n")

    def come_back(self) -> None:
        self.service.write_text(self.works)


def put(path: Path, text: str) -> None:
    """Small files of the test, in functions that are coroutines for other reasons."""
    path.write_text(text)


@pytest.fixture
def service() -> Iterator[Path]:
    """A service of PAM; empty."""
    path = SERVICES / f"pillarbox-test-{os.getpid()}"
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture
async def source(service: Path, tmp_path: Path) -> AsyncIterator[PamSource]:
    """By pam_matrix."""
    passwords = tmp_path / "passwords"
    known = {KNOWN: PASSWORD, OTHER: OTHER_PASSWORD, "backup": PASSWORD, "nobody": PASSWORD}
    put(passwords, "".join(f"{name}:{text}:{service.name}\n" for name, text in known.items()))
    put(service, f"auth required {MODULE} passdb={passwords}\naccount required pam_permit.so\n")
    source = PamSource(service.name)
    yield source
    await source.close()


class TestPamMatrix(SourceContract):
    @pytest.fixture
    def world(self, source: PamSource, service: Path) -> World:
        return PamWorld(source, service, service.read_text())


@pytest.fixture
async def unix(service: Path) -> AsyncIterator[PamSource]:
    """By pam_unix, as Debian's ``common-auth`` has it."""
    put(service, "auth required pam_unix.so nullok\naccount required pam_unix.so\n")
    source = PamSource(service.name)
    yield source
    await source.close()


async def proves(source: PamSource, user: str, password: str) -> bool:
    account = await source.find(user)
    assert account is not None
    return await source.proves(account, password)


async def test_users_of_the_system_itself_have_no_mail(source: PamSource) -> None:
    """backup has the number 34, nobody 65534, and systemd makes up 61200 for services."""
    for name in ("root", "backup", "nobody", "made-up"):
        assert await source.find(name) is None
    assert await source.find("domain") is not None  # directories give larger ones


async def test_numbers_and_names_may_be_kept_out(service: Path) -> None:
    source = PamSource(service.name, min_uid=2000, exclude=["domain"])
    assert await source.find(KNOWN) is None
    assert await source.find("domain") is None
    assert await source.find("later") is not None
    await source.close()


async def test_a_user_that_is_made_anew_has_another_stamp(source: PamSource) -> None:
    first, second = await source.find(KNOWN), await source.find(OTHER)
    assert first is not None
    assert second is not None
    assert first.stamp != second.stamp


async def test_pam_unix_proves(unix: PamSource) -> None:
    assert await proves(unix, KNOWN, PASSWORD)
    assert not await proves(unix, KNOWN, OTHER_PASSWORD)
    assert not await proves(unix, OTHER, PASSWORD)


async def test_an_account_without_a_password_opens_to_nobody(unix: PamSource) -> None:
    """``nullok`` would let anybody in, whatever the password."""
    for password in ("", "x", PASSWORD):
        assert not await proves(unix, "open", password)


async def test_an_account_that_has_expired_is_shut(unix: PamSource) -> None:
    """The password is right; the account phase says no."""
    assert not await proves(unix, "expired", PASSWORD)


async def test_a_password_that_has_to_be_changed_opens_nothing(unix: PamSource) -> None:
    assert not await proves(unix, "stale", PASSWORD)


async def test_a_locked_password_opens_nothing(unix: PamSource) -> None:
    assert not await proves(unix, "locked", PASSWORD)


async def test_pam_does_not_wait_after_a_wrong_password(service: Path) -> None:
    """Else a guesser would hold all threads. pam_faildelay asks for an hour here."""
    put(service, "auth optional pam_faildelay.so delay=3600000000\nauth required pam_deny.so\n")
    source = PamSource(service.name, threads=1)
    assert not await source.proves(SourceAccount(KNOWN), PASSWORD)
    await source.close()


async def test_pam_runs_on_other_threads_than_the_event_loop(
    source: PamSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    real = pwd.getpwnam

    def noted(name: str) -> pwd.struct_passwd:
        asked.append(threading.current_thread().name)
        return real(name)

    monkeypatch.setattr(pwd, "getpwnam", noted)
    assert await source.find(KNOWN) is not None
    assert asked
    assert all(name.startswith("pam ") for name in asked)


async def test_a_module_that_hangs_is_not_waited_for(service: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    script = tmp_path / "hang"
    put(script, f"#!/bin/sh\nread line <{gate}\nexit 0\n")
    script.chmod(0o755)
    put(service, f"auth required pam_exec.so quiet {script}\naccount required pam_permit.so\n")
    source = PamSource(service.name, threads=1, timeout=0.2)
    for _ in range(2):
        with pytest.raises(AccountsUnavailable, match=r"pam: no answer within 0\.2 seconds"):
            await source.proves(SourceAccount(KNOWN), PASSWORD)
    with await asyncio.to_thread(gate.open, "w") as stream:
        stream.write("go on\n")
    await source.close()


async def test_a_service_that_is_broken_is_no_refusal(service: Path) -> None:
    put(service, "auth required pam_no_such_module.so\n")
    source = PamSource(service.name)
    with pytest.raises(AccountsUnavailable, match=service.name):
        await source.proves(SourceAccount(KNOWN), PASSWORD)
    await source.close()
