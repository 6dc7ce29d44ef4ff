"""An import stores each message once, in order, whatever breaks it off."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from pillarbox.app.importing.file_journal import FileJournal, forget_imports, journal_path
from pillarbox.app.importing.journal import JournalUnusable
from pillarbox.app.importing.run import BATCH, Importer, Outcome, is_international
from pillarbox.contracts.errors import MaildropLocked, StoreError, StoreUnavailable
from pillarbox.contracts.store import Store
from pillarbox.model import Identity, Recipient, StoredForm
from pillarbox.sources.found import Found
from pillarbox.store.memory import MemoryStore


def mail(number: int) -> bytes:
    return b"Subject: %d\r\n\r\n.x\r\n" % number


def found(raws: Iterable[bytes]) -> list[Found]:
    return [Found(f"number {n}", raw) for n, raw in enumerate(raws)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return journal_path(tmp_path, "alice")


async def bring(
    store: Store, path: Path, source: Iterable[Found], quota: int = 0, *, again: bool = False
) -> Outcome:
    with FileJournal(path) as journal:
        if again:
            await journal.forget()
        importer = Importer(store, Recipient("alice", quota), journal)
        await importer.settle()
        return await importer.run(source)


async def contents(store: Store) -> list[bytes]:
    maildrop = await store.open(Identity("alice"))
    bodies = [await maildrop.body(number + 1) for number in range(maildrop.count)]
    await maildrop.release()
    return [body.content for body in bodies if isinstance(body.content, bytes)]


def stuffed(raws: Iterable[bytes]) -> list[bytes]:
    return [raw.replace(b"\n.", b"\n..") for raw in raws]


class Breaking(MemoryStore):
    """Fails, or is interrupted, at the nth delivery: before or after it has taken effect."""

    def __init__(self, nth: int, error: BaseException, *, after: bool) -> None:
        super().__init__()
        self._left = nth
        self._error: BaseException | None = error
        self._after = after

    async def deliver(
        self, message: StoredForm, recipients: Sequence[Recipient]
    ) -> Sequence[StoreError | None]:
        self._left -= 1
        breaks = self._left == 0
        if breaks and not self._after:
            return self._broken()
        outcome = await super().deliver(message, recipients)
        return self._broken() if breaks else outcome

    def _broken(self) -> Sequence[StoreError | None]:
        error = self._error
        if isinstance(error, StoreError):
            return [error]
        assert error is not None
        raise error


async def test_everything_is_stored_in_order(path: Path) -> None:
    store = MemoryStore()
    raws = [mail(number) for number in range(BATCH * 2 + 5)]
    outcome = await bring(store, path, found(raws))
    assert (outcome.stored, outcome.known, outcome.failed) == (len(raws), 0, [])
    assert outcome.octets == sum(map(len, raws))
    assert await contents(store) == stuffed(raws)


async def test_a_second_import_brings_only_what_is_new(path: Path) -> None:
    store = MemoryStore()
    await bring(store, path, found([mail(1), mail(2)]))
    outcome = await bring(store, path, found([mail(0), mail(1), mail(2), mail(3)]))
    assert (outcome.stored, outcome.known) == (2, 2)
    assert await contents(store) == stuffed([mail(1), mail(2), mail(0), mail(3)])


async def test_what_a_user_has_deleted_does_not_come_back_unless_asked(path: Path) -> None:
    store = MemoryStore()
    await bring(store, path, found([mail(1), mail(2)]))
    maildrop = await store.open(Identity("alice"))
    await maildrop.commit([1])
    await maildrop.release()
    assert (await bring(store, path, found([mail(1), mail(2)]))).stored == 0
    assert (await bring(store, path, found([mail(1), mail(2)]), again=True)).stored == 2


async def test_equal_messages_are_as_many_as_in_the_source(path: Path) -> None:
    store = MemoryStore()
    await bring(store, path, found([mail(1)] * 3))
    assert (await bring(store, path, found([mail(1)] * 5))).stored == 2
    assert len(await contents(store)) == 5


async def test_line_ends_do_not_make_a_message_another(path: Path) -> None:
    store = MemoryStore()
    await bring(store, path, found([mail(1)]))
    assert (await bring(store, path, found([mail(1).replace(b"\r\n", b"\n")]))).known == 1


async def test_one_unreadable_message_stops_no_other(path: Path) -> None:
    store = MemoryStore()
    source = [*found([mail(1)]), Found("bad", None, "is empty"), *found([mail(2)])]
    outcome = await bring(store, path, source)
    assert (outcome.stored, outcome.failed) == (2, [("bad", "is empty")])


async def test_what_does_not_fit_is_told_and_tried_again_next_time(path: Path) -> None:
    store = MemoryStore()
    raws = [mail(1), b"Subject: large\r\n\r\n" + b"x" * 100 + b"\r\n", mail(2)]
    outcome = await bring(store, path, found(raws), quota=60)
    assert outcome.stored == 2
    assert [label for label, _ in outcome.failed] == ["number 1"]
    assert (await bring(store, path, found(raws))).stored == 1


@pytest.mark.parametrize("nth", [1, 2, BATCH, BATCH + 1, BATCH * 2])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "error", [StoreUnavailable("disk full", temporary=True), asyncio.CancelledError()]
)
async def test_broken_off_and_repeated_each_message_is_there_once(
    path: Path, error: BaseException, nth: int, *, after: bool
) -> None:
    """The store may break before or after a message has gone in: nobody can tell which."""
    raws = [mail(number) for number in range(BATCH * 2)]
    raws[1] = raws[0]
    store = Breaking(nth, error, after=after)
    with pytest.raises(type(error)):
        await bring(store, path, found(raws))
    outcome = await bring(store, path, found(raws))
    assert outcome.stored == len(raws) - nth + (not after)
    assert await contents(store) == stuffed(raws)
    assert (await bring(store, path, found(raws))).stored == 0


async def _dies_before_it(outcomes: object) -> None:
    """In place of what a process that died has not done."""


async def test_a_process_that_dies_between_delivery_and_note_is_settled(path: Path) -> None:
    """As after a power cut: the batch is announced, some of it is there, nothing is noted."""
    store = MemoryStore()
    raws = [mail(number) for number in range(4)]
    with FileJournal(path) as journal:
        importer = Importer(store, Recipient("alice"), journal)
        journal.settle = _dies_before_it  # type: ignore[method-assign]
        await importer.run(found(raws[:3]))
    outcome = await bring(store, path, found(raws))
    assert (outcome.stored, outcome.known) == (1, 3)
    assert await contents(store) == stuffed(raws)


async def test_settling_waits_for_no_session(path: Path) -> None:
    store = Breaking(1, StoreUnavailable("x", temporary=True), after=True)
    with pytest.raises(StoreUnavailable):
        await bring(store, path, found([mail(1)]))
    maildrop = await store.open(Identity("alice"))
    with pytest.raises(MaildropLocked):
        await bring(store, path, found([mail(1)]))
    await maildrop.release()
    assert (await bring(store, path, found([mail(1)]))).known == 1


TRY = """
import sys
from pathlib import Path
from pillarbox.app.importing.file_journal import FileJournal
FileJournal(Path(sys.argv[1]))
"""


def test_two_imports_at_once_are_refused(path: Path) -> None:
    command = [sys.executable, "-c", TRY, str(path)]
    with FileJournal(path):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "JournalUnusable: another import into this maildrop is running" in done.stderr
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_damaged_journal_is_named_with_its_remedy(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(JournalUnusable, match=f"{path} cannot be used: .*remove it"):
        FileJournal(path)


async def test_forgetting_removes_every_file(tmp_path: Path, path: Path) -> None:
    await bring(MemoryStore(), path, found([mail(1)]))
    forget_imports(tmp_path, "alice")
    assert list(path.parent.iterdir()) == []
    forget_imports(tmp_path, "alice")


def test_the_journal_is_only_counts_and_digests(path: Path) -> None:
    asyncio.run(bring(MemoryStore(), path, found([b"Subject: private\r\n\r\nsecret\r\n"])))
    with sqlite3.connect(path) as file:
        ((digest, octets, stored, begun),) = file.execute("SELECT * FROM message").fetchall()
    file.close()
    assert (len(digest), octets, stored, begun) == (32, 28, 1, 0)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"Subject: plain\n\nbody \xff\n", False),
        ("Subject: Grüße\n\nbody\n".encode(), False),
        ("Received: by a with ESMTP\nSubject: Grüße\n\nbody\n".encode(), False),
        ("Received: by a\n\twith UTF8SMTP id 1\nSubject: Grüße\n\nbody\n".encode(), True),
        ("Subject: Grüße\r\nReceived: by a\r\n with utf8lmtps; x\r\n\r\nbody\r\n".encode(), True),
        (b"Received: by a with UTF8SMTPSA\nSubject: plain\n\nbody \xc3\xbc\n", False),
        ("Subject: Grüße\n\nReceived: by a with UTF8SMTP\n".encode(), False),
    ],
)
def test_headers_are_utf8_by_agreement_only_when_a_mail_system_says_so(
    raw: bytes, *, expected: bool
) -> None:
    assert is_international(raw) is expected
