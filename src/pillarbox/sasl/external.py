"""EXTERNAL (RFC 4422, appendix A): who the client is, something else has shown: its certificate."""

from __future__ import annotations

from typing import ClassVar

from pillarbox.sasl.mechanism import ClientFirst, Credentials, SaslError, encode


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
