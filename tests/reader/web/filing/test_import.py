from __future__ import annotations

import asyncio
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pillarbox.reader.contracts import Report
from pillarbox.reader.errors import LibraryUnusable, NotImportable
from pillarbox.reader.incoming import receive_in
from pillarbox.reader.library.library import MailLibrary
from pillarbox.reader.model import ARCHIVE, Folder, Imported, Progress
from pillarbox.reader.preferences import Preferences
from pillarbox.reader.web.features.filing.jobs import KEPT, MAX_TOLD, Jobs
from tests.reader.desk import make_desk
from tests.reader.library.conftest import Place

LETTER = b"From: ann@example.org\nSubject: imported\n\ntext\n"
MBOX = b"From x Mon Nov 23 20:19:00 2026\n" + LETTER + b"\n"


async def ended(browser: httpx.AsyncClient, reply: httpx.Response) -> str:
    """The page of the import once it is over."""
    assert reply.status_code == 303, reply.text
    assert reply.headers["location"].startswith("/import/")
    for thread in threading.enumerate():
        if thread.name == "import":
            await asyncio.to_thread(thread.join)
    return (await browser.get(reply.headers["location"])).text


async def test_files_are_sent(
    browser: httpx.AsyncClient, library: MailLibrary, place: Place
) -> None:
    files = [("file", ("../a.mbox", MBOX)), ("file", ("b.eml", LETTER + b"more\n"))]
    reply = await browser.post("/import", data={"into": "Archive"}, files=files)
    page = await ended(browser, reply)
    assert "2 messages imported" in page
    assert library.page(ARCHIVE, 0, 9).total == 2
    assert list((place.root / "incoming").iterdir()) == [], "nothing is left of the upload"
    reply = await browser.post("/import", data={"into": "Archive"}, files=files[:1])
    assert "1 there already" in await ended(browser, reply)


async def test_a_place_on_this_machine(
    browser: httpx.AsyncClient, library: MailLibrary, tmp_path: Path
) -> None:
    (tmp_path / "old").write_bytes(MBOX)
    data = {"into": "Archive", "path": str(tmp_path / "old")}
    reply = await browser.post("/import", data=data)
    assert "1 message imported" in await ended(browser, reply)
    assert (tmp_path / "old").read_bytes() == MBOX


async def test_what_came_into_folders_is_said(
    browser: httpx.AsyncClient, library: MailLibrary, tmp_path: Path
) -> None:
    (tmp_path / "old/R&D.sbd").mkdir(parents=True)
    (tmp_path / "old/Inbox").write_bytes(MBOX)
    (tmp_path / "old/R&D.sbd/2026").write_bytes(MBOX.replace(b"text", b"other"))
    data = {"into": "Archive", "path": str(tmp_path / "old")}
    page = await ended(browser, await browser.post("/import", data=data))
    assert "2 messages imported" in page
    for folder, shown in (("Inbox", "Inbox"), ("R%26D/2026", "R&amp;D/2026")):
        assert f'1 message in <a href="/mail/Archive/{folder}">Archive/{shown}</a>' in page


async def test_of_many_folders_the_first_are_named(
    browser: httpx.AsyncClient, library: MailLibrary, tmp_path: Path
) -> None:
    (tmp_path / "old").mkdir()
    for n in range(103):
        (tmp_path / "old" / f"{n:03}").write_bytes(MBOX.replace(b"text", b"%d" % n))
    data = {"into": "Archive", "path": str(tmp_path / "old")}
    page = await ended(browser, await browser.post("/import", data=data))
    assert "103 messages imported" in page
    named = re.findall(r'1 message in <a href="/mail/Archive/\d+">', page)
    assert len(named) == 100
    assert "<li>and more in 3 other folders</li>" in page


async def test_what_cannot_be_taken_is_said(
    browser: httpx.AsyncClient, library: MailLibrary
) -> None:
    files = [("file", ("<b>.zip", b"PK\3\4"))]
    reply = await browser.post("/import", data={"into": "Archive"}, files=files)
    page = await ended(browser, reply)
    assert "unpack an archive first" in page
    assert "<b>" not in page


async def test_the_page_names_what_has_no_name_in_utf_8(
    browser: httpx.AsyncClient, library: MailLibrary, tmp_path: Path
) -> None:
    """It failed, and the import had nobody to say what came of it."""
    latin = os.fsdecode("café".encode("latin-1"))
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / latin).write_bytes(MBOX + b"From x Mon Nov 23 20:19:00 2026\n\n")
    (tmp_path / "old" / f"{latin}.eml").write_bytes(b"no mail")
    data = {"into": "Archive", "path": str(tmp_path / "old")}
    page = await ended(browser, await browser.post("/import", data=data))
    assert "1 message imported" in page
    assert "<li>caf\ufffd.eml: is not a message" in page
    assert "<li>caf\ufffd, the message at line 7: is empty</li>" in page


async def test_what_is_there_already_is_said_to_be_where_it_is(
    browser: httpx.AsyncClient, library: MailLibrary
) -> None:
    files = [("file", (f"{n}.eml", LETTER + b"%d\n" % n)) for n in range(3)]
    await ended(browser, await browser.post("/import", data={"into": "Archive"}, files=files))
    receipts = library.make_folder("Old/Receipts & more")
    library.move([row.key for row in library.page(ARCHIVE, 0, 2).rows], receipts)
    page = await ended(
        browser, await browser.post("/import", data={"into": "Archive"}, files=files)
    )
    assert (
        "0 messages imported, 3 there already "
        '(2 in <a href="/mail/Old/Receipts%20%26%20more">Old / Receipts &amp; more</a>).'
    ) in page


async def test_of_several_files_each_is_taken_or_told_by_its_own_name(
    browser: httpx.AsyncClient, library: MailLibrary, place: Place
) -> None:
    files = {
        "empty.eml": b"",
        "pic.png": b"\x89PNG\r\n",
        "one.eml": LETTER,
        "packed.gz": b"\x1f\x8b\0\0",
        "old.mbox": MBOX + b"From x Mon Nov 23 20:19:00 2026\n\n",
        "same/one.eml": LETTER + b"more\n",
        "notes.txt": b"just words",
    }
    reply = await browser.post(
        "/import", data={"into": "Archive"}, files=[("file", each) for each in files.items()]
    )
    page = await ended(browser, reply)
    assert "2 messages imported, 1 there already." in page
    assert "5 files or messages could not be taken:" in page
    no_mail = (
        "is no mail that can be imported: neither an mbox nor an .eml file; unpack an archive first"
    )
    assert re.findall(r"<li>(.*?)</li>", page)[-5:] == [
        "empty.eml: is empty",
        f"pic.png: {no_mail}",
        "packed.gz: is packed with gzip; unpack it first",
        "old.mbox, the message at line 7: is empty",
        f"notes.txt: {no_mail}",
    ]
    assert list((place.root / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"into": "Archive"}, "file-error"),
        ({"into": "Archive", "path": "relative"}, "path-error"),
        ({"into": "Archive", "path": "/there/is/nothing"}, "path-error"),
        ({"into": "Archive", "path": "~nobody-of-this-name/x"}, "path-error"),
        ({"into": "Archive", "path": "/a\0b"}, "path-error"),
        ({"into": "none", "path": "/etc"}, "into-error"),
        ({}, "into-error"),
    ],
)
async def test_what_is_missing_is_said_by_the_field(
    browser: httpx.AsyncClient, data: dict[str, str], error: str
) -> None:
    reply = await browser.post("/import", data=data)
    assert reply.status_code == 422
    assert f'id="{error}"' in reply.text


async def test_an_import_that_nobody_knows(browser: httpx.AsyncClient) -> None:
    reply = await browser.get("/import/none")
    assert (reply.status_code, reply.headers["location"]) == (303, "/import")


class Filing:
    """Imports that report and fail as a test wants."""

    def __init__(self, outcome: Imported | Exception) -> None:
        self.outcome = outcome

    def bring_in(self, source: Path, into: Folder, report: Report) -> Imported:
        report(Progress(1, 4))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


async def test_jobs_are_added_up_and_forgotten_at_last(tmp_path: Path) -> None:
    filing = Filing(Imported(2, 1, (("x", "why"),), 1, 3))
    jobs = Jobs(make_desk(filing=filing, preferences=Preferences(tmp_path / "settings.json")))
    first = jobs.start([tmp_path, tmp_path], ARCHIVE, None)
    first.ended.wait()
    told = (f"{tmp_path}, x", "why")
    assert first.outcome == Imported(4, 2, (told, told), 2, 6)
    assert first.percent == 100
    for _ in range(KEPT):
        jobs.start([], ARCHIVE, None)
    assert jobs.find(first.id) is None


async def test_what_ends_an_import_says_which_files_are_left(tmp_path: Path) -> None:
    class Full(Filing):
        def bring_in(self, source: Path, into: Folder, report: Report) -> Imported:
            if source.name != "a":
                super().bring_in(source, into, report)
                raise LibraryUnusable("There is no room.")
            return super().bring_in(source, into, report)

    jobs = Jobs(
        make_desk(filing=Full(Imported(2)), preferences=Preferences(tmp_path / "settings.json"))
    )
    job = jobs.start([tmp_path / name for name in "abc"], ARCHIVE, None)
    job.ended.wait()
    assert job.outcome == Imported(2)
    assert job.problem == "There is no room. Import b again, and the files after it."
    assert job.percent == (100 + 25) // 3


@pytest.mark.parametrize(
    "error", [LibraryUnusable("There is no room."), NotImportable("It breaks off."), KeyError("x")]
)
async def test_what_came_before_an_import_broke_off_is_counted(
    tmp_path: Path, error: Exception
) -> None:
    class Breaking(Filing):
        def bring_in(self, source: Path, into: Folder, report: Report) -> Imported:
            report(Progress(1, 4, imported=Imported(1)))
            report(Progress(3, 4, imported=Imported(3, 1, (("x", "why"),), 1, 2)))
            return super().bring_in(source, into, lambda _: None)

    preferences = Preferences(tmp_path / "settings.json")
    jobs = Jobs(make_desk(filing=Breaking(error), preferences=preferences))
    job = jobs.start([tmp_path], ARCHIVE, None)
    job.ended.wait()
    goes_on = isinstance(error, NotImportable)
    own = ((str(tmp_path), "It breaks off"),) if goes_on else ()
    told = (*own, ("x", "why"))
    assert job.outcome == Imported(3, 1, told, len(told), 2)
    assert bool(job.problem) is not goes_on


async def test_many_failures_are_counted_and_the_first_are_told(tmp_path: Path) -> None:
    filing = Filing(NotImportable("why"))
    jobs = Jobs(make_desk(filing=filing, preferences=Preferences(tmp_path / "settings.json")))
    job = jobs.start([tmp_path] * (MAX_TOLD + 1), ARCHIVE, None)
    job.ended.wait()
    assert (job.outcome.failures, len(job.outcome.failed)) == (MAX_TOLD + 1, MAX_TOLD)


async def test_a_defect_is_said_without_its_words(tmp_path: Path) -> None:
    filing = Filing(KeyError("secret"))
    jobs = Jobs(make_desk(filing=filing, preferences=Preferences(tmp_path / "settings.json")))
    job = jobs.start([tmp_path], ARCHIVE, jobs.room())
    job.ended.wait()
    assert job.done
    assert "secret" not in job.problem
    assert "log" in job.problem
    assert list((tmp_path / "incoming").iterdir()) == []


async def test_what_a_killed_reader_has_left_of_uploads_goes_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "incoming/old").mkdir(parents=True)
    (tmp_path / "incoming/old/file").write_bytes(b"x")
    before = tempfile.tempdir
    end = receive_in(tmp_path)
    assert list((tmp_path / "incoming").iterdir()) == []
    assert tempfile.gettempdir() == str(tmp_path / "incoming")
    end()
    assert tempfile.tempdir == before


@pytest.fixture
def received(place: Place) -> Iterator[Path]:
    """Where files lie while they come."""
    end = receive_in(place.root)
    yield place.root / "incoming"
    end()


LARGE = ("large.mbox", MBOX + b"x" * (2 << 20))
"""More than is kept in memory while it comes."""


async def test_a_large_file_comes_into_the_librarys_folder_also_if_that_was_removed(
    browser: httpx.AsyncClient, place: Place, received: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = []

    def noted(**options: Any) -> Any:
        file = tempfile.NamedTemporaryFile(**options)  # noqa: SIM115 -- it is the form's
        places.append(Path(file.name).parent)
        return file

    monkeypatch.setattr(tempfile, "TemporaryFile", noted)
    (place.root / "incoming").rmdir()
    files = [("file", LARGE)]
    reply = await browser.post("/import", data={"into": "Archive"}, files=files)
    assert "1 message imported" in await ended(browser, reply)
    assert places == [received]


@pytest.mark.usefixtures("received")
@pytest.mark.parametrize("path", ["/import", "/contacts/import"])
async def test_a_disk_that_is_full_while_a_file_comes_is_said(
    browser: httpx.AsyncClient, place: Place, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    reply = await browser.post(path, data={"into": "Archive"}, files=[("file", LARGE)])
    assert reply.status_code == 503
    assert "What you sent cannot be kept: No space left on device. Make room" in reply.text
    assert list((place.root / "incoming").iterdir()) == []
