"""What every mechanism has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar


class SaslError(Exception):
    """The client's response breaks the mechanism's grammar; the text is fit for the peer."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """Send this and step again with the client's response."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PasswordClaim:
    """The exchange is over; the client is who it says if this password is right."""

    name: str
    password: str


class ServerMechanism(ABC):
    """One exchange, on the server."""

    __slots__ = ()

    name: ClassVar[str]
    """As registered with IANA and announced by CAPA."""
    client_first: ClassVar[bool]
    """The client speaks first, so AUTH may carry an initial response (RFC 4422, section 5)."""
    plaintext: ClassVar[bool]
    """The password itself crosses the wire: only under TLS."""

    @abstractmethod
    def step(self, response: bytes | None) -> Challenge | PasswordClaim:
        """Take the client's response: None at the start when there is no initial one.

        Raises:
            SaslError: the response is malformed; the exchange has failed.
        """


def decode(octets: bytes) -> str:
    """A name or password as text; octets that are not UTF-8 become surrogate escapes."""
    return octets.decode("utf-8", "surrogateescape")
