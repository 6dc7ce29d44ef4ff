"""RFC 5321: what is SMTP's alone, and the one answer for many recipients."""

from __future__ import annotations

import asyncio

import pytest

from pillarbox.contracts.errors import OverQuota, StoreUnavailable
from tests.delivery.office import Office, body_of

MESSAGE = b"Subject: hello\r\n\r\nA line.\r\n"


async def send(place: Office, *recipients: str, content: bytes = MESSAGE) -> str:
    line = await place.addressed(*recipients)
    (answer,) = await line.message(content + b".\r\n")
    line.close()
    return answer


async def test_a_dialogue(smtp: Office) -> None:
    line = await smtp.call(greeted=False)
    await line.ask("""
        S: 220 mail.example.org ESMTP
        C: EHLO client.example
        S: 250-mail.example.org
        C: MAIL FROM:<jane@example.net> SIZE=100 BODY=8BITMIME
        S: 250 2.1.0
        C: RCPT TO:<Alice@Example.ORG>
        S: 250 2.1.5
        C: RCPT TO:<bob@example.org>
        S: 250 2.1.5
        C: DATA
        S: 354
        C: Subject: hello
        C:
        C: ..a dot
        C: .
        S: 250 2.0.0
        C: QUIT
        S: 221 2.0.0
    """)
    assert await line.ended()
    for user in ("alice", "bob"):
        assert [body_of(m) for m in await smtp.mail(user)] == [b"Subject: hello\r\n\r\n.a dot\r\n"]


async def test_helo_without_extensions(smtp: Office) -> None:
    line = await smtp.call(greeted=False)
    await line.reply()
    assert await line.say("HELO client.example") == "250 mail.example.org"
    assert (await line.say("MAIL FROM:<a@b.example> SIZE=1")).startswith("501 5.5.4")


async def test_lhlo_is_not_smtp(smtp: Office) -> None:
    line = await smtp.call(greeted=False)
    await line.reply()
    assert (await line.say("LHLO client.example")).startswith("500 5.5.1")
    assert (await line.say("MAIL FROM:<a@b.example>")).startswith("503 5.5.1")


@pytest.mark.parametrize(
    "address",
    [
        "someone@elsewhere.example",
        "alice@sub.example.org",
        "alice@example.org.elsewhere.example",
        "alice@[127.0.0.1]",
        "alice@example.com",
    ],
)
async def test_never_a_relay(smtp: Office, address: str) -> None:
    line = await smtp.addressed()
    assert (await line.say(f"RCPT TO:<{address}>")).startswith("550 5.7.1")
    assert not smtp.phonebook.asked


@pytest.mark.parametrize(
    "address", ["someone%elsewhere.example@example.org", "elsewhere.example!someone@example.org"]
)
async def test_never_a_relay_by_a_local_part_in_disguise(smtp: Office, address: str) -> None:
    line = await smtp.addressed()
    assert (await line.say(f"RCPT TO:<{address}>")).startswith("550 5.1.1")


async def test_a_source_route_is_ignored(smtp: Office) -> None:
    """RFC 5321, appendix C."""
    line = await smtp.addressed("@relay.example,@two.example:alice@example.org")
    assert (await line.message(MESSAGE + b".\r\n"))[0].startswith("250")
    assert len(await smtp.mail("alice")) == 1


async def test_postmaster_needs_no_domain(smtp: Office) -> None:
    """Section 4.5.1; any other local part alone is not an address."""
    smtp.phonebook.quotas["postmaster"] = 0
    line = await smtp.addressed("PostMaster")
    assert (await line.say("RCPT TO:<alice>")).startswith("553 5.1.3")


async def test_auth_is_not_offered(smtp: Office) -> None:
    line = await smtp.call(greeted=False)
    await line.reply()
    assert "AUTH" not in await line.say("EHLO client.example")
    assert (await line.say("AUTH PLAIN AGFsaWNlAHNlY3JldA==")).startswith("502 5.5.1")
    assert "AUTH" not in await line.say("HELP")


async def test_one_failure_defers_all_and_a_retry_gives_nobody_a_second_copy(
    smtp: Office,
) -> None:
    """One answer for two recipients: 250 would lose bob's, 5xx would belie alice's."""
    smtp.store.faults["bob"] = StoreUnavailable("disk full", temporary=True)
    assert (await send(smtp, "alice@example.org", "bob@example.org")).startswith("451 4.3.0")
    assert (await send(smtp, "alice@example.org", "bob@example.org")).startswith("451 4.3.0")
    assert [len(await smtp.mail(user)) for user in ("alice", "bob")] == [1, 0]
    smtp.store.faults.clear()
    assert (await send(smtp, "alice@example.org", "bob@example.org")).startswith("250 2.0.0")
    assert [len(await smtp.mail(user)) for user in ("alice", "bob")] == [1, 1]


async def test_after_all_have_it_the_same_message_is_a_new_one(smtp: Office) -> None:
    smtp.store.faults["bob"] = OverQuota("full for a test")
    assert (await send(smtp, "alice@example.org", "bob@example.org")).startswith("452 4.2.2")
    smtp.store.faults.clear()
    for _ in range(2):
        assert (await send(smtp, "alice@example.org", "bob@example.org")).startswith("250")
    assert [len(await smtp.mail(user)) for user in ("alice", "bob")] == [2, 2]


async def test_another_message_is_not_taken_for_the_retry(smtp: Office) -> None:
    smtp.store.faults["bob"] = OverQuota("full for a test")
    await send(smtp, "alice@example.org", "bob@example.org")
    assert (await send(smtp, "alice@example.org", content=MESSAGE + b"more\r\n")).startswith("250")
    assert len(await smtp.mail("alice")) == 2


async def test_what_can_never_fit_for_one_is_refused_for_all_before_it_is_stored(
    smtp: Office,
) -> None:
    smtp.phonebook.quotas["bob"] = 100
    content = MESSAGE + b"x" * 200 + b"\r\n"
    answer = await send(smtp, "alice@example.org", "bob@example.org", content=content)
    assert answer.startswith("552 5.2.3")
    assert await smtp.mail("alice") == []
    assert smtp.store.calls == []


async def test_too_many_errors_close_the_connection(smtp: Office) -> None:
    line = await smtp.addressed()
    for n in range(19):
        assert (await line.say(f"RCPT TO:<guess{n}@example.org>")).startswith("550 5.1.1")
    assert (await line.say("RCPT TO:<guess@example.org>")).startswith("550 5.1.1")
    assert (await line.reply()).startswith("421 4.7.0")
    assert await line.ended()


async def test_an_accepted_message_forgives_errors(smtp: Office) -> None:
    line = await smtp.call()
    for _ in range(3):
        await line.say("MAIL FROM:<a@b.example>")
        for n in range(12):
            await line.say(f"RCPT TO:<guess{n}@example.org>")
        await line.say("RCPT TO:<alice@example.org>")
        assert (await line.message(MESSAGE + b".\r\n"))[0].startswith("250")


async def test_the_standard_library_s_client(smtp: Office) -> None:
    def deliver() -> dict[str, tuple[int, bytes]]:
        with smtp.client() as client:
            return client.sendmail("", ["alice@example.org", "bob@example.org"], MESSAGE)

    assert await asyncio.to_thread(deliver) == {}
    for user in ("alice", "bob"):
        (message,) = await smtp.mail(user)
        assert message.startswith(b"Return-Path: <>\r\n")
        assert body_of(message) == MESSAGE


async def test_a_new_message_in_the_same_words_is_stored(smtp: Office) -> None:
    """A script's alarm, word for word as the one that one of its readers had no room for."""
    smtp.store.faults = {"bob": OverQuota("full")}
    assert (await send(smtp, "alice@example.org", "bob@example.org")).startswith("452 4.2.2")
    assert (await send(smtp, "alice@example.org")).startswith("250")
    assert (await send(smtp, "alice@example.org")).startswith("250")
    assert len(await smtp.mail("alice")) == 3
