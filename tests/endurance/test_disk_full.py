"""The disk fills up while the server runs, and later there is room again.

Mail is put off with a 4xx, never lost and never half stored; whoever collects goes on
collecting; a deletion either works or says so. When there is room again all goes on without
anybody doing anything.

Two ways to fill a disk: a small file system of its own (root on Linux), and a limit on the
size of files that is put on the running processes.
"""

from __future__ import annotations

import itertools
import poplib
import re
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from pillarbox.contracts.errors import StoreUnavailable
from pillarbox.model import Recipient, StoredForm
from pillarbox.store.embedded import open_store
from tests.app.run.processes import eventually, get
from tests.endurance.ledger import Ledger
from tests.endurance.letters import letter
from tests.endurance.traffic import audit, read_all
from tests.postoffice import PASSWORD, PostOffice, send
from tests.small_disk import filled, mounted

ALICE, BOB = USERS = ["alice", "bob"]
LARGEST_FILE = 64 * 1024
DISK = 24 * 1024 * 1024
SIZES = (300, 5_000, 60_000, 100_000, 400_000)

Full = Callable[[PostOffice], AbstractContextManager[None]]
"""Within its context, there is no room."""

_tags = itertools.count(1)


def _full(office: PostOffice) -> AbstractContextManager[None]:
    return filled(office.store)


@contextmanager
def _limited_files(office: PostOffice) -> Iterator[None]:
    """No file may be larger than a little: small mail may still fit, all else does not."""
    pids = [office.pid, *office.workers()]
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (LARGEST_FILE, hard))
    yield
    for pid, limits in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", DISK) as folder:
        yield folder


def test_a_full_file_system(small_disk: Path, tmp_path: Path) -> None:
    _go_through(PostOffice(tmp_path, users=USERS, store=small_disk / "store"), _full)


@pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit")
def test_no_file_may_grow(tmp_path: Path) -> None:
    _go_through(PostOffice(tmp_path, users=USERS), _limited_files)


@pytest.mark.parametrize("left", [0, 4 * 1024, 16 * 1024, 64 * 1024, 192 * 1024])
async def test_not_ready_as_long_as_ordinary_mail_does_not_fit(left: int, small_disk: Path) -> None:
    """A health check's own small mark still fits where mail no longer does."""
    store = open_store(small_disk / "store")
    store.hold()
    recipients = [Recipient(user) for user in USERS]
    for size in SIZES:
        assert await store.deliver(StoredForm(b"x" * size, size), recipients) == [None, None]
    await store.probe()
    with filled(small_disk / "store", left):
        for _ in range(4):  # whichever shard it looks at
            with pytest.raises(StoreUnavailable, match=f"no room to write {small_disk}") as caught:
                await store.probe()
            assert caught.value.temporary
            await store.deliver(StoredForm(b"x" * 60_000, 60_000), recipients)
    await store.probe()
    await store.close()


def test_starting_on_a_full_disk_says_so(small_disk: Path, tmp_path: Path) -> None:
    """The operator is told which file, and what to do; with room, all mail is there."""
    office = PostOffice(tmp_path, users=USERS, store=small_disk / "store")
    with office:
        office.deliver(letter("t0", 5_000), *USERS)
        assert office.stop() == 0
        with filled(office.store):
            try:
                office.start()
            except AssertionError:
                errors = [str(line) for line in _errors(office)]
                assert any(str(office.store) in line and "space" in line for line in errors), errors
            else:  # it may be able to do without more space: then mail can be collected
                assert len(office.collect(ALICE)) == 1
                assert office.stop() == 0
        office.start()
        assert len(office.collect(ALICE)) == 1


def _go_through(office: PostOffice, full: Full) -> None:
    ledger = Ledger()
    with office:
        assert _deliver_all_sizes(office, ledger) == {250}
        assert office.stop() == 0
        office.start()  # nothing is open in the workers yet: a first sign-in must not need room
        with full(office):
            _collect_all(office, ledger)
            codes = _deliver_all_sizes(office, ledger)
            assert codes & {451, 452}
            _becomes(office, 503)
            assert codes <= {250, 451, 452}, "mail is put off, not refused"
            _collect_all(office, ledger)
            _delete_one(office, ledger)
            assert _deliver_all_sizes(office, ledger) <= {250, 451, 452}
            eventually(
                lambda: any(str(office.store) in str(line) for line in _errors(office)),
                "it is told",
            )
        _becomes(office, 200)
        assert _deliver_all_sizes(office, ledger) == {250}
        _collect_all(office, ledger)
        audit(office, ledger, USERS)
        assert _delete_one(office, ledger), "there is room again"
        assert office.stop() == 0
        office.start()
        audit(office, ledger, USERS)
        checked = office.run("maildrop", "check")
        assert checked.returncode == 0, checked.stdout + checked.stderr


def _deliver_all_sizes(office: PostOffice, ledger: Ledger) -> set[int]:
    """By both doors; returns the reply codes."""
    codes: set[int] = set()
    with office.lmtp() as lmtp, office.smtp() as smtp:
        for client, size in itertools.product((lmtp, smtp), SIZES):
            users = USERS if client is lmtp else [BOB]
            tag = f"t{next(_tags)}"
            ledger.sending(tag, users)
            answers = send(client, letter(tag, size), users)
            for user, (code, _) in zip(users, answers, strict=True):
                ledger.answered(tag, user, stored=code == 250)
                codes.add(code)
    return codes


def _becomes(office: PostOffice, status: int) -> None:
    """The health page says so (its last answer stands for a moment)."""
    page = office.addresses["http"]
    eventually(lambda: get(page, "/ready")[0] == status, f"/ready says {status}")


def _collect_all(office: PostOffice, ledger: Ledger) -> None:
    """Sign in over TLS, list and retrieve everything, QUIT without deleting: all answered +OK."""
    for user in USERS:
        with office.session(user) as client:
            ledger.seen(user, read_all(client))


def _delete_one(office: PostOffice, ledger: Ledger) -> bool:
    """Delete the first message: removed, or an honest -ERR."""
    client = office.connect("pop3s")
    try:
        client.user(ALICE)
        client.pass_(PASSWORD)
        (_, tag), *_ = read_all(client)
        client.dele(1)
        ledger.quitting(ALICE, [tag])
        answer = _last_answer(client)
        removed = answer.startswith(b"+OK")
        assert removed or answer.startswith(b"-ERR [SYS/TEMP]"), answer
    finally:
        client.close()
    ledger.quit_answered(ALICE, [tag], removed=removed)
    return removed


def _last_answer(client: poplib.POP3) -> bytes:
    """The answer to QUIT, whatever it is."""
    try:
        return client.quit()
    except poplib.error_proto as error:
        answer = error.args[0]
        assert isinstance(answer, bytes), answer  # it is a text when the connection broke
        return answer


def _errors(office: PostOffice) -> list[dict[str, object]]:
    return [line for line in office.log.lines if line["level"] == "error"]


@pytest.mark.parametrize(
    "left", [0, *(pytest.param(left * 1024, marks=pytest.mark.long) for left in (4, 16))]
)
def test_commands_on_a_full_disk_ask_for_room_and_for_nothing_else(
    left: int, small_disk: Path, tmp_path: Path
) -> None:
    """Nobody is to look for a broken disk, or to remove a file that is not damaged."""
    mbox = tmp_path / "mbox"
    mbox.write_bytes(b"From a@b Thu Nov 26 10:00:00 2026\nSubject: x\n\n" + b"y" * 70_000 + b"\n")
    office = PostOffice(tmp_path, users=USERS, store=small_disk / "store")
    with office:
        office.stop()
    with filled(office.store, left):
        for command in (["import", str(mbox), ALICE], ["user", "disable", ALICE]):
            done = office.run(*command)
            if done.returncode == 0:  # some need so little that it was there
                continue
            assert done.returncode == 1
            assert re.search("free space|make room", done.stderr), done.stderr
            assert not re.search("damaged|system's log|remove it", done.stderr), done.stderr
        assert office.run("import", str(mbox), ALICE).returncode == 1
    done = office.run("import", str(mbox), ALICE)
    assert (done.returncode, done.stdout[:16]) == (0, "stored 1 message")
