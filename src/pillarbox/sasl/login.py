"""LOGIN: name and password, each asked for. Obsolete, never standardised, still spoken.

draft-murchison-sasl-login-00 describes it; Outlook and many scripts use it.
"""

from __future__ import annotations

from typing import ClassVar

from pillarbox.sasl.mechanism import Challenge, PasswordClaim, SaslError, ServerMechanism, decode


class LoginServer(ServerMechanism):
    """The server's side of LOGIN."""

    __slots__ = ("_asked", "_name")

    name: ClassVar[str] = "LOGIN"
    client_first: ClassVar[bool] = False
    plaintext: ClassVar[bool] = True

    def __init__(self) -> None:
        self._asked = False
        self._name: str | None = None

    def step(self, response: bytes | None) -> Challenge | PasswordClaim:
        if not self._asked:
            self._asked = True
            return Challenge(b"Username:")
        if not response:
            raise SaslError("LOGIN needs a name and a password")
        if self._name is None:
            self._name = decode(response)
            return Challenge(b"Password:")
        return PasswordClaim(self._name, decode(response))
