import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.sources.found import SourceUnusable
from pillarbox.sources.maildir import Maildir
from tests.sources.made import Put


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close whatever a test opens."""
    opened: list[Maildir] = []
    make = Maildir.__init__

    def remember(self: Maildir, path: Path) -> None:
        make(self, path)
        opened.append(self)

    monkeypatch.setattr(Maildir, "__init__", remember)
    yield
    for source in opened:
        source.close()


def labels(maildir: Path) -> list[str]:
    return [found.label for found in Maildir(maildir)]


def test_new_and_cur_in_the_order_of_delivery(maildir: Path, put: Put) -> None:
    put("cur/1700000002.M1P9.host:2,S", b"c")
    put("new/1700000001.M900000P1.host", b"b")
    put("new/1700000001.M5P2.host", b"a")
    put("cur/1700000003.host:2,", b"e")
    put("new/1700000002.V12I34M2.host,S=1", b"d")
    put("new/plain", b"z")  # no time in its name: its own, 1600000000, is the earliest
    put("tmp/1600000000.M1P1.host", b"not delivered yet")
    put("new/.hidden", b"no message")
    source = Maildir(maildir)
    assert source.total == 6
    assert b"".join(found.raw or b"?" for found in source) == b"zabcde"


def test_what_is_marked_as_trashed_is_left_out_and_said(maildir: Path, put: Put) -> None:
    put("cur/1.a:2,ST", b"x")
    put("cur/2.T:2,S", b"y")
    source = Maildir(maildir)
    assert source.notes == ("left out, as marked for deletion: 1",)
    assert [found.raw for found in source] == [b"y"]


def test_other_folders_are_left_out_and_said(maildir: Path) -> None:
    for name in (".Sent", ".Archive.2020"):
        (maildir / name / "cur").mkdir(parents=True)
    (maildir / ".dovecot.d").mkdir()
    (note,) = Maildir(maildir).notes
    assert ".Archive.2020, .Sent;" in note


@pytest.mark.parametrize("name", ["dovecot-uidlist", "courierpop3dsizelist"])
def test_unique_ids_that_are_not_taken_over_are_said(maildir: Path, name: str) -> None:
    (maildir / name).touch()
    (note,) = Maildir(maildir).notes
    assert "download it again" in note


def test_no_link_is_followed_and_no_fifo_waited_for(
    maildir: Path, put: Put, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"of somebody else")
    (maildir / "new" / "1.link").symlink_to(secret)
    os.mkfifo(maildir / "new" / "2.fifo")
    (maildir / "new" / "3.folder").mkdir()
    put("new/4.good", b"mail")
    link, fifo, folder, good = Maildir(maildir)
    assert (link.raw, link.problem) == (None, "is a symbolic link: none is followed")
    assert (fifo.raw, folder.raw, good.raw) == (None, None, b"mail")
    assert "not a regular file" in fifo.problem
    assert folder.problem == "cannot be read: Is a directory"


@pytest.mark.parametrize("folder", ["cur", "new"])
def test_no_linked_folder_is_followed(maildir: Path, tmp_path: Path, folder: str) -> None:
    (maildir / folder).rmdir()
    (tmp_path / "elsewhere").mkdir()
    (maildir / folder).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SourceUnusable, match=str(maildir / folder)):
        Maildir(maildir)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\r\n\r\n", "is empty"),
        (b"\x1f\x8b\x08\x00rest", "is packed with gzip; unpack it first"),
        (b"\x28\xb5\x2f\xfdrest", "is packed with zstd; unpack it first"),
    ],
)
def test_what_is_no_message(maildir: Path, put: Put, content: bytes, problem: str) -> None:
    put("new/1.a", content)
    (found,) = Maildir(maildir)
    assert (found.raw, found.problem) == (None, problem)


def test_a_message_that_a_client_marks_as_read_meanwhile_is_found(maildir: Path, put: Put) -> None:
    path = put("new/1.a", b"mail")
    source = Maildir(maildir)
    path.rename(maildir / "cur" / "1.a:2,S")
    assert [found.raw for found in source] == [b"mail"]


def test_a_message_that_is_removed_meanwhile_is_a_problem_of_its_own(
    maildir: Path, put: Put
) -> None:
    path = put("new/1.a", b"mail")
    put("new/2.b", b"more")
    source = Maildir(maildir)
    path.unlink()
    gone, there = source
    assert gone.raw is None
    assert "removed meanwhile" in gone.problem
    assert there.raw == b"more"


def test_a_name_that_is_not_utf8(maildir: Path, put: Put) -> None:
    put("new/1.\udcff", b"mail")
    assert labels(maildir) == ["new/1.\udcff"]
