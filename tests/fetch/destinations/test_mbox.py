"""An mbox: its form, its locks, and each way in which a crash can leave it."""

from __future__ import annotations

import fcntl
import mailbox
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.fetch.destinations import mbox_lock
from pillarbox.fetch.destinations.envelope import sender_of
from pillarbox.fetch.destinations.mbox import MboxDestination
from pillarbox.fetch.destinations.mbox_lock import locked
from pillarbox.fetch.destinations.mboxrd import MboxForm, Quoting
from pillarbox.fetch.errors import DestinationUnusable
from tests.fetch.minirun import stored_in

from .conftest import Desk, staged, stored

LETTERS = [b"A: %d\r\n\r\nFrom a friend\r\n" % number for number in range(4)]
OLD = b"From old@example.net Mon Sep 17 00:00:00 2001\nSubject: old\n\nold\n\n"


def found(desk: Desk) -> list[bytes]:
    return stored_in(desk.target("mbox"))


# The form


def quoted(text: bytes, cuts: list[int]) -> bytes:
    quoting = Quoting()
    pieces, start = [], 0
    for cut in [*cuts, len(text)]:
        pieces.append(quoting.feed(text[start:cut]))
        start = cut
    return b"".join(pieces) + quoting.finish()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"From me\n", b">From me\n"),
        (b">From me\n", b">>From me\n"),
        (b">>>From me\n", b">>>>From me\n"),
        (b"a\nFrom \nFrom b\n", b"a\n>From \n>From b\n"),
        (b"from me\n From me\nFrom\nFrom\tme\nFromme\n>Fro\n> From me\n", None),
        (b"a From b\n", None),
        (b"x>From b\n", None),
        (b"", None),
        (b">", None),
        (b"From", None),
        (b"\nFrom", None),
        (b"From ", b">From "),
        (b"\n>>From ", b"\n>>>From "),
        (b"a\rFrom b\n", None),
    ],
)
def test_quoting(text: bytes, expected: bytes | None) -> None:
    for size in range(1, len(text) + 2):
        assert quoted(text, list(range(size, len(text), size))) == (expected or text)


@given(
    st.lists(st.sampled_from([b"From ", b">", b"\n", b"F", b"From", b"x", b" "]), max_size=30),
    st.lists(st.integers(0, 100)),
)
def test_quoting_can_be_undone_wherever_it_was_cut(parts: list[bytes], cuts: list[int]) -> None:
    text = b"".join(parts)
    result = quoted(text, sorted(cut for cut in cuts if cut <= len(text)))
    assert not re.search(rb"(?m)^From ", result)
    assert re.sub(rb"(?m)^>(>*From )", rb"\1", result) == text


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"", b"From MAILER-DAEMON @\n\n"),
        (b"x", b"From MAILER-DAEMON @\nx\n\n"),
        (b"\r\n", b"From MAILER-DAEMON @\n\n\n"),
        (b"A: b\r\n\r\nc\r\n", b"From MAILER-DAEMON @\nA: b\n\nc\n\n"),
        (b"A: b\r\n\r\nc\r", b"From MAILER-DAEMON @\nA: b\n\nc\r\n\n"),
        (b"A: b\r\n\r\nFrom", b"From MAILER-DAEMON @\nA: b\n\nFrom\n\n"),
        (b"From x\r\n\r\nFrom y\r\n", b"From MAILER-DAEMON @\n>From x\n\n>From y\n\n"),
        (
            b"Return-Path: <a@example.net>\r\nA: b\r\n\r\n",
            b"From a@example.net @\nReturn-Path: <a@example.net>\nA: b\n\n\n",
        ),
    ],
)
def test_what_a_message_becomes(message: bytes, expected: bytes) -> None:
    expected = expected.replace(b"@\n", b"Tue Nov 14 22:13:20 2023\n", 1)
    for size in range(1, len(message) + 2):
        form = MboxForm(1_700_000_000.0)
        pieces = [
            form.feed(message[start : start + size]) for start in range(0, len(message), size)
        ]
        assert b"".join(pieces) + form.finish() == expected


@pytest.mark.parametrize(
    ("head", "sender"),
    [
        (b"Return-Path: <a@b>\n\n", "a@b"),
        (b"Return-Path: a@b\r\nX: y\r\n\r\n", "a@b"),
        (b"X: y\nRETURN-PATH:<a+b=c@d>\n\n", "a+b=c@d"),
        (b"Return-Path: <>\n\n", ""),
        (b"X: y\n\nReturn-Path: <a@b>\n", ""),
        (b"Return-Path: <a b@c>\n\n", ""),
        (b"Return-Path: <a@b> From x\n\n", ""),
        (b"Return-Path: <\xc3\xa4@b>\n\n", ""),
        (b"X-Return-Path: <a@b>\n\n", ""),
        (b"", ""),
    ],
)
def test_the_envelope_sender(head: bytes, sender: str) -> None:
    assert sender_of(head) == sender


@pytest.mark.parametrize(
    ("before", "padding"),
    [(b"", b""), (OLD, b""), (OLD[:-1], b"\n"), (OLD[:-2], b"\n\n")],
)
def test_a_message_begins_after_an_empty_line(desk: Desk, before: bytes, padding: bytes) -> None:
    desk.mail.write_bytes(before)
    stored(desk.ready("mbox"), LETTERS[:1])
    text = desk.mail.read_bytes()
    assert text.startswith(before + padding + b"From MAILER-DAEMON ")
    assert text.endswith(b"\n>From a friend\n\n")
    box = mailbox.mbox(desk.mail, create=False)
    assert len(box) == (2 if before else 1)
    box.close()


def test_a_file_that_is_no_mbox_is_left_alone(desk: Desk) -> None:
    desk.mail.write_bytes(b"my thesis")
    with pytest.raises(DestinationUnusable, match=r"is not an mbox"):
        desk.ready("mbox")
    desk.mail.unlink()
    desk.mail.mkdir()
    with pytest.raises(DestinationUnusable, match=r"it is a folder, not a file"):
        desk.ready("mbox")


# Crashes


class Died(BaseException):
    """This process has been killed, as far as the destination can tell."""


def cut_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Publish, and die when all is appended and synced, but nothing is taken away yet."""
    destination = desk.ready("mbox")
    tokens = staged(destination, *LETTERS)
    with monkeypatch.context() as patch:
        patch.setattr(MboxDestination, "_take", _die)
        with pytest.raises(Died):
            destination.publish(tokens)
    return tokens


def _die(*_: object) -> None:
    raise Died


def settle_all(desk: Desk, tokens: list[str]) -> None:
    destination = desk.open("mbox")
    destination.prepare(tokens)
    assert all(map(destination.settle, tokens))
    assert not list(desk.owner.spool.rglob("*R0a1b2c3d*"))
    assert not list(desk.owner.spool.rglob("intent*"))


@pytest.mark.parametrize("before", [b"", OLD, OLD[:-2]])
@pytest.mark.parametrize("zeros", [0, 1, 5000])
def test_cut_off_at_any_octet(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, before: bytes, zeros: int
) -> None:
    """The file ends after any part of what was appended, perhaps with zeros behind it."""
    desk.mail.write_bytes(before)
    tokens = cut_off(desk, monkeypatch)
    whole = desk.mail.read_bytes()
    spool = {path: path.read_bytes() for path in desk.owner.spool.rglob("*") if path.is_file()}
    for size in range(len(before), len(whole), 1 if zeros == 1 and before else 7):
        for path, content in spool.items():
            path.write_bytes(content)
        desk.mail.write_bytes(whole[:size] + b"\0" * zeros)
        settle_all(desk, tokens)
        assert desk.mail.read_bytes() == whole


def test_all_was_appended_and_more_by_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = cut_off(desk, monkeypatch)
    whole = desk.mail.read_bytes() + OLD
    desk.mail.write_bytes(whole)
    settle_all(desk, tokens)
    assert desk.mail.read_bytes() == whole


@pytest.mark.parametrize("gone", [(), (0,), (3,), (1, 2), (0, 1, 2, 3)])
def test_the_user_has_rewritten_the_file(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, gone: tuple[int, ...]
) -> None:
    """What is found is not appended again; what is not found is."""
    desk.mail.write_bytes(OLD)
    tokens = cut_off(desk, monkeypatch)
    messages = desk.mail.read_bytes()[len(OLD) :].split(b"\n\nFrom MAILER")
    kept = [text for number, text in enumerate(messages) if number not in gone]
    new = b"\n\nFrom MAILER".join(kept).removeprefix(b"\n\n")
    if new and not new.startswith(b"From "):
        new = b"From MAILER" + new
    desk.mail.write_bytes(new if not new or new.endswith(b"\n\n") else new + b"\n\n")
    settle_all(desk, tokens)
    assert found(desk) == LETTERS


def test_two_messages_that_are_the_same_are_two(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)
    monkeypatch.setattr("tests.fetch.destinations.test_mbox.LETTERS", [LETTERS[0]] * 3)
    desk.mail.write_bytes(OLD)
    tokens = cut_off(desk, monkeypatch)
    whole = desk.mail.read_bytes()
    one = (len(whole) - len(OLD)) // 3
    desk.mail.write_bytes(whole[len(OLD) :][: 2 * one])
    settle_all(desk, tokens)
    assert found(desk) == [LETTERS[0]] * 3


def test_a_full_disk_leaves_the_file_as_it_was(desk: Desk) -> None:
    """No file may grow beyond a limit: in a process of its own."""
    code = """
import resource, signal, sys
from pathlib import Path
from pillarbox.fetch.errors import DestinationUnusable
from tests.fetch.destinations.conftest import Desk, staged
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
desk = Desk(Path(sys.argv[1]))
destination = desk.ready("mbox")
tokens = staged(destination, b"A: b\\r\\n\\r\\n" + b"x\\r\\n" * 1000, b"C: d\\r\\n\\r\\n" + b"x\\r\\n" * 1000)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
try:
    destination.publish(tokens)
except DestinationUnusable as error:
    print(error)
print(*tokens, sep="\\n")
"""
    desk.mail.write_bytes(OLD)
    done = subprocess.run(
        [sys.executable, "-c", code, str(desk.mail.parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    said, *tokens = done.stdout.splitlines()
    assert str(desk.mail) in said
    assert "limit on the size of files" in said
    assert desk.mail.read_bytes() == OLD
    settle_all(desk, tokens)
    assert [len(text) for text in found(desk)] == [3008, 3008, 21]


# Locks


@contextmanager
def few_tries(patch: pytest.MonkeyPatch) -> Iterator[None]:
    with patch.context() as inner:
        inner.setattr(mbox_lock, "TRIES", 3)
        inner.setattr(mbox_lock, "PAUSE", 0.0)
        yield


def test_both_locks_are_held_and_given_back(tmp_path: Path) -> None:
    path = tmp_path / "mail"
    with locked(path, "mark"):
        assert (tmp_path / "mail.lock").read_text() == f"{os.getpid()}\n"
        code = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
        tried = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
        )
        assert "BlockingIOError" in tried.stderr
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "0\n", "{me}\n", "1\n", "a host\n", "9" * 30])
def test_a_lock_file_of_a_living_program(
    tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, dotlock = tmp_path / "mail", tmp_path / "mail.lock"
    dotlock.write_text(content.format(me=os.getpid()))
    with (
        few_tries(monkeypatch),
        pytest.raises(DestinationUnusable, match=rf"kept it locked .* remove {dotlock}"),
        locked(path, "mark"),
    ):
        pass
    assert list(tmp_path.iterdir()) == [dotlock]


def test_a_lock_file_of_a_dead_program(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / "mail.lock").write_text(f"{dead.pid}\n")
    with locked(tmp_path / "mail", "mark"):
        pass
    assert not (tmp_path / "mail.lock").exists()


def test_a_lock_file_that_does_not_say_whose_it_is_grows_old(tmp_path: Path) -> None:
    dotlock = tmp_path / "mail.lock"
    dotlock.write_text("0\n")
    old = time.time() - mbox_lock.STALE - 1
    os.utime(dotlock, (old, old))
    with locked(tmp_path / "mail", "mark"):
        pass


def test_a_record_lock_of_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mail"
    path.touch()
    code = (
        "import fcntl, sys\nfile = open(sys.argv[1], 'r+b')\n"
        "fcntl.lockf(file, fcntl.LOCK_EX)\nprint('held', flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == b"held\n"
        with few_tries(monkeypatch), pytest.raises(DestinationUnusable), locked(path, "mark"):
            pass
        assert not (tmp_path / "mail.lock").exists()
    with locked(path, "mark"):
        pass


def test_the_file_is_replaced_while_it_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail program writes a new file and renames it over the old one."""
    path = tmp_path / "mail"
    path.write_bytes(b"old")
    new = tmp_path / "new"
    new.write_bytes(b"new")

    real = fcntl.lockf

    def lockf(descriptor: int, how: int) -> None:
        real(descriptor, how)
        if new.exists():
            new.rename(path)

    monkeypatch.setattr(fcntl, "lockf", lockf)
    monkeypatch.setattr(mbox_lock, "PAUSE", 0.0)
    with locked(path, "mark") as descriptor:
        assert os.pread(descriptor, 3, 0) == b"new"


def test_a_symbolic_link_is_locked_where_the_file_is(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "mail").symlink_to(tmp_path / "folder" / "real")
    with locked(tmp_path / "mail", "mark"):
        assert (tmp_path / "folder" / "real.lock").exists()
