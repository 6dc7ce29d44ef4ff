"""Contacts in a file: entered, imported, completed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from errno import ENOSPC
from pathlib import Path

import pytest

from pillarbox.reader.compose.contacts import KeptContacts, open_contacts
from pillarbox.reader.errors import (
    ChangedElsewhere,
    LibraryUnusable,
    NotSendable,
    TooLate,
    WrongFields,
)
from pillarbox.reader.model import Contact, mark_of

ZUE = Contact("Zürich Büro", "office@zuerich.example")
ADA = Contact("Ada Lovelace", "ada@example.org")
KNOWN = [Contact("Ada L.", "ADA@example.org"), Contact("Adam", "adam@example.net")]


def opened(folder: Path, known: Sequence[Contact] = ()) -> KeptContacts:
    return open_contacts(
        folder / "contacts.json", correspondents=lambda _, count: list(known)[:count]
    )


def test_who_was_entered_is_there_after_a_restart(tmp_path: Path) -> None:
    contacts = opened(tmp_path)
    saved = [contacts.save(ZUE), contacts.save(ADA)]
    assert all(one.id for one in saved)
    assert opened(tmp_path).all() == [saved[1], saved[0]]


def test_a_contact_is_changed_and_removed(tmp_path: Path) -> None:
    contacts = opened(tmp_path)
    ada = contacts.save(ADA)
    changed = contacts.save(Contact("Countess", " ada@EXAMPLE.org ", ada.id))
    assert contacts.all() == [changed] == [Contact("Countess", "ada@example.org", ada.id)]
    contacts.remove(ada.id)
    contacts.remove(ada.id)
    assert opened(tmp_path).all() == []


def test_a_contact_that_was_removed_can_be_brought_back(tmp_path: Path) -> None:
    contacts = opened(tmp_path)
    ada, zue = contacts.save(ADA), contacts.save(ZUE)
    contacts.remove(ada.id)
    assert contacts.removed(ada.id) == ada
    contacts.restore(ada.id)
    contacts.restore(ada.id)
    assert contacts.all() == opened(tmp_path).all() == [ada, zue]
    assert contacts.removed(ada.id) is None
    contacts.remove(ada.id)
    anew = contacts.save(Contact("Countess", "ADA@example.org"))
    with pytest.raises(TooLate, match="entered anew, as Countess"):
        contacts.restore(ada.id)
    contacts.remove(anew.id)
    contacts.restore(ada.id)
    with pytest.raises(TooLate, match="Enter it again"):
        opened(tmp_path).restore(zue.id + "x")
    assert contacts.all() == [ada, zue]


def test_a_contact_that_cannot_be_written_can_be_brought_back_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts = opened(tmp_path)
    ada = contacts.save(ADA)
    contacts.remove(ada.id)

    def full(path: Path, content: bytes) -> None:
        raise OSError(ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("pillarbox.reader.compose.contacts.replace_file", full)
        with pytest.raises(LibraryUnusable):
            contacts.restore(ada.id)
    contacts.restore(ada.id)
    assert opened(tmp_path).all() == [ada]


def test_who_has_not_seen_what_a_contact_is_now_changes_nothing(tmp_path: Path) -> None:
    contacts = opened(tmp_path)
    ada = contacts.save(ADA)
    seen = mark_of(ada)
    now = contacts.save(replace(ada, name="Countess"), seen=seen)
    with pytest.raises(ChangedElsewhere):
        contacts.save(replace(ada, address="ada@x.example"), seen=seen)
    with pytest.raises(ChangedElsewhere):
        contacts.remove(ada.id, seen=seen)
    assert contacts.save(now, seen=seen) == now, "the same is no trouble"
    assert contacts.all() == [now]
    contacts.remove(ada.id, seen=mark_of(now))
    contacts.remove(ada.id, seen=seen)
    with pytest.raises(ChangedElsewhere):
        contacts.save(now, seen=mark_of(now))
    assert contacts.all() == []


def test_what_is_no_address_or_there_already_is_refused_at_its_field(tmp_path: Path) -> None:
    contacts = opened(tmp_path)
    contacts.save(ADA)
    for typed, said in (("ada", "no @"), ("ADA@example.org", "already: Ada Lovelace")):
        with pytest.raises(WrongFields, match=said) as caught:
            contacts.save(Contact("x", typed))
        assert set(caught.value.by_field) == {"address"}


def test_an_import_takes_in_who_is_new(tmp_path: Path) -> None:
    contacts = opened(tmp_path)
    contacts.save(ADA)
    card = "BEGIN:VCARD\nFN:{}\nEMAIL:{}\nEND:VCARD\n"
    people = [
        ("Ada", "Ada@Example.org"),
        ("Bob", "bob@x.example"),
        ("Bob", "bob@x.example"),
        ("", "none"),
    ]
    data = "".join(card.format(*one) for one in people).encode()
    assert contacts.import_vcards(data) == 1
    assert contacts.import_vcards(data) == 0
    assert [one.name for one in opened(tmp_path).all()] == ["Ada Lovelace", "Bob"]
    with pytest.raises(NotSendable, match="larger"):
        contacts.import_vcards(b" " * 17_000_000)
    for data in (b"", b"\x89PNG\r\n", b"not a vcard", b"BEGIN:VCALENDAR\nEND:VCALENDAR\n"):
        with pytest.raises(NotSendable, match="no vCard"):
            contacts.import_vcards(data)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("zur", ["Zürich Büro"]),
        ("bu zu", ["Zürich Büro"]),
        ("office", ["Zürich Büro"]),
        ("zuerich", ["Zürich Büro"]),
        ("lovel", ["Ada Lovelace"]),
        ("ovel", []),
        ("", []),
        ("  ", []),
    ],
)
def test_each_word_begins_a_word_of_whom_is_meant(
    tmp_path: Path, typed: str, found: list[str]
) -> None:
    contacts = opened(tmp_path)
    contacts.save(ZUE)
    contacts.save(ADA)
    assert [one.name for one in contacts.complete(typed, 5)] == found


def test_contacts_come_before_correspondents_and_nobody_twice(tmp_path: Path) -> None:
    contacts = opened(tmp_path, KNOWN)
    contacts.save(ADA)
    assert [one.name for one in contacts.complete("ad", 5)] == ["Ada Lovelace", "Adam"]
    assert [one.name for one in contacts.complete("ad", 1)] == ["Ada Lovelace"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"form":1}', b'{"form":2,"contacts":[]}'])
def test_a_damaged_file_is_said_and_stays(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "contacts.json"
    path.write_bytes(content)
    contacts = opened(tmp_path, KNOWN)
    assert str(path) in contacts.problem
    assert contacts.all() == []
    assert contacts.complete("ad", 5) == KNOWN
    with pytest.raises(LibraryUnusable):
        contacts.save(ADA)
    assert path.read_bytes() == content


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "contacts.json").mkdir()
    contacts = opened(tmp_path)
    assert "cannot be read" in contacts.problem
    with pytest.raises(LibraryUnusable, match="cannot be read"):
        contacts.import_vcards(b"BEGIN:VCARD\nEMAIL:a@x.example\nEND:VCARD\n")
