"""One line a message, and nothing of what is in it."""

from __future__ import annotations

import logging

import pytest
from structlog.testing import capture_logs

from pillarbox.contracts.errors import StoreUnavailable
from tests.delivery.office import Office, policy


async def test_one_line_a_message(either: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        line = await either.addressed("alice@example.org")
        (answer,) = await line.message(b"Subject: private\r\n\r\nsecret words\r\n.\r\n")
    (entry,) = [entry for entry in lines if entry["event"] == "message"]
    assert entry.pop("octets") > 30
    assert answer.endswith(entry.pop("id"))
    assert entry == {
        "event": "message",
        "log_level": "info",
        "door": either.door,
        "peer": "127.0.0.1",
        "sender": "sender@example.net",
        "recipients": ["alice@example.org"],
        "recipient_count": 1,
        "outcome": "stored",
    }
    assert "secret" not in repr(lines) + caplog.text
    assert "private" not in repr(lines) + caplog.text


async def test_a_failing_store_is_an_error_with_its_cause(lmtp: Office) -> None:
    lmtp.store.faults["bob"] = StoreUnavailable("/var/mail: disk full", temporary=True)
    with capture_logs() as lines:
        line = await lmtp.addressed("alice@example.org", "bob@example.org")
        await line.message(b"\r\n.\r\n", answers=2)
    (entry,) = [entry for entry in lines if entry["event"] == "message"]
    assert entry["log_level"] == "error"
    assert entry["outcome"] == "partly stored"
    assert entry["problem"] == "bob: /var/mail: disk full"
    assert entry["reply"].startswith("451 4.3.0")


async def test_a_refused_recipient_is_a_line(either: Office) -> None:
    with capture_logs() as lines:
        line = await either.addressed()
        await line.say("RCPT TO:<nobody@example.org>")
    (entry,) = [entry for entry in lines if entry["event"] == "recipient refused"]
    assert entry["peer"] == "127.0.0.1"
    assert entry["recipient"] == "nobody@example.org"
    assert either.ledger.deliveries == [(either.door, "refused")]


async def test_a_message_that_is_announced_as_too_large_is_a_line(either: Office) -> None:
    """Its sender never comes to DATA: nothing else would tell the operator."""
    octets = policy().max_message_octets + 1
    with capture_logs() as lines:
        line = await either.call()
        answer = await line.say(f"MAIL FROM:<big@example.net> SIZE={octets} BODY=8BITMIME")
    assert answer.startswith("552 5.3.4")
    (entry,) = [entry for entry in lines if entry["event"] == "sender refused"]
    assert entry == {
        "event": "sender refused",
        "log_level": "info",
        "door": either.door,
        "peer": "127.0.0.1",
        "sender": "big@example.net",
        "octets": octets,
        "reply": answer,
    }


@pytest.mark.parametrize("digits", ["9" * 19, "9" * 300], ids=len)
async def test_a_size_beyond_all_measure_is_too_large(either: Office, digits: str) -> None:
    line = await either.call()
    assert (await line.say(f"MAIL FROM:<a@b.example> SIZE={digits}")).startswith("552 5.3.4")
    assert (await line.say("MAIL FROM:<a@b.example> SIZE=0")).startswith("250")
