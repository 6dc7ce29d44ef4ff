"""What becomes of recipients: a state machine over all that servers, users and crashes can do, on disk."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pillarbox.reader.errors import LibraryUnusable
from pillarbox.reader.model import Sending
from pillarbox.reader.news import News
from pillarbox.reader.outbox.becoming import became, failed
from pillarbox.reader.outbox.handover import Outcome
from pillarbox.reader.outbox.record import Record, decode, encode, shown
from pillarbox.reader.outbox.shelf import Shelf
from pillarbox.reader.outbox.standings import FIRST, LONGEST, pause, standing_after
from pillarbox.reader.outbox.troubles import Offline, PutOff, Stopped
from pillarbox.reader.outbox.words import MAX_WORDS, Reply, cleaned
from tests.reader.outbox.world import World

ALL = tuple(f"{name}@example.org" for name in "abcde")
NOW = 1000.0


def record(**more: object) -> Record:
    base = {
        "id": "1",
        "account": "work",
        "sender": "me@example.org",
        "subject": "News",
        "octets": 10,
        "since": NOW,
        "sent_base": "base",
        "waiting": ALL,
    }
    return Record(**(base | more))  # type: ignore[arg-type]


class Recipients(RuleBasedStateMachine):
    """Who has got it is never sent to again; who may have got it, only by the user's word."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.shelf = Shelf(self.folder / "outbox", lambda: None)
        self.shelf.put(record(), b"message")
        self.got: set[str] = set()
        self.perhaps: set[str] = set()

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @property
    def now(self) -> Record:
        found = self.shelf.find("1")
        assert found is not None
        return found

    @precondition(lambda self: self.now.waiting and not self.now.in_hand)
    @rule(data=st.data())
    def hand_over(self, data: st.DataObject) -> None:
        """A server takes, puts off and refuses whom it likes, and answers the end as it likes."""
        fates = {
            who: data.draw(st.sampled_from(["yes", "later", "no"])) for who in self.now.waiting
        }
        taken = [who for who, fate in fates.items() if fate == "yes"]
        refused = {who: "550 no" for who, fate in fates.items() if fate == "no"}
        later = "450 busy" if "later" in fates.values() else ""
        if not taken:
            outcome = Outcome(refused, later)
        else:
            code = data.draw(st.sampled_from([250, 451, 554, None, "killed"]))
            self.shelf.change("1", lambda found: found.handing(taken))
            if code in (250, None, "killed"):  # it may have it
                assert not self.got & set(taken)
                assert not self.perhaps & set(taken)
            if code == "killed":
                self.perhaps |= set(taken)
                self.restart()
                return
            if code == 250:
                self.got |= set(taken)
            elif code is None:
                self.perhaps |= set(taken)
            reply = Reply(code, "words") if isinstance(code, int) else None
            outcome = Outcome(refused, later, later == "", reply, unanswered=code is None)
        self.shelf.change("1", lambda found: became(found, outcome, NOW, lambda low, _: low))

    @precondition(lambda self: not self.now.in_hand)
    @rule()
    def no_network(self) -> None:
        before = self.now
        trouble = Offline("The network is away.")
        self.shelf.change("1", lambda found: failed(found, trouble, NOW, lambda low, _: low))
        assert self.now.waiting == before.waiting
        assert self.now.next_try > NOW

    @rule()
    def restart(self) -> None:
        self.shelf = Shelf(self.folder / "outbox", lambda: None)
        self.shelf.change("1", Record.unanswered)

    @precondition(lambda self: not self.now.has_left)
    @rule()
    def send_again(self) -> None:
        """The user's word."""
        self.shelf.change("1", Record.again)
        self.perhaps.clear()
        assert self.now.next_try == 0
        assert set(self.now.waiting) == set(ALL) - self.got

    @invariant()
    def everybody_is_in_one_state(self) -> None:
        now = self.now
        states = [*now.waiting, *now.in_hand, *now.taken, *now.unsure, *now.refused]
        assert sorted(states) == sorted(ALL)
        assert set(now.taken) == self.got
        assert set(now.unsure) == self.perhaps

    @invariant()
    def what_is_shown_is_what_is(self) -> None:
        now = self.now
        seen = shown(now, NOW)
        assert set(seen.to) == set(ALL) - self.got
        assert (seen.state is Sending.UNCONFIRMED) is bool(now.unsure and not now.waiting)
        assert not now.unsure or "may have arrived" in seen.problem
        assert not now.refused or "550" in seen.problem or "554" in seen.problem
        assert decode(encode(now)) == now


TestRecipients = Recipients.TestCase
TestRecipients.settings = settings(deadline=None, max_examples=60, stateful_step_count=20)


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({"held_until": NOW + 1}, Sending.HELD),
        ({}, Sending.WAITING),
        ({"in_hand": ALL[:1], "waiting": ALL[1:]}, Sending.SENDING),
        ({"unsure": ALL, "waiting": ()}, Sending.UNCONFIRMED),
        ({"unsure": ALL[:1], "refused": {ALL[1]: "no"}, "waiting": ()}, Sending.UNCONFIRMED),
        ({"refused": dict.fromkeys(ALL, "no"), "waiting": ()}, Sending.REFUSED),
    ],
)
def test_the_state_of_a_message(more: dict[str, object], state: Sending) -> None:
    assert record(**more).state(NOW) is state


NOT_OWNED = "553 5.7.1 <me+shop@example.org>: Sender address rejected: not owned by user me"


@pytest.mark.parametrize(
    ("words", "own", "said"),
    [
        (NOT_OWNED, False, True),
        ("550 5.7.60 SMTP; Client does not have permissions to send as this sender", False, True),
        ("550 5.1.1 no such user", False, False),
        ("550 5.7.1 we do not want this", False, False),
        (NOT_OWNED, True, False),
    ],
)
def test_of_an_address_that_the_server_does_not_let_one_write_as_it_is_said_what_helps(
    words: str, own: bool, said: bool
) -> None:
    """An answer as the subaddress that a message came to was refused, and nothing said why."""
    refused = record(sender="me+shop@example.org", own=own).refuse(dict.fromkeys(ALL, words))
    problem = decode(encode(refused)).explanation()
    assert words in problem
    assert ("write as me+shop@example.org. Edit it, and choose" in problem) is said


def test_what_was_discarded_while_it_was_handed_over_is_not_there_again_as_refused() -> None:
    found = record(unsure=("f@example.org",)).drop()
    assert found.has_left
    assert not found.to_be_filed
    outcome = Outcome(refused={ALL[0]: "550 no"}, later="450 busy")
    assert became(found, outcome, NOW, lambda low, _: low).has_left


def test_what_was_discarded_is_read_again_as_such_and_what_older_versions_wrote_is_not() -> None:
    dropped = record().drop()
    assert decode(encode(dropped)) == dropped
    older = encode(record()).replace(b'"discarded": false', b'"other": 1')
    assert older != encode(record())
    assert decode(older) == record()


def test_what_a_crash_has_left_is_swept_and_what_is_damaged_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf(tmp_path, lambda: None)
    shelf.put(record(id="good"), b"good")
    shelf.put(record(id="bad"), b"bad")
    (tmp_path / "bad.json").write_bytes(b'{"id": "ba')
    (tmp_path / "orphan.eml").write_bytes(b"never promised")
    (tmp_path / ".half.1234").write_bytes(b"half")
    again = Shelf(tmp_path, lambda: None)
    assert [found.id for found in again.all()] == ["good"]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["bad.damaged", "bad.eml", "good.eml", "good.json"]
    assert again.damaged == (tmp_path / "bad.damaged",)
    assert str(tmp_path / "bad.eml") in caplog.text
    assert Shelf(tmp_path, lambda: None).damaged == again.damaged


def test_a_record_that_cannot_be_read_keeps_no_other_from_leaving(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, lambda: None)
    shelf.put(record(id="good"), b"good")
    shelf.put(record(id="bad"), b"bad")
    (tmp_path / "bad.json").rename(tmp_path / "elsewhere")
    (tmp_path / "bad.json").mkdir()
    again = Shelf(tmp_path, lambda: None)
    assert [found.id for found in again.all()] == ["good"]
    assert again.damaged == (tmp_path / "bad.json",)
    assert (tmp_path / "bad.eml").read_bytes() == b"bad"
    (tmp_path / "bad.json").rmdir()
    (tmp_path / "elsewhere").rename(tmp_path / "bad.json")
    assert len(Shelf(tmp_path, lambda: None).all()) == 2, "the disk has come to its senses"


def test_a_record_whose_message_is_gone_is_not_forgotten_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf(tmp_path, lambda: None)
    shelf.put(record(id="lost"), b"lost")
    (tmp_path / "lost.eml").unlink()
    again = Shelf(tmp_path, lambda: None)
    assert again.all() == []
    assert again.damaged == (tmp_path / "lost.damaged",)
    assert "damaged" in caplog.text


def test_what_cannot_be_kept_is_not_found_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written_and_yet_failed(path: Path, content: bytes) -> None:
        path.write_bytes(content)
        if path.suffix == ".json":
            raise OSError(28, "No space left on device")

    shelf = Shelf(tmp_path, lambda: None)
    monkeypatch.setattr("pillarbox.reader.outbox.shelf.replace_file", written_and_yet_failed)
    with pytest.raises(LibraryUnusable, match="Make room"):
        shelf.put(record(), b"message")
    assert shelf.all() == []
    assert list(tmp_path.iterdir()) == []


async def test_with_a_full_disk_the_outbox_is_opened_and_what_was_in_hand_stays_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It once kept the reader from starting."""
    world = World(tmp_path)
    world.news = News()
    world.outbox = world.opened()
    sent = world.put()
    Shelf(world.folder, lambda: None).change(sent, lambda record: record.handing(record.waiting))

    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pillarbox.reader.outbox.shelf.replace_file", full)
        (found,) = world.opened().all()
    assert found.state is Sending.SENDING
    (found,) = world.opened().all()
    assert found.state is Sending.UNCONFIRMED


def test_pauses_grow_from_half_a_minute_to_an_hour_and_no_two_clients_come_together() -> None:
    lowest = [pause(failures, lambda low, _: low) for failures in range(1, 12)]
    highest = [pause(failures, lambda _, high: high) for failures in range(1, 12)]
    assert lowest == sorted(lowest)
    assert lowest[0] < FIRST < highest[0]
    assert lowest[-1] < LONGEST < highest[-1]
    assert pause(10**9) <= 1.1 * LONGEST


def test_a_standing_counts_failures_and_a_stop_has_no_next_try() -> None:
    first = standing_after(None, Offline("a"), NOW, lambda low, _: low)
    second = standing_after(first, PutOff("b"), NOW, lambda low, _: low)
    third = standing_after(second, Stopped("c"), NOW, lambda low, _: low)
    assert (first.network, second.network, third.network) == (True, False, False)
    assert first.next_try is not None
    assert second.next_try is not None
    assert NOW < first.next_try < second.next_try
    assert (third.next_try, third.failures, third.problem) == (None, 3, "c")


@pytest.mark.parametrize(
    ("said", "shown_as"),
    [
        ("5.1.1 no\nsuch\tuser", "5.1.1 no such user"),
        ("\x1b[31mred\x07", "[31mred"),
        ("abc\u202edef\udcff", "abc def"),
        ("x" * 5000, "x" * MAX_WORDS + "…"),
        ("", ""),
    ],
)
def test_words_of_servers_are_one_bounded_line_without_controls(said: str, shown_as: str) -> None:
    assert cleaned(said) == shown_as
