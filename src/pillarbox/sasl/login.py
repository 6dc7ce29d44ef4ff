"""LOGIN: name and password, each asked for. Obsolete, never standardised, still spoken.

draft-murchison-sasl-login-00 describes it; Outlook and many scripts use it.
"""

from __future__ import annotations

from typing import ClassVar

from pillarbox.sasl.claims import PasswordClaim
from pillarbox.sasl.mechanism import (
    Challenge,
    ClientMechanism,
    Credentials,
    SaslError,
    ServerMechanism,
    decode,
    encode,
    out_of_place,
    password_of,
)
from pillarbox.sasl.surroundings import Surroundings


class LoginServer(ServerMechanism):
    """The server's side of LOGIN.

    The draft lets the server speak first; but curl, for one, sends the name as an initial
    response, and other servers take it.
    """

    __slots__ = ("_name",)

    name: ClassVar[str] = "LOGIN"
    client_first: ClassVar[bool] = True
    plaintext: ClassVar[bool] = True

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._name: str | None = None

    def step(self, response: bytes | None) -> Challenge | PasswordClaim:
        if response is None:
            return Challenge(b"Username:")
        if not response:
            raise SaslError("LOGIN needs a name and a password")
        if self._name is None:
            self._name = decode(response)
            return Challenge(b"Password:")
        return PasswordClaim(self._name, decode(response))


class LoginClient(ClientMechanism):
    """The client's side of LOGIN.

    Servers word the two questions as they like (``Username:``, ``User Name``, ``login:``,
    nothing at all), always in this order; so they are counted, not read.
    """

    __slots__ = ("_answers",)

    name: ClassVar[str] = "LOGIN"
    client_first: ClassVar[bool] = False
    plaintext: ClassVar[bool] = True

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._answers = [encode(password_of(credentials)), encode(credentials.name)]

    def step(self, challenge: bytes | None) -> bytes:
        del challenge
        if not self._answers:
            raise out_of_place(self.name)
        answer = self._answers.pop()
        self.done = not self._answers
        return answer
