"""Addresses in mail: who comes first."""

from __future__ import annotations

import pytest

from pillarbox.reader.library.index.sqlite import SqliteIndex
from pillarbox.reader.model import Correspondent
from tests.reader.library.index.mail import ARRIVED, SENT, TRASH, WORK, entry, key_of, summary

ANN = Correspondent("Ann Lee", "ann@example.org")
ANTON = Correspondent("Anton", "anton@example.com")
ANNA = Correspondent("Müller, Änna", "ae@EXAMPLE.net")
ME = Correspondent("Me", "me@example.org")


def received(index: SqliteIndex, base: str, sender: Correspondent, days_ago: float = 1) -> None:
    index.put([(entry(base, WORK), summary(sender=sender, to=(ME,), days_ago=days_ago), ARRIVED)])


def sent(index: SqliteIndex, base: str, *to: Correspondent) -> None:
    index.put([(entry(base, SENT), summary(sender=ME, to=to, days_ago=5), ARRIVED)])


def found(index: SqliteIndex, typed: str, count: int = 10) -> list[str]:
    return [contact.address for contact in index.correspondents(typed, count)]


def test_those_written_to_come_first_then_the_frequent_then_the_recent(index: SqliteIndex) -> None:
    received(index, "1", ANTON, days_ago=1)
    received(index, "2", ANTON, days_ago=1)
    received(index, "3", ANNA, days_ago=1)
    assert found(index, "an") == ["anton@example.com", "ae@EXAMPLE.net"]
    sent(index, "4", ANN)
    assert found(index, "an") == ["ann@example.org", "anton@example.com", "ae@EXAMPLE.net"]
    assert found(index, "an", 1) == ["ann@example.org"]
    received(index, "5", Correspondent("Anders", "anders@example.org"), days_ago=0)
    assert found(index, "an")[2:] == ["anders@example.org", "ae@EXAMPLE.net"]


@pytest.mark.parametrize(
    ("typed", "is_found"),
    [
        ("ann", True),
        ("ANN", True),
        ("le", True),
        ("ann le", True),
        ("lee ann", True),
        ("ann@ex", True),
        ("example", True),
        ('"Ann Lee" <ann@example.org>', True),
        ("nn", False),
        ("ann x", False),
        ("", False),
        (" ,", False),
        ("%", False),
        ("_nn", False),
    ],
)
def test_what_is_typed(index: SqliteIndex, typed: str, is_found: bool) -> None:
    sent(index, "1", ANN)
    assert bool(found(index, typed)) is is_found


def test_accents_do_not_matter_where_they_are_not_typed(index: SqliteIndex) -> None:
    received(index, "1", ANNA)
    assert found(index, "mül") == found(index, "mul") == ["ae@EXAMPLE.net"]


def test_one_address_is_one_person_with_the_latest_name(index: SqliteIndex) -> None:
    received(index, "1", Correspondent("Old Name", "Ann@Example.org"), days_ago=9)
    received(index, "2", Correspondent("", "ann@example.org"), days_ago=2)
    received(index, "3", Correspondent("New Name", "ann@example.org"), days_ago=5)
    (contact,) = index.correspondents("ann", 5)
    assert contact.name == "New Name"
    assert found(index, "old") == []


def test_those_whose_mail_is_gone_go_too(index: SqliteIndex) -> None:
    sent(index, "1", ANN, ANTON)
    received(index, "2", ANN)
    index.drop([key_of("1")])
    assert found(index, "an") == ["ann@example.org"]
    index.drop([key_of("2")])
    assert found(index, "an") == []


def test_mail_that_leaves_sent_was_not_sent(index: SqliteIndex) -> None:
    sent(index, "1", ANN)
    index.place([(key_of("1"), entry("1", TRASH))])
    assert found(index, "an") == []
    index.place([(key_of("1"), entry("1", SENT))])
    assert found(index, "an") == ["ann@example.org"]


def test_what_is_no_address_is_nobody(index: SqliteIndex) -> None:
    sent(index, "1", Correspondent("undisclosed recipients", ""), Correspondent("", "nobody"))
    assert found(index, "und") == found(index, "nob") == []
