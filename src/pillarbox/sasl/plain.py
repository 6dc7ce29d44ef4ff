"""PLAIN (RFC 4616): ``[authzid] NUL authcid NUL password``, in one message."""

from __future__ import annotations

from typing import ClassVar

from pillarbox.sasl.claims import PasswordClaim
from pillarbox.sasl.mechanism import (
    Challenge,
    ClientFirst,
    Credentials,
    SaslError,
    ServerMechanism,
    decode,
    encode,
    password_of,
)


class PlainServer(ServerMechanism):
    """The server's side of PLAIN."""

    __slots__ = ()

    name: ClassVar[str] = "PLAIN"
    client_first: ClassVar[bool] = True
    plaintext: ClassVar[bool] = True

    def step(self, response: bytes | None) -> Challenge | PasswordClaim:
        if response is None:
            return Challenge(b"")
        fields = response.split(b"\0")
        if len(fields) != 3:  # noqa: PLR2004 -- the three of RFC 4616, section 2
            raise SaslError("PLAIN is three fields with NUL between them")
        authorize_as, name, password = (decode(field) for field in fields)
        if not name or not password:  # both are 1*SAFE in RFC 4616
            raise SaslError("PLAIN needs a name and a password")
        if authorize_as not in {"", name}:
            # Acting for somebody else is a right that no account here has.
            raise SaslError("one cannot sign in on behalf of another")
        return PasswordClaim(name, password)


class PlainClient(ClientFirst):
    """The client's side of PLAIN."""

    __slots__ = ("_credentials",)

    name: ClassVar[str] = "PLAIN"
    plaintext: ClassVar[bool] = True

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._credentials = credentials

    def _first(self) -> bytes:
        fields = (
            self._credentials.authorize_as,
            self._credentials.name,
            password_of(self._credentials),
        )
        if any("\0" in field for field in fields):
            raise SaslError("PLAIN cannot carry a name or a password with NUL in it")
        if not self._credentials.name:  # 1*SAFE in RFC 4616
            raise SaslError("a name is needed")
        self.done = True
        return b"\0".join(encode(field) for field in fields)
