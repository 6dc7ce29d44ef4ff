"""PLAIN (RFC 4616): ``[authzid] NUL authcid NUL password``, in one message."""

from __future__ import annotations

from typing import ClassVar

from pillarbox.sasl.mechanism import Challenge, PasswordClaim, SaslError, ServerMechanism, decode


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
