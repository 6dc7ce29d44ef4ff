"""Which addresses are the user's, and as which of them a message is answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pillarbox.reader.compose.original import read_original
from pillarbox.reader.compose.replies import envelope_for, identity_for
from pillarbox.reader.compose.senders import named_address, own_address, writing_as
from pillarbox.reader.model import SENT, Folder, Identity

ALICE = Identity("alice", "Alice@example.org", "Alice", aliases=("shop@club.example",))
HOME = Identity("home", "al@home.example", "Al")
BOTH = [ALICE, HOME]


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("alice@EXAMPLE.org", "Alice@example.org"),
        ("alice+Shop@example.org", "Alice+Shop@example.org"),
        ("alice+a+b.c@example.org", "Alice+a+b.c@example.org"),
        ("SHOP@club.example", "shop@club.example"),
        ("shop+x@club.example", "shop+x@club.example"),
        ("alice-shop@example.org", None),
        ("alice2@example.org", None),
        ("alice@example.com", None),
        ("alice@sub.example.org", None),
        ("example.org", None),
        ("@example.org", None),
        ("", None),
        ("+shop@example.org", None),
        ("alice+@example.org", None),
        ("alice+a..b@example.org", None),
        (f"alice+{'x' * 60}@example.org", None),
        ("alice+\u202egro@example.org", None),  # it would be shown the other way round
        ("alice+p\u0430y@example.org", None),  # a letter that looks like another
        ("alice+a b@example.org", None),
        ('"alice+a"@example.org', None),
        ("alice+a>,<eve@example.org", None),
        ("alice+a\r\nBcc: eve@example.org", None),
    ],
)
def test_only_its_own_addresses_and_their_subaddresses_are_an_accounts(
    address: str, own: str | None
) -> None:
    assert own_address(ALICE, address) == own
    assert writing_as(ALICE, address) == (None if own is None else replace(ALICE, address=own))


def test_an_account_without_an_address_has_none() -> None:
    for address in ("", "@", "+x@", "a@b.example"):
        assert own_address(Identity("work", ""), address) is None


def test_what_has_a_name_of_its_own_is_no_subaddress() -> None:
    identity = replace(ALICE, aliases=("alice+list@example.org",))
    assert named_address(identity, "alice+list@example.org") == "alice+list@example.org"
    assert named_address(identity, "alice+shop@example.org") == "Alice@example.org"
    assert named_address(identity, "eve@example.org") is None


def test_a_name_with_a_plus_is_one_of_a_mailbox_that_has_others() -> None:
    """Mail to alice+shop was answered as alice+me, which the other side had never heard of."""
    pop = Identity("pop", "Alice+me@example.org")
    assert own_address(pop, "alice+shop@example.org") == "Alice+shop@example.org"
    assert named_address(pop, "alice+shop@example.org") == "Alice+me@example.org"
    assert own_address(pop, "ALICE+ME@example.org") == "Alice+me@example.org"
    assert own_address(pop, "alice+me+x@example.org") == "Alice+me+x@example.org"
    assert own_address(pop, "alice@example.org") is None, "it writes as none without a plus"
    assert own_address(pop, "alic+shop@example.org") is None
    answered = read_original(came("To: alice+shop@example.org"), Folder("Inbox/pop")).answered
    writer = identity_for(answered, [HOME, pop])
    assert writer is not None
    assert writer.address == "Alice+shop@example.org"


def test_domains_are_the_same_in_both_spellings() -> None:
    identity = Identity("a", "al@b\u00fccher.example")
    assert own_address(identity, "al+x@xn--bcher-kva.example") == "al+x@b\u00fccher.example"


def came(*header: str, text: str = "x") -> bytes:
    return "\n".join(["From: a@x.example", *header, "", text, ""]).encode()


INBOX = "Inbox/alice"
OWN, TAGGED, ALIAS = "Alice@example.org", "Alice+shop@example.org", "shop@club.example"

RECEIVED = "Received: from x.example by mx.example"
CASES: dict[str, tuple[bytes, str, str]] = {
    "to the address itself": (came("To: alice@example.org"), INBOX, OWN),
    "to a subaddress": (came("To: alice+shop@example.org"), INBOX, TAGGED),
    "with a copy to one": (came("To: b@x.example", "Cc: alice+shop@example.org"), INBOX, TAGGED),
    "to another address": (came("To: shop@club.example"), INBOX, ALIAS),
    "to another one, delivered to the mailbox": (
        came("Delivered-To: alice@example.org", "To: Shop <shop@club.example>"),
        INBOX,
        ALIAS,
    ),
    "filed since": (came("Delivered-To: alice@example.org", f"To: {TAGGED}"), "Archive", TAGGED),
    "hidden": (
        came("X-Original-To: alice+shop@example.org", "Delivered-To: alice@example.org", "To: b@x"),
        INBOX,
        TAGGED,
    ),
    "hidden, by the envelope": (came("Envelope-To: alice+shop@example.org"), INBOX, TAGGED),
    "hidden, forwarded by another mailbox": (
        came("Delivered-To: alice@example.org", RECEIVED, "Delivered-To: shop@club.example"),
        INBOX,
        OWN,
    ),
    "hidden, forwarded to a subaddress": (
        came("Delivered-To: alice+shop@example.org", RECEIVED, "Delivered-To: shop@club.example"),
        INBOX,
        TAGGED,
    ),
    "hidden, with a forged note": (
        came(RECEIVED, "Envelope-To: alice@example.org", RECEIVED, "X-Original-To: " + ALIAS),
        INBOX,
        OWN,
    ),
    "hidden, with a forged note of the same name": (
        came("Delivered-To: alice@example.org", "Delivered-To: shop@club.example"),
        INBOX,
        OWN,
    ),
    "hidden, with a forged note of another account, filed": (
        came("Envelope-To: alice@example.org", RECEIVED, "Delivered-To: al@home.example"),
        "Archive",
        OWN,
    ),
    "hidden, naming another account": (
        came("Delivered-To: alice@example.org", RECEIVED, "To: al@home.example"),
        INBOX,
        OWN,
    ),
    "hidden, naming another account, where nothing is noted": (
        came("To: al@home.example"),
        INBOX,
        OWN,
    ),
    "hidden, naming another account, filed": (
        came("Delivered-To: alice@example.org", RECEIVED, "To: al@home.example"),
        "Archive",
        OWN,
    ),
    "to another account of the same server, filed": (
        came("X-Original-To: al@home.example", "Delivered-To: alice+shop@example.org"),
        "Archive",
        TAGGED,
    ),
    "hidden, and nobody has noted for whom": (came("To: undisclosed-recipients:;"), INBOX, OWN),
    "by a list that notes nothing": (
        came("To: list@l.example", "List-Post: <mailto:list@l.example>"),
        INBOX,
        OWN,
    ),
    "by a list, to a subaddress": (
        came(
            "Delivered-To: alice+shop@example.org",
            "To: list@l.example",
            "List-Post: <mailto:list@l.example>",
        ),
        INBOX,
        TAGGED,
    ),
    "by a list, with a copy to another account": (
        came(
            "Delivered-To: alice+shop@example.org",
            "To: list@l.example, al@home.example",
            "List-Post: <mailto:list@l.example>",
        ),
        INBOX,
        TAGGED,
    ),
    "by a list, filed, with a copy to another account": (
        came(
            "Delivered-To: alice+shop@example.org",
            "To: list@l.example, al@home.example",
            "List-Post: <mailto:list@l.example>",
        ),
        "Archive",
        TAGGED,
    ),
    "to another account, which forwards to this one": (
        came("Delivered-To: alice@example.org", "To: al+x@home.example"),
        INBOX,
        OWN,
    ),
    "to both, in the inbox of one": (came(f"To: al@home.example, {TAGGED}"), INBOX, TAGGED),
    "to somebody who only looks like it": (
        came("Delivered-To: alice@evil.example", "To: alice@example.org.evil.example"),
        INBOX,
        OWN,
    ),
    "with a detail that looks like another": (
        came("To: =?utf-8?q?x?= <alice+p\u0430y@example.org>"),
        INBOX,
        OWN,
    ),
    "my own, from a subaddress": (
        f"From: {TAGGED}\nTo: a@x.example\n\nx\n".encode(),
        str(SENT),
        TAGGED,
    ),
    "my own, from another address, filed": (
        f"From: {ALIAS}\nTo: a@x.example\n\nx\n".encode(),
        "Archive",
        ALIAS,
    ),
    "from one of my accounts to a subaddress of the other": (
        came(f"To: {TAGGED}").replace(b"a@x.example", b"al@home.example"),
        INBOX,
        TAGGED,
    ),
}


@pytest.mark.parametrize(("message", "folder", "address"), CASES.values(), ids=CASES)
def test_an_answer_is_from_the_address_that_the_message_came_to(
    message: bytes, folder: str, address: str
) -> None:
    identity = identity_for(read_original(message, Folder(folder)).answered, BOTH)
    assert identity is not None
    assert identity.address == address


@pytest.mark.parametrize(("message", "folder", "address"), CASES.values(), ids=CASES)
def test_an_answer_to_all_goes_to_no_address_of_ones_own(
    message: bytes, folder: str, address: str
) -> None:
    answered = read_original(message, Folder(folder)).answered
    recipients = envelope_for(answered, BOTH, to_all=True)
    sender = {one.address.casefold() for one in answered.letter.sender}
    for one in (*recipients.to, *recipients.cc):
        own = any(own_address(identity, one.address) for identity in BOTH)
        assert not own or one.address.casefold() in sender
    assert address not in {one.address for one in (*recipients.to, *recipients.cc)}


def test_another_address_of_ones_own_is_known_in_sent() -> None:
    """An answer to what one has written as it says more to those it went to."""
    message = f"From: {ALIAS}\nTo: a@x.example\nCc: {TAGGED}, b@x.example\n\nx\n".encode()
    answered = read_original(message, SENT).answered
    envelope = envelope_for(answered, BOTH, to_all=True)
    assert [one.address for one in envelope.to] == ["a@x.example"]
    assert [one.address for one in envelope.cc] == ["b@x.example"]


def test_an_address_is_rather_the_own_one_of_an_account_than_another_one_of_the_next() -> None:
    also = replace(ALICE, aliases=(HOME.address,))
    answered = read_original(came(f"To: {HOME.address}"), Folder("Archive")).answered
    assert identity_for(answered, [also, HOME]) == HOME


def test_a_mailbox_under_a_name_that_the_account_does_not_write_as_is_still_its_own() -> None:
    pop = Identity("pop", "alice+pop@example.org")
    answered = read_original(came("To: alice@example.org"), Folder("Archive")).answered
    assert identity_for(answered, [HOME, pop]) == pop
    own = read_original(b"From: alice@example.org\nTo: a@x.example\n\nx\n", SENT).answered
    assert identity_for(own, [HOME, pop]) == pop
