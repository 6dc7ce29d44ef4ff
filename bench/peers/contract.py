"""What the works need of a server."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench.accounting import Account

PASSWORD = "correct horse battery staple"
DOMAIN = "bench.example"


@dataclass(frozen=True)
class Mail:
    """What lies in a maildrop at first."""

    count: int
    octets: int = 0
    """Of each message, as RETR sends it (line ends CRLF)."""


@dataclass(frozen=True)
class Peer:
    """A running server."""

    name: str
    version: str
    account: Account
    pop3: int
    """Port, on 127.0.0.1."""
    pop3s: int | None
    """With TLS from the first byte."""
    lmtp: int | None
    """None: it does not take part in deliveries."""
    tls: ssl.SSLContext
    """A client's."""
    users: Mapping[str, Mail]
    refill: Callable[[str], None]
    """Put the mail that lay there at first into an empty maildrop again."""
    visited: set[str] = field(default_factory=set, compare=False)
    """Whose maildrops have been looked at since the server was started."""
    limit: bool = field(default=False, compare=False)
    """It only knows a few commands by heart."""
    domain: str = ""
    """Of the addresses that it takes mail for; empty: it takes users' names."""

    def address(self, user: str) -> str:
        """Where mail for *user* is sent."""
        return f"{user}@{self.domain}" if self.domain else user


def message(octets: int, number: int = 0) -> bytes:
    """A message of that many octets, with lines as mail has them."""
    head = (
        f"From: a@{DOMAIN}\r\nSubject: message {number}\r\nMessage-ID: <{number}@{DOMAIN}>\r\n\r\n"
    )
    line = b"The quick brown fox jumps over the lazy dog, and the dog does not mind it.\r\n"
    text = head.encode() + line * (octets // len(line) + 1)
    return text[: octets - 2] + b"\r\n"
