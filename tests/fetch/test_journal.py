"""What the journal remembers, forgets, refuses, and says when its file is in trouble."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pillarbox.fetch.errors import JournalBusy, JournalUnusable
from pillarbox.fetch.journal import FORGET_AFTER, Journal, Memory, Staged, Unsettled
from pillarbox.fetch.journal_file import journal_path
from pillarbox.fetch.stages import Known, Listed, Stage

NOW = 1_700_000_000.0
WEEK = 7 * 86_400.0
DIGEST = b"d" * 32
TO = "maildir:/mail"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "alice.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal(path) as journal:
        yield journal


def listing(*names: str, octets: int | None = 100) -> list[Listed]:
    return [Listed(number, name, octets) for number, name in enumerate(names, 1)]


def note(journal: Journal, *names: str, now: float = NOW) -> dict[str, Known]:
    """Take note of a listing; returns what is known of it then."""
    journal.note_listing(listing(*names), journal.known(names), now)
    return journal.known(names)


def store(journal: Journal, *names: str, now: float = NOW) -> None:
    journal.publishing([Staged(name, 100, DIGEST, f"token {name}") for name in names], TO)
    journal.stored(names, now)


def stages(journal: Journal, *names: str) -> list[Stage | None]:
    known = journal.known(names)
    return [known[name].stage if name in known else None for name in names]


def test_a_message_goes_through_its_stages_and_all_survives_closing(path: Path) -> None:
    with Journal(path) as journal:
        assert note(journal, "a")["a"] == Known("a", Stage.SEEN, 100, NOW, None, None, False)
    with Journal(path) as journal:
        journal.publishing([Staged("a", 101, DIGEST, "token")], TO)
    with Journal(path) as journal:
        assert journal.unsettled() == [Unsettled("a", TO, "token")]
        assert journal.known(["a"])["a"].digest == DIGEST
        journal.stored(["a"], NOW + 5)
    with Journal(path) as journal:
        stored = Known("a", Stage.STORED, 101, NOW, NOW + 5, DIGEST, False)
        assert journal.known(["a"]) == {"a": stored}
        assert journal.unsettled() == []
        journal.deleting(["a"])
    with Journal(path) as journal:
        assert stages(journal, "a") == [Stage.DELETING]
        journal.gone(["a"])
    with Journal(path) as journal:
        assert journal.known(["a"])["a"] == stored._replace(stage=Stage.GONE)


def test_what_was_not_published_counts_as_never_retrieved(journal: Journal) -> None:
    note(journal, "a")
    journal.publishing([Staged("a", 100, DIGEST, "token")], TO)
    journal.not_stored(["a"])
    assert journal.known(["a"])["a"] == Known("a", Stage.SEEN, 100, NOW, None, None, False)


@pytest.mark.parametrize("stage", [Stage.STORED, Stage.DELETING, Stage.GONE])
def test_what_was_verified_is_stored_since_it_was(journal: Journal, stage: Stage) -> None:
    note(journal, "a")
    store(journal, "a")
    if stage >= Stage.DELETING:
        journal.deleting(["a"])
    if stage == Stage.GONE:
        journal.gone(["a"])
    journal.confirmed([Listed(7, "a", 333)])
    assert journal.known(["a"])["a"] == Known("a", Stage.STORED, 333, NOW, NOW, DIGEST, False)


@pytest.mark.parametrize("stage", [Stage.STORED, Stage.GONE])
def test_new_mail_under_an_old_id_takes_its_place(journal: Journal, stage: Stage) -> None:
    note(journal, "a")
    store(journal, "a")
    if stage == Stage.GONE:
        journal.deleting(["a"])
        journal.gone(["a"])
    journal.publishing([Staged("a", 5, b"e" * 32, "token")], TO)
    journal.stored(["a"], NOW + 9)
    assert journal.known(["a"])["a"] == Known("a", Stage.STORED, 5, NOW, NOW + 9, b"e" * 32, False)


@pytest.mark.parametrize("known_in", list(Stage))
def test_no_step_can_be_skipped(journal: Journal, known_in: Stage) -> None:
    """Least of all: to delete what is not stored."""
    steps = {
        Stage.PUBLISHING: lambda: journal.publishing([Staged("a", 1, DIGEST, "t")], TO),
        Stage.STORED: lambda: journal.stored(["a"], NOW),
        Stage.DELETING: lambda: journal.deleting(["a"]),
        Stage.GONE: lambda: journal.gone(["a"]),
    }
    allowed = {
        Stage.SEEN: {Stage.PUBLISHING},
        Stage.PUBLISHING: {Stage.STORED},
        Stage.STORED: {Stage.PUBLISHING, Stage.DELETING},
        Stage.DELETING: {Stage.PUBLISHING, Stage.DELETING, Stage.GONE},
        Stage.GONE: {Stage.PUBLISHING},
    }
    note(journal, "a", "b")
    for stage in list(Stage)[1 : known_in + 1]:
        steps[stage]()
    for stage in steps.keys() - allowed[known_in]:
        with pytest.raises(ValueError, match="stage before"):
            steps[stage]()
        assert stages(journal, "a", "b") == [known_in, Stage.SEEN]


def test_a_batch_is_all_or_nothing(journal: Journal) -> None:
    note(journal, "a", "b")
    store(journal, "a")
    with pytest.raises(ValueError, match="stage before"):
        journal.deleting(["a", "b"])
    assert stages(journal, "a", "b") == [Stage.STORED, Stage.SEEN]


def test_an_unconfirmed_deletion_is_confirmed_by_a_listing_without_it(journal: Journal) -> None:
    note(journal, "a", "b")
    store(journal, "a", "b")
    journal.deleting(["a", "b"])
    note(journal, "b")
    assert stages(journal, "a", "b") == [Stage.GONE, Stage.DELETING]


def test_a_server_that_lists_nothing_for_weeks_and_then_all_again(journal: Journal) -> None:
    names = [f"id {number}" for number in range(1200)]
    note(journal, *names)
    store(journal, *names)
    assert note(journal) == {}
    assert note(journal, now=NOW + 7 * WEEK) == {}
    known = journal.known(names)
    assert len(known) == 1200
    assert all(row.stage is Stage.STORED and row.vanished for row in known.values())
    known = note(journal, *names, now=NOW + 7 * WEEK)
    assert not any(row.vanished for row in known.values())


def test_what_vanished_is_forgotten_after_weeks(journal: Journal) -> None:
    note(journal, "a", "b", "c")
    store(journal, "a", "b")
    journal.publishing([Staged("c", 1, DIGEST, "token c")], TO)
    note(journal, "a")
    note(journal, "a", now=NOW + FORGET_AFTER)
    assert stages(journal, "a", "b") == [Stage.STORED, Stage.STORED]
    note(journal, "a", now=NOW + FORGET_AFTER + 1)
    assert stages(journal, "a", "b", "c") == [Stage.STORED, None, Stage.PUBLISHING]
    assert [row.unique_id for row in journal.unsettled()] == ["c"]


def test_time_in_the_listing_is_no_reason_to_forget(journal: Journal) -> None:
    note(journal, "a")
    store(journal, "a")
    note(journal, "a", now=NOW + 50 * FORGET_AFTER)
    assert stages(journal, "a") == [Stage.STORED]


def test_the_same_listing_again_writes_nothing(journal: Journal, path: Path) -> None:
    note(journal, "a", "b")
    journal.remember(Memory("PLAIN"))
    log = path.with_name(f"{path.name}-wal")
    before = log.stat()
    assert before.st_size
    note(journal, "a", "b", now=NOW + 60)
    journal.remember(Memory("PLAIN"))
    after = log.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


@pytest.mark.parametrize(
    "name", ["\udcff\udcfe", "ä", "x" * 1000, "'; DROP TABLE messages; --", " "]
)
def test_an_id_need_not_be_text(journal: Journal, name: str) -> None:
    note(journal, name)
    journal.publishing([Staged(name, 1, DIGEST, name)], f"maildir:/{name}")
    assert journal.unsettled() == [Unsettled(name, f"maildir:/{name}", name)]
    journal.stored([name], NOW)
    assert journal.known([name])[name].stage is Stage.STORED
    assert list(journal.known([])) == [name]


def test_sizes_may_be_missing(journal: Journal) -> None:
    journal.note_listing(listing("a", octets=None), {}, NOW)
    assert journal.known(["a"])["a"].octets is None


def test_the_account_is_remembered(path: Path) -> None:
    with Journal(path) as journal:
        assert journal.memory == Memory()
        journal.remember(Memory("SCRAM-SHA-256", True, "keep 14 days", NOW))
        journal.remember(journal.memory._replace(pipelining_bad=False))
    with Journal(path) as journal:
        assert journal.memory == Memory("SCRAM-SHA-256", False, "keep 14 days", NOW)


def test_each_journal_has_an_owner_of_its_own_for_ever(tmp_path: Path) -> None:
    owners = []
    for name in ("a", "b", "a"):
        with Journal(tmp_path / name) as journal:
            owners.append(journal.owner)
    assert owners[0] == owners[2] != owners[1]
    assert all(len(owner) == 8 and int(owner, 16) >= 0 for owner in owners)


def test_one_in_memory_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Journal(None) as journal:
        note(journal, "a")
        assert stages(journal, "a") == [Stage.SEEN]
    assert list(tmp_path.iterdir()) == []


def test_two_fetches_of_one_account_do_not_run_at_once(journal: Journal, path: Path) -> None:
    with pytest.raises(JournalBusy, match=rf"another fetch .* is running .*{path}"):
        Journal(path)
    code = (
        "import sys\nfrom pathlib import Path\nfrom pillarbox.fetch.errors import JournalBusy\n"
        "from pillarbox.fetch.journal import Journal\n"
        "try: Journal(Path(sys.argv[1]))\nexcept JournalBusy: print('busy')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "busy\n"
    journal.close()
    Journal(path).close()


def test_nobody_else_can_read_it(path: Path) -> None:
    with Journal(path) as journal:
        note(journal, "a")
        for file in (path.parent, *path.parent.iterdir()):
            assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file


# Trouble


@pytest.mark.parametrize("content", [b"this is no database" * 500, b"\0" * 5000])
def test_a_damaged_file_is_left_alone_and_the_remedy_named(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(JournalUnusable, match=r"is damaged .*move it away.*a second time") as error:
        Journal(path)
    assert str(path) in str(error.value)
    assert path.read_bytes() == content


def test_damage_that_shows_late(path: Path) -> None:
    with Journal(path) as journal:
        note(journal, *(f"id {number}" for number in range(2000)))
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * (len(whole) - 8192))
    with pytest.raises(JournalUnusable, match="is damaged"), Journal(path) as journal:
        note(journal, "a")


def test_a_journal_of_a_newer_pillarbox(path: Path) -> None:
    Journal(path).close()
    sql = sqlite3.connect(path)
    sql.execute("PRAGMA user_version = 99")
    sql.close()
    with pytest.raises(JournalUnusable, match=r"version 99.*install the newer"):
        Journal(path)


def test_a_state_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(JournalUnusable, match=r"cannot be opened: .*--state"):
        Journal(tmp_path / "state" / "alice.db")


def test_a_journal_that_is_a_folder(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(JournalUnusable, match=r"cannot be written: .*permission"):
        Journal(path)


# Names


def test_what_leads_to_one_mailbox_has_one_journal(tmp_path: Path) -> None:
    paths = {
        journal_path(tmp_path, host, port, "alice")
        for host in ("mail.example.org", "MAIL.example.org.")
        for port in (110, 995)
    }
    assert len(paths) == 1


def test_what_may_lead_to_another_mailbox_has_another_journal(tmp_path: Path) -> None:
    places = [
        ("mail.example.org", 995, "alice"),
        ("mail.example.org", 995, "Alice"),
        ("mail.example.org", 995, "alice@mail.example.org"),
        ("mail.example.net", 995, "alice"),
        ("localhost", 1995, "alice"),
        ("localhost", 1996, "alice"),
        ("mail.example.org", 995, "a/lice"),
        ("mail.example.org", 995, "a_lice"),
        ("mail.example.org", 995, "x" * 300),
        ("mail.example.org", 995, "x" * 301),
        ("mail.example.org", 995, "\udcff"),
        ("mail.example.org", 995, "../../alice"),
        ("::1", 995, "alice"),
    ]
    paths = {journal_path(tmp_path, *place) for place in places}
    assert len(paths) == len(places)
    assert {path.parent for path in paths} == {tmp_path}
    assert all(len(os.fsencode(path.name)) < 100 and path.name[0] != "." for path in paths)


def test_the_name_can_be_read(tmp_path: Path) -> None:
    name = journal_path(tmp_path, "pop.example.org", 995, "alice@example.org").name
    assert name.startswith("alice@example.org-")
    name = journal_path(tmp_path, "pop.example.org", 995, "alice").name
    assert name.startswith("alice@pop.example.org-")


def test_twenty_thousand_messages(
    journal: Journal, record_property: Callable[[str, object], None]
) -> None:
    names = [f"{number:016x}" for number in range(20_000)]
    known = note(journal, *names)
    assert len(known) == 20_000
    before = time.process_time()
    known = journal.known(names)
    journal.note_listing(listing(*names), known, NOW)
    spent = time.process_time() - before
    record_property("measured", f"journal, 20,000 known, nothing new: {spent * 1000:.0f} ms")


def test_whether_the_server_has_unique_ids(journal: Journal) -> None:
    """Those of our own making do not count; those of messages that are gone do."""
    assert not journal.has_unique_ids
    note(journal, "~" + "a" * 64)
    assert not journal.has_unique_ids
    note(journal, "one")
    note(journal)
    assert journal.has_unique_ids


def test_the_digests_of_what_is_stored(journal: Journal) -> None:
    made = "~" + "a" * 64
    note(journal, made, "stored", "seen", "é", "\x7f")
    store(journal, made, "stored", "é", "\x7f")
    assert journal.digests(only_made=True) == {made: DIGEST}
    assert journal.digests(only_made=False).keys() == {made, "stored", "é", "\x7f"}


def test_a_message_that_was_stored_under_another_id(journal: Journal) -> None:
    """Since when it has been here is known; the other row stays as it was."""
    made = "~" + "a" * 64
    note(journal, made)
    store(journal, made)
    before = journal.known([made])[made]
    note(journal, "named")
    journal.adopted([(Listed(1, "named", 7), made)])
    known = journal.known([made, "named"])
    assert known["named"][1:3] == (Stage.STORED, 7)
    assert (known["named"].stored_at, known["named"].digest) == (before.stored_at, DIGEST)
    assert known[made].stage is Stage.STORED


def test_only_what_is_new_can_be_adopted(journal: Journal) -> None:
    note(journal, "a", "b")
    store(journal, "a", "b")
    with pytest.raises(ValueError, match="stage before"):
        journal.adopted([(Listed(1, "a", 7), "b")])
