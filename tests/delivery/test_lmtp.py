"""RFC 2033: what is LMTP's alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pillarbox.contracts.errors import OverQuota, StoreUnavailable
from tests.delivery.office import Office, body_of, office

MESSAGE = b"Subject: hello\r\n\r\nA line.\r\n"


async def test_the_dialogue_of_section_5(lmtp: Office) -> None:
    """Pipelined, one unknown recipient, one over quota: one reply per accepted RCPT."""
    lmtp.phonebook.quotas["green"] = 10_000
    lmtp.store.faults["green"] = OverQuota("full for a test")
    line = await lmtp.call()
    await line.send(
        b"MAIL FROM:<chris@bar.com>\r\nRCPT TO:<alice@example.org>\r\n"
        b"RCPT TO:<jones@example.org>\r\nRCPT TO:<green@example.org>\r\nDATA\r\n"
    )
    got = [await line.reply() for _ in range(5)]
    assert [reply[:9] for reply in got[:4]] == [
        "250 2.1.0",
        "250 2.1.5",
        "550 5.1.1",
        "250 2.1.5",
    ]
    assert got[4].startswith("354 ")
    await line.send(MESSAGE + b".\r\n")
    first, second = await line.reply(), await line.reply()
    assert first.startswith("250 2.0.0 <alice@example.org> ")
    assert second.startswith("452 4.2.2 <green@example.org> ")
    assert (await line.say("QUIT")).startswith("221 2.0.0")
    assert await line.ended()
    assert [body_of(m) for m in await lmtp.mail("alice")] == [MESSAGE]


@pytest.mark.parametrize("command", ["HELO client.example", "EHLO client.example"])
async def test_helo_and_ehlo_are_refused(lmtp: Office, command: str) -> None:
    """Section 4.1."""
    line = await lmtp.call(greeted=False)
    assert (await line.reply()).startswith("220 mail.example.org LMTP")
    assert (await line.say(command)).startswith("500 5.5.1")
    assert (await line.say("LHLO client.example")).startswith("250-mail.example.org")


async def test_section_5_the_extensions_that_lhlo_must_offer(lmtp: Office) -> None:
    """PIPELINING and ENHANCEDSTATUSCODES must, 8BITMIME should be supported."""
    line = await lmtp.call(greeted=False)
    await line.reply()
    offered = {row[4:] for row in (await line.say("LHLO client.example")).split("\n")[1:]}
    assert offered == {
        "SIZE 52428800",
        "8BITMIME",
        "SMTPUTF8",
        "PIPELINING",
        "ENHANCEDSTATUSCODES",
    }


async def test_data_without_a_valid_recipient_is_503(lmtp: Office) -> None:
    line = await lmtp.addressed()
    assert (await line.say("RCPT TO:<nobody@example.org>")).startswith("550 5.1.1")
    assert (await line.say("DATA")).startswith("503 5.5.1")


async def test_the_same_recipient_twice_gets_two_replies_and_one_copy(lmtp: Office) -> None:
    """Section 4.2: two replies even if two RCPT commands gave the same forward-path."""
    line = await lmtp.addressed("alice@example.org", "ALICE+phone@example.org")
    first, second = await line.message(MESSAGE + b".\r\n", answers=2)
    assert first.startswith("250 2.0.0 <alice@example.org>")
    assert second.startswith("250 2.0.0 <ALICE+phone@example.org>")
    assert len(await lmtp.mail("alice")) == 1


async def test_one_call_of_the_store_for_all_recipients(lmtp: Office) -> None:
    line = await lmtp.addressed("alice@example.org", "bob@example.org", "carol@example.org")
    answers = await line.message(MESSAGE + b".\r\n", answers=3)
    assert [a[:3] for a in answers] == ["250"] * 3
    assert lmtp.store.calls == [("alice", "bob", "carol")]
    assert lmtp.ledger.deliveries == [("lmtp", "stored")] * 3


async def test_store_down_for_one_is_4xx_for_that_one_alone(lmtp: Office) -> None:
    lmtp.store.faults["bob"] = StoreUnavailable("disk full", temporary=True)
    line = await lmtp.addressed("alice@example.org", "bob@example.org", "carol@example.org")
    answers = await line.message(MESSAGE + b".\r\n", answers=3)
    assert [a[:9] for a in answers] == ["250 2.0.0", "451 4.3.0", "250 2.0.0"]
    assert [len(await lmtp.mail(user)) for user in ("alice", "bob", "carol")] == [1, 0, 1]
    assert [o for _, o in lmtp.ledger.deliveries] == ["stored", "deferred", "stored"]


@pytest.mark.parametrize(
    "error",
    [
        StoreUnavailable("disk full", temporary=True),
        StoreUnavailable("index damaged", temporary=False),
        RuntimeError("a bug"),
    ],
)
async def test_a_store_that_fails_whole_defers_every_recipient(
    lmtp: Office, error: Exception
) -> None:
    """Even what an operator must mend is temporary for the sender: mail waits, not bounces."""
    lmtp.store.breaks = error
    line = await lmtp.addressed("alice@example.org", "bob@example.org")
    answers = await line.message(MESSAGE + b".\r\n", answers=2)
    assert [a[:9] for a in answers] == ["451 4.3.0"] * 2
    assert not any(str(error) in answer for answer in answers)
    lmtp.store.breaks = None
    assert (await line.say("MAIL FROM:<a@b.example>")).startswith("250")


async def test_a_message_larger_than_the_whole_quota_is_refused_for_good(lmtp: Office) -> None:
    """RFC 3463 X.2.3: no deletion could make room for it."""
    lmtp.phonebook.quotas["alice"] = 100
    line = await lmtp.addressed("alice@example.org", "bob@example.org")
    answers = await line.message(MESSAGE + b"x" * 200 + b"\r\n.\r\n", answers=2)
    assert [a[:9] for a in answers] == ["552 5.2.3", "250 2.0.0"]


async def test_a_declared_size_above_the_quota_is_refused_at_rcpt(lmtp: Office) -> None:
    lmtp.phonebook.quotas["alice"] = 100
    line = await lmtp.call()
    await line.ask("""
        C: MAIL FROM:<a@b.example> SIZE=101
        S: 250 2.1.0
        C: RCPT TO:<alice@example.org>
        S: 552 5.2.3
        C: RCPT TO:<bob@example.org>
        S: 250 2.1.5
    """)


async def test_a_bare_local_part_is_an_address(lmtp: Office) -> None:
    line = await lmtp.addressed("alice")
    assert (await line.message(MESSAGE + b".\r\n"))[0].startswith("250")
    assert len(await lmtp.mail("alice")) == 1


async def test_a_foreign_domain_is_a_bad_destination_system(lmtp: Office) -> None:
    """RFC 3463: X.1.2 concerns the part right of the @."""
    line = await lmtp.addressed()
    assert (await line.say("RCPT TO:<alice@elsewhere.example>")).startswith("550 5.1.2")
    assert not lmtp.phonebook.asked


@pytest.mark.parametrize(
    ("content", "reply"),
    [
        (b"Subject: x\r\n\r\nend\n.\r\nMAIL FROM:<evil@x>\r\n", "550 5.6.0"),
        (b"Received: x\r\n" * 101 + b"\r\n", "554 5.4.6"),
    ],
    ids=["smuggled", "loop"],
)
async def test_a_refused_message_is_refused_once_per_recipient(
    lmtp: Office, content: bytes, reply: str
) -> None:
    line = await lmtp.addressed("alice@example.org", "bob@example.org")
    answers = await line.message(content + b".\r\n", answers=2)
    assert [a.split(" <")[0] for a in answers] == [reply] * 2
    assert [a.split()[2] for a in answers] == ["<alice@example.org>", "<bob@example.org>"]
    assert (await line.say("NOOP")).startswith("250 2.0.0")
    assert await lmtp.mail("alice") == []


async def test_refused_recipients_are_not_the_mail_server_s_mistake(lmtp: Office) -> None:
    line = await lmtp.addressed()
    for n in range(50):
        assert (await line.say(f"RCPT TO:<nobody{n}@example.org>")).startswith("550 5.1.1")
    assert (await line.say("RCPT TO:<alice@example.org>")).startswith("250")


async def test_a_socket_in_the_file_system(tmp_path: Path) -> None:
    async with office("lmtp", path=tmp_path / "lmtp") as place:
        line = await place.addressed("alice@example.org")
        assert (await line.message(MESSAGE + b".\r\n"))[0].startswith("250")
        (message,) = await place.mail("alice")
        assert b"from client.example (unix)\r\n" in message
        await place.server.stop(grace=0)
        assert (tmp_path / "lmtp").exists(), "whoever bound the socket removes it"


async def test_the_standard_library_s_client(lmtp: Office) -> None:
    def deliver() -> dict[str, tuple[int, bytes]]:
        with lmtp.client() as client:
            return client.sendmail(
                "a@b.example", ["alice@example.org", "nobody@example.org"], MESSAGE
            )

    refused = await asyncio.to_thread(deliver)
    assert {name: code for name, (code, _) in refused.items()} == {"nobody@example.org": 550}
    assert [body_of(m) for m in await lmtp.mail("alice")] == [MESSAGE]
