"""An account that goes while a message comes in: what was for the old owner is nobody else's."""

from __future__ import annotations

import pytest

from pillarbox.contracts.auth import Account
from tests.delivery.office import Line, Office

MESSAGE = b"Subject: private\r\n\r\nfor your eyes only\r\n.\r\n"


async def in_the_middle(place: Office, *recipients: str) -> Line:
    """A connection whose recipients are accepted and whose message is half here."""
    line = await place.addressed(*(f"{name}@example.org" for name in recipients))
    assert (await line.say("DATA")).startswith("354")
    await line.send(MESSAGE[:20])
    return line


async def test_mail_for_an_account_removed_meanwhile_is_not_stored(either: Office) -> None:
    line = await in_the_middle(either, "alice")
    del either.phonebook.quotas["alice"]
    await line.send(MESSAGE[20:])
    assert (await line.reply()).startswith("550 5.1.1 ")
    assert either.store.calls == []
    assert either.ledger.deliveries == [(either.door, "refused")]
    assert await either.mail("alice") == []


async def test_mail_for_the_former_owner_of_a_name_is_not_the_new_owners(either: Office) -> None:
    """Removed and made again meanwhile; the sender's next attempt asks for the new one."""
    line = await in_the_middle(either, "alice")
    either.phonebook.generations["alice"] = 7
    await line.send(MESSAGE[20:])
    assert (await line.reply()).startswith("451 4.3.0 ")
    assert either.store.calls == []
    again = await in_the_middle(either, "alice")
    await again.send(MESSAGE[20:])
    assert (await again.reply()).startswith("250 ")


async def test_lmtp_still_serves_the_others_in_one_call(lmtp: Office) -> None:
    line = await in_the_middle(lmtp, "bob", "alice", "bob", "carol")
    del lmtp.phonebook.quotas["alice"]
    await line.send(MESSAGE[20:])
    assert [(await line.reply())[:4] for _ in range(4)] == ["250 ", "550 ", "250 ", "250 "]
    assert lmtp.store.calls == [("bob", "carol")]


async def test_smtp_has_one_reply_so_the_sender_comes_again(smtp: Office) -> None:
    """550 would be untrue of bob, 250 of alice; at the next attempt RCPT tells them apart."""
    line = await in_the_middle(smtp, "alice", "bob")
    del smtp.phonebook.quotas["alice"]
    await line.send(MESSAGE[20:])
    assert (await line.reply()).startswith("451 4.3.0 ")
    assert smtp.store.calls == []


async def test_smtp_refuses_for_good_when_all_are_gone(smtp: Office) -> None:
    line = await in_the_middle(smtp, "alice", "bob")
    smtp.phonebook.quotas.clear()
    await line.send(MESSAGE[20:])
    assert (await line.reply()).startswith("550 5.1.1 ")
    assert smtp.store.calls == []


async def test_a_directory_that_fails_meanwhile_defers_the_message(either: Office) -> None:
    line = await in_the_middle(either, "alice")
    either.phonebook.down = True
    await line.send(MESSAGE[20:])
    assert (await line.reply()).startswith("451 4.3.0 ")
    assert either.store.calls == []


async def test_a_directory_with_a_mistake_in_it_answers_each_recipient(
    lmtp: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await in_the_middle(lmtp, "alice", "bob")
    find = lmtp.phonebook.find

    async def stumble(address: str) -> Account | None:
        if address.startswith("alice"):
            raise RuntimeError("a mistake")
        return await find(address)

    monkeypatch.setattr(lmtp.phonebook, "find", stumble)
    await line.send(MESSAGE[20:])
    assert [(await line.reply())[:4] for _ in range(2)] == ["451 ", "250 "]


async def test_each_account_is_looked_up_once_more_and_no_oftener(either: Office) -> None:
    line = await in_the_middle(either, "alice", "bob", "alice")
    before = len(either.phonebook.asked)
    await line.send(MESSAGE[20:])
    assert (await line.reply()).startswith("250 ")
    assert len(either.phonebook.asked) - before == 2
    assert either.store.calls == [("alice", "bob")]


async def test_addresses_without_a_domain_are_found_again(lmtp: Office) -> None:
    line = await lmtp.call()
    await line.say("MAIL FROM:<sender@example.net>")
    assert (await line.say("RCPT TO:<alice>")).startswith("250 ")
    answers = await line.message(MESSAGE)
    assert answers[0].startswith("250 ")
