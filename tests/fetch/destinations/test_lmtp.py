"""LMTP: to our own delivery server, and to scripted ones that say whatever a test wants."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from pillarbox.fetch.destinations import Destination, Owner, parse_destination
from pillarbox.fetch.destinations import lmtp as lmtp_module
from pillarbox.fetch.errors import DeliveryRefused, DestinationUnusable
from tests.corpus import corpus

from .conftest import staged, stored

LETTERS = [b"Subject: %d\r\n\r\n.dot\r\n" % number for number in range(3)]
STUFFED = [b"Subject: %d\r\n\r\n..dot\r\n" % number for number in range(3)]

Answer = Callable[[str], str | None]
"""A reply to a command ("CONNECT" and "." stand for the greeting and the end of DATA); None:
the server hangs up."""


def pleased(command: str) -> str | None:
    if command == "LHLO":
        return "250-host\r\n250-8BITMIME\r\n250 PIPELINING"
    return {"CONNECT": "220 host", "DATA": "354 go on"}.get(command, "250 fine")


class Server:
    """A server on loopback that answers each command as it was told to."""

    def __init__(self, path: Path | None = None) -> None:
        self.answer: Answer = pleased
        self.said: list[str] = []
        self.received: list[bytes] = []
        self._listener = socket.socket(socket.AF_INET if path is None else socket.AF_UNIX)
        self._listener.bind(("127.0.0.1", 0) if path is None else str(path))
        self._listener.listen()
        self.address = f"unix:{path}" if path else f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        if self._thread.is_alive():
            self._listener.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                self._converse(connection, lines)

    def _converse(self, connection: socket.socket, lines: BinaryIO) -> None:
        command = "CONNECT"
        while True:
            reply = self.answer(command)
            if reply is None:
                return
            connection.sendall(reply.encode() + b"\r\n")
            if reply.startswith("354"):
                text = []
                while (octets := lines.readline()) not in {b".\r\n", b""}:
                    text.append(octets)
                if octets == b"":
                    return
                self.received.append(b"".join(text))
                command = "."
                continue
            line = lines.readline().decode().rstrip("\r\n")
            if line in {"", "QUIT"}:
                return
            command = line.partition(" ")[0].upper()
            self.said.append(command + line[len(command) :])


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


def connected(server: Server, folder: Path, recipient: str = "alice") -> Destination:
    owner = Owner("0a1b2c3d", folder / "spool", recipient)
    destination = parse_destination(f"lmtp:{server.address}").open(owner)
    destination.prepare()
    return destination


def test_the_dialogue(server: Server, tmp_path: Path) -> None:
    letters = [b"Return-Path: <bob@example.net>\r\n" + LETTERS[0], LETTERS[1]]
    assert stored(connected(server, tmp_path, "alice@example.org"), letters) == [None, None]
    assert server.said[1:] == [
        "MAIL FROM:<bob@example.net> BODY=8BITMIME",
        "RCPT TO:<alice@example.org>",
        "DATA",
        "MAIL FROM:<> BODY=8BITMIME",
        "RCPT TO:<alice@example.org>",
        "DATA",
    ]
    assert server.said[0].startswith("LHLO ")
    assert server.received == [b"Return-Path: <bob@example.net>\r\n" + STUFFED[0], STUFFED[1]]


def test_a_unix_socket(tmp_path: Path) -> None:
    server = Server(tmp_path / "socket")
    try:
        assert stored(connected(server, tmp_path), LETTERS) == [None] * 3
    finally:
        server.close()
    assert server.received == STUFFED


@pytest.mark.parametrize("size", [4096, 1 << 30])
def test_the_corpus(server: Server, tmp_path: Path, size: int) -> None:
    samples = [sample.canonical for sample in corpus() if len(sample.canonical) < 300_000]
    assert stored(connected(server, tmp_path), samples, size) == [None] * len(samples)
    assert [re.sub(rb"(?m)^\.", b"", text) for text in server.received] == samples


@pytest.mark.parametrize(
    ("at", "reply", "temporary"),
    [
        ("MAIL", "451 later", True),
        ("RCPT", "450 busy", True),
        ("RCPT", "550 no such user", False),
        ("DATA", "451 later", True),
        ("DATA", "554 no", False),
        (".", "452 full", True),
        (".", "552-too\r\n552 large", False),
        (".", "421 going down", True),
        ("DATA", "250 what?", True),
        ("DATA", "what?", True),
        (".", "what?", True),
        (".", "354 more?", True),
    ],
)
def test_one_message_is_refused_and_the_others_go_on(
    server: Server, tmp_path: Path, at: str, reply: str, temporary: bool
) -> None:
    turns = iter([None, reply])
    server.answer = lambda command: (
        (next(turns, None) if command == at else None) or pleased(command)
    )
    destination = connected(server, tmp_path)
    tokens = staged(destination, *LETTERS)
    first, second, third = destination.publish(tokens)
    assert first is third is None
    assert second is not None
    assert second.temporary is temporary
    assert server.address in str(second)
    if reply[0] in "45":
        assert f"refuses it: {reply[:3]}" in str(second)
    assert "\n" not in str(second)
    assert [destination.settle(token) for token in tokens] == [True, False, True]


def test_a_sender_that_the_server_does_not_like(server: Server, tmp_path: Path) -> None:
    server.answer = lambda command: (
        "553 no" if server.said[-1:] == ["MAIL FROM:<b@c> BODY=8BITMIME"] else pleased(command)
    )
    assert stored(connected(server, tmp_path), [b"Return-Path: <b@c>\r\n\r\n"]) == [None]
    assert server.said[2] == "MAIL FROM:<> BODY=8BITMIME"


@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA", "."])
def test_a_message_on_which_the_connection_breaks(server: Server, tmp_path: Path, at: str) -> None:
    """It is tried again later (it may come twice), and the others go over a new connection."""
    seen: list[str] = []

    def answer(command: str) -> str | None:
        seen.append(command)
        return None if command == at and seen.count(at) == 2 else pleased(command)

    server.answer = answer
    destination = connected(server, tmp_path)
    tokens = staged(destination, *LETTERS)
    first, second, third = destination.publish(tokens)
    assert first is third is None
    assert isinstance(second, DeliveryRefused)
    assert second.temporary
    assert seen.count("CONNECT") == 2
    assert [destination.settle(token) for token in tokens] == [True, False, True]


def test_a_server_that_goes_away_is_not_asked_again_for_each_message(
    server: Server, tmp_path: Path
) -> None:
    """A batch has hundreds, and each could wait for a time-out of minutes."""
    connections = 0

    def answer(command: str) -> str | None:
        nonlocal connections
        connections += command == "CONNECT"
        if connections == 1:
            return None if server.received == STUFFED[:2] else pleased(command)
        return "421 closing"

    server.answer = answer
    destination = connected(server, tmp_path)
    tokens = staged(destination, *LETTERS, *LETTERS)
    with pytest.raises(DestinationUnusable, match="421"):
        destination.publish(tokens)
    assert connections == 2
    assert [destination.settle(token) for token in tokens] == [True, *[False] * 5]


@pytest.mark.parametrize("at", ["CONNECT", "LHLO"])
@pytest.mark.parametrize("reply", [None, "421 too busy", "554 no", "no SMTP at all"])
def test_a_server_that_does_not_want_us(
    server: Server, tmp_path: Path, at: str, reply: str | None
) -> None:
    server.answer = lambda command: reply if command == at else pleased(command)
    destination = connected(server, tmp_path)
    tokens = staged(destination, *LETTERS)
    with pytest.raises(DestinationUnusable, match=rf"mail server at {server.address} .*LMTP"):
        destination.publish(tokens)
    assert not any(map(destination.settle, tokens))


def test_no_server(server: Server, tmp_path: Path) -> None:
    destination = connected(server, tmp_path)
    server.close()
    with pytest.raises(DestinationUnusable, match=r"refused.*see that it is running"):
        destination.publish(staged(destination, *LETTERS))


def test_a_server_that_says_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    server.answer = lambda command: pleased(command) if command != "." else str(answered.wait())
    monkeypatch.setattr(lmtp_module, "TIMEOUT", 1.0)  # it also has to greet in that time
    destination = connected(server, tmp_path)
    tokens = staged(destination, LETTERS[0])
    (refused,) = destination.publish(tokens)
    answered.set()
    assert refused is not None
    assert refused.temporary
    assert not destination.settle(tokens[0])


def test_after_a_crash_what_was_not_answered_is_retrieved_again(
    server: Server, tmp_path: Path
) -> None:
    destination = connected(server, tmp_path)
    tokens = staged(destination, *LETTERS)
    destination.publish(tokens[:1])
    owner = Owner("0a1b2c3d", tmp_path / "spool", "alice")
    again = parse_destination(f"lmtp:{server.address}").open(owner)
    again.prepare(tokens)
    assert [again.settle(token) for token in tokens] == [True, False, False]
    again.prepare()
    assert not list(tmp_path.rglob("*R0a1b2c3d*"))
