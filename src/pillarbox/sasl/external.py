"""EXTERNAL (RFC 4422, appendix A): who the client is, something else has shown: its certificate."""

from __future__ import annotations

from typing import ClassVar

from pillarbox.sasl.claims import CertificateClaim
from pillarbox.sasl.mechanism import (
    Challenge,
    ClientFirst,
    Credentials,
    SaslError,
    ServerMechanism,
    decode,
    encode,
    malformed,
)
from pillarbox.sasl.surroundings import Surroundings


class ExternalServer(ServerMechanism):
    """The server's side of EXTERNAL."""

    __slots__ = ()

    name: ClassVar[str] = "EXTERNAL"
    client_first: ClassVar[bool] = True
    plaintext: ClassVar[bool] = False

    @classmethod
    def possible(cls, surroundings: Surroundings) -> bool:
        return bool(surroundings.identities)

    def step(self, response: bytes | None) -> Challenge | CertificateClaim:
        """An empty response asks for whomever the certificate names."""
        if response is None:
            return Challenge(b"")
        if b"\0" in response:
            raise malformed(self.name)
        return CertificateClaim(decode(response), self._surroundings.identities)


class ExternalClient(ClientFirst):
    """The client's side of EXTERNAL."""

    __slots__ = ("_credentials",)

    name: ClassVar[str] = "EXTERNAL"
    plaintext: ClassVar[bool] = False

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._credentials = credentials

    def _first(self) -> bytes:
        """The account's name goes along: one certificate may open several.

        A server that takes the name from the certificate compares the two. Without a name it
        decides by itself.
        """
        who = self._credentials.authorize_as or self._credentials.name
        if "\0" in who:
            raise SaslError("EXTERNAL cannot carry a name with NUL in it")
        self.done = True
        return encode(who)
