from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from threading import Thread

import pytest

from pillarbox.fetch.destinations import Owner, parse_destination
from pillarbox.reader.errors import ChangedElsewhere, LibraryUnusable, NoSuchFolder, TooLate
from pillarbox.reader.library.library import MailLibrary
from pillarbox.reader.library.rules import RulesFile, fits
from pillarbox.reader.mail.summary import Summary
from pillarbox.reader.model import (
    ARCHIVE,
    SENT,
    Correspondent,
    Flag,
    Folder,
    Rule,
    Verb,
    inbox_of,
    mark_of,
)
from tests.reader.library.conftest import Place

WORK = inbox_of("work")
SUMMARY = Summary(
    subject="Straßenfest am Samstag",
    sender=Correspondent("Ann Onymous", "ann@example.org"),
    to=(Correspondent("", "bob@example.net"), Correspondent("List", "list@example.com")),
    list_id="talk.example.com",
)


@pytest.mark.parametrize(
    ("rule", "fit"),
    [
        (Rule("1"), True),
        (Rule("1", sender="ann@"), True),
        (Rule("1", sender="ONYMOUS"), True),
        (Rule("1", sender="Ann Onymous <ann@example.org>"), True),
        (Rule("1", sender="bob"), False),
        (Rule("1", to="bob"), True),
        (Rule("1", to="LIST@"), True),
        (Rule("1", to="ann"), False),
        (Rule("1", subject=" strassenfest "), True),
        (Rule("1", subject="Straßenfest", sender="bob"), False),
        (Rule("1", subject="sommerfest"), False),
        (Rule("1", list_id="talk."), True),
        (Rule("1", list_id="walk."), False),
        (Rule("1", accounts=("work", "home")), True),
        (Rule("1", accounts=("home",)), False),
    ],
)
def test_which_rules_fit(rule: Rule, fit: bool) -> None:
    assert fits(rule, SUMMARY, "work") is fit


def test_the_first_that_fits_is_the_only_one(tmp_path: Path) -> None:
    rules = RulesFile(tmp_path / "rules.json")
    rules.save([Rule("a", sender="bob"), Rule("b", sender="ann"), Rule("c", subject="fest")])
    found = rules.first_that_fits("work", SUMMARY)
    assert found is not None
    assert found.id == "b"


def test_rules_are_kept(tmp_path: Path) -> None:
    rule = Rule("", "a", "b", "ü", "d", ("x",), Folder("P/q"), mark_seen=True, flag=True)
    RulesFile(tmp_path / "rules.json").save([rule, Rule("", sender="z")])
    found = RulesFile(tmp_path / "rules.json")
    assert found.problem == ""
    first, second = found.all()
    assert first.id
    assert first.id != second.id
    assert (first.subject, first.move_to, first.accounts) == ("ü", "P/q", ("x",))
    assert first.mark_seen
    assert first.flag
    assert (tmp_path / "rules.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"rules": 1}',
        b'{"rules": [1]}',
        b'{"rules": [{}]}',
        b'{"rules": [{"id": 1}]}',
        b'{"rules": [{"id": "a", "sender": null}]}',
        b'{"rules": [{"id": "a", "flag": "yes"}]}',
        b'{"rules": [{"id": "a", "move_to": 3}]}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_is_set_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rules.json"
    path.write_bytes(content)
    rules = RulesFile(path)
    assert list(rules.all()) == []
    assert "rules.json.damaged-1" in rules.problem
    assert (tmp_path / "rules.json.damaged-1").read_bytes() == content
    rules.save([Rule("a", sender="x")])
    path.write_bytes(b"again")
    assert "damaged-2" in RulesFile(path).problem


def test_what_a_later_version_has_added_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text('{"rules": [{"id": "a", "sender": "x", "unheard_of": 1}], "more": 2}')
    assert [rule.sender for rule in RulesFile(path).all()] == ["x"]


def test_changes_at_once_do_not_lose_each_other(tmp_path: Path) -> None:
    rules = RulesFile(tmp_path / "rules.json")

    def add(name: str) -> None:
        rules.change(lambda before: [*before, Rule(name, sender=name)])

    other = Thread(target=add, args=("b",))

    def edit(before: Sequence[Rule]) -> Sequence[Rule]:
        other.start()  # which has to wait
        return [*before, Rule("a", sender="a")]

    rules.change(edit)
    other.join()
    assert [rule.id for rule in RulesFile(tmp_path / "rules.json").all()] == ["a", "b"]


def letter(sender: str, subject: str = "x") -> bytes:
    return f"From: {sender}\nSubject: {subject}\n\ntext\n".encode()


def test_new_mail_goes_where_a_rule_says(library: MailLibrary, place: Place) -> None:
    library.rules.save(
        [
            Rule("1", sender="ann", move_to=library.make_folder("Ann"), mark_seen=True),
            Rule("2", sender="bob", flag=True),
            Rule("3", sender="cid", accounts=("home",), move_to=ARCHIVE),
        ]
    )
    for name in ("ann", "bob", "cid"):
        place.deliver("work", f"1.{name}", letter(f"{name}@example.org"))
    place.deliver("home", "2.cid", letter("cid@example.org"))
    assert library.look() == 4
    assert set(place.files()) == {
        "Ann/cur/1.ann:2,S",
        "Inbox/work/cur/1.bob:2,F",
        "Inbox/work/cur/1.cid:2,",
        "Archive/cur/2.cid:2,",
    }


def test_a_rule_is_applied_once(library: MailLibrary, place: Place) -> None:
    """Who takes a message back to the inbox finds it there, whatever becomes of the index."""
    library.rules.save([Rule("1", sender="ann", move_to=ARCHIVE)])
    place.deliver("work", "1.ann", letter("ann@example.org"))
    library.look()
    library.move([library.page(ARCHIVE, 0, 1).rows[0].key], WORK)
    library.look()
    library = place.open(with_index=False)
    library.reindex(lambda _: None)
    assert set(place.files()) == {"Inbox/work/cur/1.ann:2,"}


def test_mail_that_came_before_a_crash_is_sorted_after_it(
    library: MailLibrary, place: Place
) -> None:
    library.rules.save([Rule("1", sender="ann", move_to=ARCHIVE)])
    place.deliver("work", "1.ann", letter("ann@example.org"))
    library = place.open()
    library.look()
    assert set(place.files()) == {"Archive/cur/1.ann:2,"}


def test_a_rule_whose_folder_is_gone_leaves_mail_where_it_is(
    library: MailLibrary, place: Place
) -> None:
    folder = library.make_folder("Ann")
    library.rules.save([Rule("1", sender="ann", move_to=folder, flag=True)])
    library.remove_folder(folder)
    place.deliver("work", "1.ann", letter("ann@example.org"))
    library.look()
    assert set(place.files()) == {"Inbox/work/cur/1.ann:2,F"}


def test_mail_that_is_put_into_an_inbox_by_hand_is_not_sorted(library: MailLibrary) -> None:
    library.rules.save([Rule("1", sender="ann", move_to=ARCHIVE)])
    key = library.add(WORK, letter("ann@example.org"))
    library.look()
    assert library.find(key).folder == WORK


def test_a_message_that_cannot_be_read_stops_no_other(library: MailLibrary, place: Place) -> None:
    library.rules.save([Rule("1", sender="ann", move_to=ARCHIVE)])
    place.deliver("work", "1.odd", b"\0\xff" * 100)
    place.deliver("work", "2.empty", b"")
    place.deliver("work", "3.ann", letter("ann@example.org"))
    (place.mail / "Inbox/work/new/4.link").symlink_to("/etc/passwd")
    os.mkfifo(place.mail / "Inbox/work/new/5.pipe")
    assert library.look() == 3
    assert "Archive/cur/3.ann:2," in place.files()


def test_applied_to_what_is_there(library: MailLibrary, place: Place) -> None:
    one = library.add(SENT, letter("ann@example.org"))
    two = library.add(SENT, letter("bob@example.org"))
    before = place.files()
    rule = Rule("1", sender="ann", move_to=ARCHIVE, flag=True, accounts=("home",))
    change = library.apply(rule, SENT)
    assert (change.verb, change.keys, change.to) == (Verb.MOVED, (one,), ARCHIVE)
    row = library.find(one)
    assert (row.folder, row.flags) == (ARCHIVE, frozenset({Flag.FLAGGED}))
    assert library.find(two).folder == SENT
    library.undo(change.id)
    assert place.files() == before


def test_applied_without_moving(library: MailLibrary) -> None:
    key = library.add(SENT, letter("ann@example.org"))
    change = library.apply(Rule("1", sender="ann", mark_seen=True), SENT)
    assert (change.verb, change.flag, change.keys) == (Verb.MARKED, Flag.SEEN, (key,))


@pytest.mark.parametrize(("folder", "to"), [("none", ARCHIVE), (SENT, "none")])
def test_applied_where_nothing_is(library: MailLibrary, folder: str, to: str) -> None:
    with pytest.raises(NoSuchFolder):
        library.apply(Rule("1", move_to=Folder(to)), Folder(folder))


def test_what_a_rule_has_moved_does_not_come_twice(
    library: MailLibrary, place: Place, tmp_path: Path
) -> None:
    """The collector died before it could note that the message is stored, and ``tmp`` is another by now."""
    library.rules.save([Rule("1", sender="ann", move_to=ARCHIVE)])
    inbox = library.folder_of("work")
    target = parse_destination(f"maildir:{inbox}")
    destination = target.open(Owner("0123abcd", tmp_path / "spool", "ann"))
    destination.prepare()
    staging = destination.stage()
    staging.write(b"From: ann@example.org\r\n\r\nx\r\n")
    token = staging.finish()
    destination.sync([staging])
    destination.publish([token])
    library.look()
    assert [name.split("/")[0] for name in place.files()] == ["Archive"]
    (inbox / "tmp").rename(tmp_path / "tmp")
    (inbox / "tmp").mkdir()
    destination.prepare([token])
    assert destination.settle(token)


def test_a_file_that_cannot_be_read_keeps_no_library_from_opening(place: Place) -> None:
    place.root.mkdir()
    for name in ("rules.json", "trash.json"):
        (place.root / name).mkdir()
    library = place.open()
    assert "cannot be read" in library.rules.problem
    with pytest.raises(LibraryUnusable, match="cannot be read"):
        library.rules.save([Rule("", subject="x", mark_seen=True)])


# Removing a rule, and bringing it back.

THREE = tuple(Rule(name, sender=name, flag=True) for name in "abc")


@pytest.mark.parametrize(
    "order", ["".join(some) for n in (1, 2, 3) for some in permutations("abc", n)]
)
def test_rules_that_were_removed_come_back_to_their_places(tmp_path: Path, order: str) -> None:
    rules = RulesFile(tmp_path / "rules.json")
    rules.save(THREE)
    for back in permutations(order):
        for name in order:
            rules.remove(name)
        assert all(rules.removed(name) == Rule(name, sender=name, flag=True) for name in order)
        for name in back:
            rules.restore(name)
        assert rules.all() == RulesFile(tmp_path / "rules.json").all() == THREE
        assert not any(rules.removed(name) for name in order)


def test_a_rule_that_was_removed_too_long_ago_stays_away(tmp_path: Path) -> None:
    rules = RulesFile(tmp_path / "rules.json")
    rules.save(THREE)
    rules.restore("a")
    rules.remove("none")
    assert rules.all() == THREE
    with pytest.raises(TooLate, match="Make it anew"):
        rules.restore("none")
    rules.remove("a")
    with pytest.raises(TooLate):
        RulesFile(tmp_path / "rules.json").restore("a")


def test_a_rule_that_is_another_one_by_now_is_not_removed(tmp_path: Path) -> None:
    rules = RulesFile(tmp_path / "rules.json")
    rules.save(THREE)
    with pytest.raises(ChangedElsewhere):
        rules.remove("a", seen=mark_of(THREE[1]))
    rules.remove("a", seen=mark_of(THREE[0]))
    assert rules.all() == THREE[1:]


def test_a_rule_that_comes_back_moves_to_what_its_folder_is_called_now(tmp_path: Path) -> None:
    rules = RulesFile(tmp_path / "rules.json")
    rules.save([Rule("a", move_to=Folder("Old")), Rule("b", move_to=Folder("Other"))])
    rules.remove("a")
    rules.remove("b")
    rules.folder_renamed(Folder("Old"), Folder("New"))
    rules.restore("a")
    rules.restore("b")
    assert [rule.move_to for rule in rules.all()] == ["New", "Other"]
