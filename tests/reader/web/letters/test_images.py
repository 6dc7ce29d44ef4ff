"""Whose images are loaded without asking."""

from __future__ import annotations

from pathlib import Path

import pytest

from pillarbox.reader.errors import LibraryUnusable
from pillarbox.reader.mail.letter import Letter, read_letter
from pillarbox.reader.web.features.letters.images import (
    NAME,
    ImageSenders,
    NotTrusted,
    trusted_address,
)
from tests.reader.mail.corpus import corpus, letter
from tests.reader.web.letters.shelf import key_of, reading

MESSAGES = {"trackers": corpus()["trackers"]}


def of(*fields: str) -> Letter:
    return read_letter(letter("text", *fields))


async def test_always_for_this_sender(tmp_path: Path) -> None:
    key = key_of("trackers")
    async with reading(MESSAGES, tmp_path) as browser:
        reply = await browser.post(f"/message/{key}/images", data={"back": "/mail/Inbox?m=x"})
        assert (reply.status_code, reply.headers["Location"]) == (303, "/mail/Inbox?m=x")
        assert "html?images=1" in (await browser.get(f"/open/{key}")).text
        assert "not loaded" not in (await browser.get(f"/open/{key}")).text
    assert (tmp_path / NAME).read_text() == "jane@example.org\n"
    async with reading(MESSAGES, tmp_path) as browser:  # another day
        assert "html?images=1" in (await browser.get(f"/open/{key}")).text


async def test_not_any_more(tmp_path: Path) -> None:
    key = key_of("trackers")
    async with reading(MESSAGES, tmp_path) as browser:
        await browser.post(f"/message/{key}/images")
        assert "Not any more" in (await browser.get(f"/open/{key}")).text
        await browser.post(f"/message/{key}/images", data={"on": "0"})
        page = (await browser.get(f"/open/{key}")).text
    assert "Not any more" not in page
    assert "are not loaded" in page
    assert (tmp_path / NAME).read_text() == ""


async def test_back_stays_on_this_site(tmp_path: Path) -> None:
    async with reading(MESSAGES, tmp_path) as browser:
        reply = await browser.post(
            f"/message/{key_of('trackers')}/images", data={"back": "//evil.example/"}
        )
    assert reply.headers["Location"] == "/"


@pytest.mark.parametrize(
    "field",
    [
        "From: <jane@example.org>, <max@example.org>",
        'From: "ceo@bank.example" <jane@example.org>',
        "From: Jane",
        "From: ",
        "From: jane@example.org@evil.example",
    ],
)
def test_who_cannot_be_trusted(field: str, tmp_path: Path) -> None:
    senders = ImageSenders(tmp_path / NAME)
    with pytest.raises(NotTrusted):
        senders.add(of(field))
    assert not senders.allows(of(field))
    assert not (tmp_path / NAME).exists()


def test_it_is_the_exact_address(tmp_path: Path) -> None:
    senders = ImageSenders(tmp_path / NAME)
    senders.add(of("From: Jane <Jane@Example.org>"))
    assert senders.allows(of("From: jane@example.org"))
    assert not senders.allows(of("From: other@example.org"))
    assert not senders.allows(of("From: jane@sub.example.org"))
    assert not senders.allows(of('From: "max@example.org" <jane@example.org>'))


def test_each_once_and_by_hand_as_well(tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_text(" Ann@example.org \n\nnonsense\n")
    senders = ImageSenders(path)
    assert senders.allows(of("From: ann@example.org"))
    for _ in range(2):
        senders.add(of())
    assert path.read_text().splitlines().count("jane@example.org") == 1
    assert senders.allows(of("From: ann@example.org"))


def test_a_file_that_cannot_be_written_or_read(tmp_path: Path) -> None:
    with pytest.raises(LibraryUnusable):
        ImageSenders(tmp_path / "nowhere" / NAME).add(of())
    (tmp_path / NAME).mkdir()
    assert not ImageSenders(tmp_path / NAME).allows(of())
    with pytest.raises(LibraryUnusable):
        ImageSenders(tmp_path / NAME).add(of())


def test_what_is_trusted_is_the_address() -> None:
    assert trusted_address(of()) == "jane@example.org"
