"""A Maildir as its specification (cr.yp.to/proto/maildir.html) and Maildir++ want it."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

import pytest

from pillarbox.fetch.destinations import maildir
from pillarbox.fetch.destinations.folders import TOGETHER
from pillarbox.fetch.destinations.maildir import TMP_KEPT
from pillarbox.fetch.errors import DestinationUnusable

from .conftest import Desk, staged, stored

OPEN_FILES = Path("/proc/self/fd")
LETTER = b"Subject: x\r\n\r\nbody\r\n"


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_names(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "a/b:c,d")
    stored(desk.ready("maildir"), [LETTER, LETTER])
    for name in names(desk.mail / "new"):
        pattern = r"\d+\.M\d{6}P\d+Q\d+R0a1b2c3d\.a\\057b\\072c\\054d,S=17"
        assert re.fullmatch(pattern, name), name
        assert abs(int(name.partition(".")[0]) - time.time()) < 3600
    assert len(LETTER.replace(b"\r\n", b"\n")) == 17
    assert len(set(names(desk.mail / "new"))) == 2


def test_an_existing_one_keeps_what_it_has(desk: Desk) -> None:
    for folder in ("cur", "new", "tmp", ".Archive/cur"):
        (desk.mail / folder).mkdir(parents=True)
    (desk.mail / "new" / "old").write_bytes(b"old")
    (desk.mail / "tmp" / "somebody else's").write_bytes(b"new")
    (desk.mail / "dovecot-uidlist").write_bytes(b"3")
    stored(desk.ready("maildir"), [LETTER])
    assert (desk.mail / "new" / "old").read_bytes() == b"old"
    assert (desk.mail / "tmp" / "somebody else's").read_bytes() == b"new"
    assert len(names(desk.mail / "new")) == 2


@pytest.mark.parametrize("there", [(), ("tmp",), ("tmp", "new")])
def test_one_whose_making_was_cut_off_is_completed(desk: Desk, there: tuple[str, ...]) -> None:
    for folder in there:
        (desk.mail / folder).mkdir(parents=True)
    assert stored(desk.ready("maildir"), [LETTER]) == [None]


@pytest.mark.parametrize("strange", ["cur/x", "INBOX", ".git"])
def test_a_folder_of_something_else_is_left_alone(desk: Desk, strange: str) -> None:
    desk.mail.mkdir()
    (desk.mail / strange.partition("/")[0]).write_bytes(b"x")
    with pytest.raises(DestinationUnusable):
        desk.ready("maildir")
    assert (desk.mail / strange.partition("/")[0]).read_bytes() == b"x"


@pytest.mark.parametrize("flags", ["", ":2,", ":2,RS"])
def test_what_the_user_has_read_or_removed_was_published(desk: Desk, flags: str) -> None:
    destination = desk.ready("maildir")
    tokens = staged(destination, LETTER, LETTER)
    destination.publish(tokens)
    first, second = (desk.mail / "new").iterdir()
    first.rename(desk.mail / "cur" / f"{first.name}{flags}")
    second.unlink()
    assert all(map(destination.settle, tokens))
    assert names(desk.mail / "new") == []


def aged(token: str, seconds: float) -> str:
    """*token*, had it been given so long ago."""
    given, _, rest = token.partition(".")
    return f"{int(given) - int(seconds)}.{rest}"


@pytest.mark.parametrize(
    ("age", "where", "published"),
    [
        (TMP_KEPT - 60, None, True),  # nobody may have removed it from tmp yet
        (TMP_KEPT + 60, None, False),  # the user may have, or somebody who cleaned tmp
        (TMP_KEPT + 60, "new", True),
        (TMP_KEPT + 60, "cur", True),
        (TMP_KEPT + 60, "tmp", True),
    ],
)
def test_others_may_empty_tmp_after_36_hours(
    desk: Desk, age: float, where: str | None, published: bool
) -> None:
    destination = desk.ready("maildir")
    (token,) = staged(destination, LETTER)
    old = aged(token, age)
    name = old.partition("/")[0]
    (file,) = (desk.mail / "tmp").iterdir()
    if where is None:
        file.unlink()
    elif where == "tmp":
        file.rename(desk.mail / "tmp" / name.partition(",S=")[0])
    else:
        file.rename(desk.mail / where / (f"{name}:2,S" if where == "cur" else name))
    assert destination.settle(old) is published
    assert names(desk.mail / "tmp") == []


@pytest.mark.parametrize(("library", "published"), [(True, True), (False, False)])
@pytest.mark.parametrize("moved_to", ["Archive/cur", "Projects/2026/new", "Inbox/new/cur"])
def test_a_library_moves_mail_to_other_folders(
    desk: Desk, moved_to: str, library: bool, published: bool
) -> None:
    """Only in a library is a message that is in another Maildir the same one."""
    destination = desk.ready("maildir")
    (token,) = staged(destination, LETTER)
    old = aged(token, TMP_KEPT + 60)
    target = desk.mail.parent / moved_to
    for part in ("tmp", "new", "cur"):
        (target.parent / part).mkdir(parents=True)
    (file,) = (desk.mail / "tmp").iterdir()
    file.rename(target / f"{old.partition('/')[0]}:2,S")
    if library:
        (desk.mail.parent / TOGETHER).touch()
    assert destination.settle(old) is published


def test_a_disk_that_is_not_mounted_says_nothing_about_what_is_on_it(desk: Desk) -> None:
    """Neither that it was published, nor that it was not."""
    destination = desk.ready("maildir")
    (token,) = staged(destination, LETTER)
    desk.mail.rename(desk.mail.with_name("away"))
    with pytest.raises(DestinationUnusable, match="not mounted"):
        destination.settle(token)


@pytest.mark.skipif(not OPEN_FILES.exists(), reason="needs /proc")
def test_files_are_closed(desk: Desk) -> None:
    destination = desk.ready("maildir")
    before = len(names(OPEN_FILES))
    for _ in range(3):
        stored(destination, [LETTER] * 20)
    assert len(names(OPEN_FILES)) == before


@pytest.mark.parametrize("moved_to", ["mail/cur", "Archive/cur"])
@pytest.mark.parametrize("settled", [False, True])
def test_what_a_mail_program_moves_just_then_is_synced_where_it_is_before_tmp_is(
    desk: Desk, moved_to: str, settled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may not have synced yet: in ``tmp``, ``new`` and there the name would be on no disk, and the journal says "stored"."""
    (desk.mail.parent / TOGETHER).touch()
    for part in ("tmp", "new", "cur"):
        (desk.mail.parent / "Archive" / part).mkdir(parents=True)
    destination = desk.ready("maildir")
    (token,) = staged(destination, LETTER)
    synced: list[Path] = []

    def sync(folder: Path) -> None:
        if not synced:  # the first thing after the rename
            (file,) = (desk.mail / "new").iterdir()
            file.rename(desk.mail.parent / moved_to / file.name)
        synced.append(folder)

    monkeypatch.setattr(maildir, "sync_folder", sync)
    if settled:
        assert destination.settle(token)
    else:
        destination.publish([token])
    assert desk.mail.parent / moved_to in synced[:-1]
    assert synced[-1] == desk.mail / "tmp"


def test_what_nobody_moves_costs_two_syncs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    destination = desk.ready("maildir")
    tokens = staged(destination, LETTER, LETTER)
    synced: list[str] = []
    monkeypatch.setattr(maildir, "sync_folder", lambda folder: synced.append(folder.name))
    destination.publish(tokens)
    assert synced == ["new", "tmp"]
