"""What collecting costs: memory with a huge message, work where there is nothing to do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pillarbox.fetch.events import Totals
from pillarbox.fetch.journal import Journal, Staged
from pillarbox.fetch.journal_file import journal_path
from pillarbox.fetch.rules import Rules
from pillarbox.fetch.stages import Listed
from tests.fetch.children import run_child
from tests.realservers.ours import Ours, ours

HUGE = 100 * 1000 * 1000
MOST_MEMORY = 60 * 1000 * 1000
KNOWN = 20_000

Record = Callable[[str, object], None]


@pytest.fixture
def server() -> Iterator[Ours]:
    with ours() as running:
        yield running


def huge() -> bytes:
    r"""Lines that cross every piece in another place, some of them stuffed."""
    block = b"".join(b"%s line %d of a long story\r\n" % (b"." * (n % 3), n) for n in range(4999))
    return b"Subject: huge\r\n\r\n" + block * (HUGE // len(block) + 1)


def test_a_huge_message_needs_little_memory(
    server: Ours, tmp_path: Path, record_property: Record
) -> None:
    content = huge()
    server.put([content])
    target = f"maildir:{tmp_path / 'Mail'}"
    report = run_child(server.way(), target, tmp_path / "state", Rules())
    assert (report.error, report.totals) == (None, Totals(1, len(content), deleted=1))
    (path,) = (tmp_path / "Mail" / "new").iterdir()
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    assert found == hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()
    assert report.peak_octets < MOST_MEMORY
    record_property(
        "measured",
        f"a message of {len(content) / 1e6:.0f} MB: {report.peak_octets / 1e6:.0f} MB of memory, "
        f"{report.cpu_seconds:.2f} s of CPU",
    )


def test_nothing_new_among_thousands_is_next_to_no_work(
    server: Ours, tmp_path: Path, record_property: Record
) -> None:
    server.put(b"Subject: %d\r\n\r\nx\r\n" % number for number in range(KNOWN))
    state, target = tmp_path / "state", f"maildir:{tmp_path / 'Mail'}"
    path = _all_stored(server, state)
    # The first run has something to note: how it signed in, and that it was there.
    assert run_child(server.way(), target, state, Rules(None)).totals == Totals()
    before = path.read_bytes()
    report = run_child(server.way(), target, state, Rules(None))
    assert (report.error, report.totals) == (None, Totals())
    assert path.read_bytes() == before
    assert [each.name for each in state.iterdir()] == [path.name]
    assert not list((tmp_path / "Mail" / "new").iterdir())
    assert server.retrieved(sessions=3) == [0, 0, 0]
    record_property(
        "measured",
        f"{KNOWN:,} messages known, nothing new: {report.cpu_seconds:.2f} s of CPU from the start "
        f"of Python, {report.peak_octets / 1e6:.0f} MB of memory",
    )


def _all_stored(server: Ours, state: Path) -> Path:
    """A journal that knows all of the mail, as if it had been collected."""
    endpoint = server.way().endpoint
    path = journal_path(state, endpoint.host, endpoint.port, endpoint.user)
    names = server.unique_ids()
    octets = len(b"Subject: 0\r\n\r\nx\r\n")
    with Journal(path) as journal:
        listed = [
            Listed(number, name, octets + len(str(number - 1)) - 1)
            for number, name in enumerate(names, 1)
        ]
        journal.note_listing(listed, {}, 1.0)
        journal.publishing(
            [Staged(each.unique_id, each.octets, b"digest", "token") for each in listed], "m"
        )
        journal.stored(names, 1.0)
    return path
