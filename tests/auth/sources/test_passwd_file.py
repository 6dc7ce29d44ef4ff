"""Accounts in a passwd-file; what Dovecot makes of the same file is the measure."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.sources import passwd_file
from pillarbox.auth.sources.contract import SourceAccount
from pillarbox.auth.sources.passwd_file import QUIET_SECONDS, PasswdFile
from tests.auth.sources.contract import (
    KNOWN,
    OTHER,
    OTHER_PASSWORD,
    PASSWORD,
    SourceContract,
    World,
)
from tests.realservers.dovecot import why_not as why_no_dovecot
from tests.realservers.server import open_folder, running, wait_until_it_listens


class Clock:
    """Seconds since 1970, as the times of files are."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class File:
    """The file, each change of which is given a time of its own."""

    path: Path
    clock: Clock

    def write(self, text: str | bytes) -> None:
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.touch()

    def touch(self) -> None:
        self.clock.seconds += 1
        os.utime(self.path, (self.clock.seconds, self.clock.seconds))

    def later(self) -> None:
        """So much time goes by that a change is over."""
        self.clock.seconds += QUIET_SECONDS


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path, clock: Clock) -> File:
    return File(tmp_path / "users", clock)


Open = Callable[..., PasswdFile]


@pytest.fixture
async def open_file(file: File, clock: Clock) -> AsyncIterator[Open]:
    opened: list[PasswdFile] = []

    def open_it(text: str | bytes | None = None, scheme: str = "CRYPT") -> PasswdFile:
        if text is not None:
            file.write(text)
        source = PasswdFile(file.path, domains=["example.org"], default_scheme=scheme, now=clock)
        opened.append(source)
        return source

    yield open_it
    for source in opened:
        await source.close()


@dataclass
class FileWorld(World):
    async def opens(self, account: SourceAccount, password: str) -> bool:
        assert not await self.source.proves(account, password)
        return f"{{PLAIN}}{password}" in account.hashes

    def go_away(self) -> None:
        """Nothing was read yet, and nothing can be."""
        assert isinstance(self.source, PasswdFile)
        self.source._path.rename(self.source._path.with_name("away"))
        self.source._accounts = self.source._version = None

    def come_back(self) -> None:
        assert isinstance(self.source, PasswdFile)
        self.source._path.with_name("away").rename(self.source._path)


class TestPasswdFile(SourceContract):
    @pytest.fixture
    def world(self, open_file: Open) -> World:
        text = f"{KNOWN}:{{PLAIN}}{PASSWORD}\n{OTHER}:{{PLAIN}}{OTHER_PASSWORD}\n"
        return FileWorld(open_file(text))


async def account(source: PasswdFile, user: str = "alice") -> SourceAccount:
    found = await source.find(user)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("alice:{SHA512-CRYPT}$6$s$h", SourceAccount("alice", ("{SHA512-CRYPT}$6$s$h",))),
        ("alice:{ssha.b64}x:1:1::/h::", SourceAccount("alice", ("{ssha.b64}x",))),
        ("alice:$6$s$h:1000:1000:Alice A.:/home/a:/bin/sh", SourceAccount("alice", ("{CRYPT}$6$s$h",))),
        ("alice:$argon2id$v=19$x", SourceAccount("alice", ("{ARGON2ID}$argon2id$v=19$x",))),
        ("Alice@Example.ORG:{PLAIN}x", SourceAccount("alice", ("{PLAIN}x",))),
        ("alice:{PLAIN}x\r", SourceAccount("alice", ("{PLAIN}x",))),
        ("alice", SourceAccount("alice")),
        ("alice:", SourceAccount("alice")),
        ("alice::1:1", SourceAccount("alice")),
        ("alice:!{PLAIN}x", SourceAccount("alice")),
        ("alice:*", SourceAccount("alice")),
        ("alice:::::::nopassword", SourceAccount("alice")),
        ("alice:{PLAIN}x::::::nopassword=y", SourceAccount("alice")),
        ("alice:{PLAIN}x::::::nologin", SourceAccount("alice", ("{PLAIN}x",), disabled=True)),
        ("alice:{PLAIN}x::::::allow_nets=10.0.0.0/8", SourceAccount("alice", ("{PLAIN}x",), disabled=True)),
        (
            "alice:{PLAIN}x:::::: proxy=y  userdb_quota_rule=*:storage=1G userdb_mail=a:b",
            SourceAccount("alice", ("{PLAIN}x",), quota_octets=1 << 30),
        ),
        ("alice:{PLAIN}x::::::userdb_quota_rule=*:storage=10", SourceAccount("alice", ("{PLAIN}x",), quota_octets=10 << 10)),
        ("alice:{PLAIN}x::::::userdb_quota_rule=*:bytes=10M:messages=5", SourceAccount("alice", ("{PLAIN}x",), quota_octets=10 << 20)),
        ("alice:{PLAIN}x::::::userdb_quota_storage_size=2G", SourceAccount("alice", ("{PLAIN}x",), quota_octets=2 << 30)),
        ("alice:{PLAIN}x::::::userdb_quota_rule=Trash:storage=1G", SourceAccount("alice", ("{PLAIN}x",))),
    ],
)  # fmt: skip
async def test_a_line_is_an_account(open_file: Open, line: str, expected: SourceAccount) -> None:
    source = open_file(f"# users\n\n:\n  \n{line}\nbob:x\n")
    with structlog.testing.capture_logs() as logs:
        assert await source.find("alice") == expected
    assert [entry["event"] for entry in logs] == ["passwd-file read"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"a/b:{PLAIN}hidden", "name"),
        (b"alice+phone:{PLAIN}hidden", "name"),
        (b"\xff\xfe:{PLAIN}hidden", "name"),
        (b"@example.org:{PLAIN}hidden", "name"),
        (b"bob:{PLAIN hidden", "scheme"),
        (b"bob:{PLAIN}hid\tden", "unprintable"),
        (b"bob:{PLAIN}hidden\xff", "unprintable"),
        (b"bob:{PLAIN}hidden::::::userdb_quota_rule=*:storage=hidden", "size"),
        (b"bob:{PLAIN}hidden::::::userdb_quota_rule=*:bytes=99999999T", "size"),
        (b"bob:{PLAIN}hidden::::::user=hidden", "user="),
        (b"bob:" + b"hidden" * 2000, "4096"),
        (b"alice:{PLAIN}hidden", "already"),
        (b"ALICE@example.org:{PLAIN}hidden", "already"),
    ],
)
async def test_a_faulty_line_is_told_by_its_number_only(
    open_file: Open, line: bytes, problem: str
) -> None:
    source = open_file(b"alice:{PLAIN}x\n# \n" + line + b"\ncarol:{PLAIN}y\n")
    with structlog.testing.capture_logs() as logs:
        assert (await account(source)).hashes == ("{PLAIN}x",)
    assert (await account(source, "carol")).hashes == ("{PLAIN}y",)
    warning, _ = logs
    assert (warning["line"], warning["log_level"]) == (3, "warning")
    assert problem in warning["problem"]
    assert "hid" not in str(logs).lower()


async def test_who_has_a_faulty_line_gets_mail_and_cannot_sign_in(open_file: Open) -> None:
    source = open_file("alice:{PLAIN}x\nbob:{PLAIN x\n")
    assert await source.find("bob") == SourceAccount("bob", disabled=True)


async def test_many_faulty_lines_do_not_fill_the_log(open_file: Open) -> None:
    source = open_file("alice:{PLAIN}x\n" + "a b:x\n" * 500)
    with structlog.testing.capture_logs() as logs:
        await source.find("alice")
    assert len(logs) == passwd_file.MOST_WARNINGS + 2
    assert logs[-2]["lines"] == 500 - passwd_file.MOST_WARNINGS


async def test_users_of_other_domains_are_passed_over(open_file: Open) -> None:
    source = open_file("alice@example.net:{PLAIN}x\nalice@example.org:{PLAIN}y\n")
    with structlog.testing.capture_logs() as logs:
        assert (await account(source)).hashes == ("{PLAIN}y",)
    assert logs[0]["of_other_domains"] == 1


async def test_a_change_is_seen(open_file: Open, file: File) -> None:
    source = open_file("alice:{PLAIN}x\n")
    assert await account(source)
    file.write("alice:{PLAIN}y\nbob:{PLAIN}z\n")
    file.later()
    assert (await account(source)).hashes == ("{PLAIN}y",)
    assert (await account(source, "bob")).hashes == ("{PLAIN}z",)
    file.write("bob:{PLAIN}z\n")
    file.later()
    assert await source.find("alice") is None


async def test_a_change_that_keeps_size_and_time_is_seen(open_file: Open, file: File) -> None:
    """As `mv new users` with its times kept."""
    source = open_file("alice:{PLAIN}x\n")
    assert await account(source)
    found = file.path.stat()
    other = file.path.with_name("new")
    other.write_text("alice:{PLAIN}y\n")
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    other.replace(file.path)
    file.later()
    assert (await account(source)).hashes == ("{PLAIN}y",)


async def test_a_file_that_is_being_written_is_not_read(open_file: Open, file: File) -> None:
    source = open_file("alice:{PLAIN}x\nbob:{PLAIN}x\n")
    assert await account(source)
    file.later()
    file.write("alice:{PLAIN}y\n")  # bob is still to come
    assert (await account(source, "bob")).hashes == ("{PLAIN}x",)
    file.write("alice:{PLAIN}y\nbob:{PLAIN}y\n")
    file.later()
    assert (await account(source, "bob")).hashes == ("{PLAIN}y",)


def _remove(file: File) -> None:
    file.path.unlink()


def _empty(file: File) -> None:
    file.write("# nobody\n")


def _make_folder(file: File) -> None:
    file.path.unlink()
    file.path.mkdir()


def _make_pipe(file: File) -> None:
    file.path.unlink()
    os.mkfifo(file.path)


@pytest.mark.parametrize("spoil", [_remove, _empty, _make_folder, _make_pipe])
async def test_a_file_that_cannot_be_used_leaves_all_as_it_was(
    open_file: Open, file: File, spoil: Callable[[File], None]
) -> None:
    source = open_file("alice:{PLAIN}x\n")
    assert await account(source)
    spoil(file)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            file.later()
            assert (await account(source)).hashes == ("{PLAIN}x",)
    (said,) = logs  # once
    assert said["log_level"] == "error"
    assert str(file.path) in said["problem"]
    if file.path.is_dir():
        file.path.rmdir()
    else:
        file.path.unlink(missing_ok=True)
    file.write("alice:{PLAIN}y\n")
    file.later()
    assert (await account(source)).hashes == ("{PLAIN}y",)


@pytest.mark.parametrize("spoil", [_remove, _empty, _make_folder, _make_pipe])
async def test_a_file_that_could_never_be_used_makes_nobody_unknown(
    open_file: Open, file: File, spoil: Callable[[File], None]
) -> None:
    source = open_file("alice:{PLAIN}x\n")
    spoil(file)
    with pytest.raises(AccountsUnavailable, match=r"passwd-file: .*users"):
        await source.find("alice")


async def test_a_file_that_is_no_passwd_file_does_not_fill_the_memory(
    open_file: Open, file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwd_file, "MAX_FILE_OCTETS", 1 << 20)
    source = open_file()
    with file.path.open("wb") as stream:
        stream.truncate(2 << 20)
    with pytest.raises(AccountsUnavailable, match="larger than 1 MiB"):
        await source.find("alice")


async def test_who_is_not_in_a_file_that_is_being_written_is_not_unknown(
    open_file: Open, file: File
) -> None:
    """A script adds a user and at once sends a welcome."""
    source = open_file("alice:{PLAIN}x\n")
    assert await account(source)
    file.write("alice:{PLAIN}x\ncarol:{PLAIN}y\n")
    with pytest.raises(AccountsUnavailable, match="being changed"):
        await source.find("carol")
    file.later()
    assert await account(source, "carol")
    assert await source.find("nobody-here") is None


async def test_a_change_counts_at_once_after_a_quiet_hour(open_file: Open, file: File) -> None:
    """Not only for whoever asks second."""
    source = open_file("alice:{PLAIN}x\n")
    assert await account(source)
    file.write("bob:{PLAIN}y\n")
    file.clock.seconds += 3600
    assert await source.find("alice") is None
    assert await account(source, "bob")


async def test_a_large_file_is_read_while_the_event_loop_goes_on(
    open_file: Open, file: File
) -> None:
    lines = "".join(f"user{n}:{{PLAIN}}{n}:1:1::/home/{n}::\n" for n in range(100_000))
    source = open_file(lines)
    turns = 0
    asking = asyncio.ensure_future(account(source, "user99999"))
    while not asking.done():
        await asyncio.sleep(0)
        turns += 1
    assert (await asking).hashes == ("{PLAIN}99999",)
    assert turns > 10


async def test_a_disk_that_hangs_leaves_all_as_it_was(
    open_file: Open, file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_file("alice:{PLAIN}x\n")
    assert await account(source)
    monkeypatch.setattr(source._thread, "_timeout", 0.1)
    gate = threading.Event()
    real = passwd_file._version

    def hanging(path: Path) -> object:
        gate.wait()
        return real(path)

    monkeypatch.setattr(passwd_file, "_version", hanging)
    try:
        assert (await account(source)).hashes == ("{PLAIN}x",)
        with pytest.raises(AccountsUnavailable):  # may have come since
            await source.find("carol")
    finally:
        gate.set()


DOVECOT = """\
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
base_dir = {folder}/run
state_dir = {folder}/state
log_path = /dev/stderr
protocols =
auth_failure_delay = 0
ssl = no
mail_location = maildir:{folder}/%u
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
  default_fields = uid=1000 gid=1000 home=/h
}}
"""
SECRET = {
    "plain": "{PLAIN}secret",
    "crypted": "$1$salt$jSnLsTjxp2iq8nOFLBPHL/:1:1",  # MD5-CRYPT of another word
    "wrong": "{PLAIN}public",
    "full": "{PLAIN}secret:1000:1000:Somebody:/home/full:/bin/sh:userdb_quota_rule=*:storage=1G",
    "nologin": "{PLAIN}secret::::::nologin",
    "empty": "",
    "nets": "{PLAIN}secret::::::allow_nets=192.0.2.0/24",
}


def let_in_by_dovecot(folder: Path, names: Iterable[str]) -> set[str]:
    """Whom Dovecot lets in with the password ``secret``, by the file ``users``."""
    configuration, log = folder / "dovecot.conf", folder / "log"
    configuration.write_text(DOVECOT.format(folder=folder))
    let_in = set()
    with running(["/usr/sbin/dovecot", "-F", "-c", str(configuration)], log) as process:
        wait_until_it_listens(process, str(folder / "run" / "auth-client"), log)
        for name in names:
            done = subprocess.run(
                ["doveadm", "-c", configuration, "auth", "test", name, "secret"],
                capture_output=True,
                check=False,
            )
            # To this command nologin is a hint to whoever asks: the password is right.
            if done.returncode == 0 and b"nologin\n" not in done.stdout:
                let_in.add(name)
    return let_in


async def test_dovecot_lets_the_same_users_in() -> None:
    if reason := why_no_dovecot():
        pytest.skip(reason)
    with open_folder() as folder:
        users = folder / "users"
        users.write_text("# a comment\n\n" + "".join(f"{n}:{t}\n" for n, t in SECRET.items()))
        users.chmod(0o644)
        names = [*SECRET, "nobody-here"]
        theirs = await asyncio.to_thread(let_in_by_dovecot, folder, names)
        source = PasswdFile(users)
        found = {name: await source.find(name) for name in names}
        await source.close()
    ours = {
        name
        for name, account in found.items()
        if account and "{PLAIN}secret" in account.hashes and not account.disabled
    }
    assert ours == theirs == {"plain", "full"}
