"""OAUTHBEARER (RFC 7628) and XOAUTH2, which came before it: an access token instead of a password.

Both send name and token in one message. When the token is not taken, the server first sends
a challenge with the reason, in JSON; the client answers it with nothing to speak of, and only
then comes the refusal. Google's "Gmail XOAUTH2 protocol" describes XOAUTH2; Microsoft speaks
only that.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import ClassVar

from pillarbox.sasl import gs2
from pillarbox.sasl.mechanism import ClientFirst, Credentials, SaslError, encode, out_of_place

MAX_STATUS = 60
"""Characters of the server's status that are worth showing; those of RFC 7628 have 18 at most."""

_SEPARATOR = b"\x01"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
"""b64token of RFC 6750, section 2.1."""


class BearerClient(ClientFirst):
    """What the two have in common."""

    __slots__ = ("_credentials",)

    plaintext: ClassVar[bool] = True  # not the password, but whoever has the token is the user
    failure_answer: ClassVar[bytes]
    """What the challenge with the reason is answered with."""

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._credentials = credentials

    def _first(self) -> bytes:
        token = self._credentials.token or ""
        if not _TOKEN.fullmatch(token):
            raise SaslError("an access token is needed, of letters, digits and -._~+/ alone")
        self.done = True
        return self._prefix() + _SEPARATOR + b"auth=Bearer " + token.encode() + _SEPARATOR * 2

    @abstractmethod
    def _prefix(self) -> bytes:
        """What stands before the token: the name."""

    def _answer(self, challenge: bytes) -> bytes:
        if self.reason:
            raise out_of_place(self.name)
        self.done = False
        self.reason = f"it does not take the access token ({_status(challenge)})"
        return self.failure_answer


class OAuthBearerClient(BearerClient):
    """RFC 7628. Host and port are optional in it, and no server is known to want them."""

    __slots__ = ()

    name: ClassVar[str] = "OAUTHBEARER"
    failure_answer: ClassVar[bytes] = _SEPARATOR  # section 3.2.3

    def _prefix(self) -> bytes:
        """The name is the identity to act for; without one, the token says whose it is."""
        who = self._credentials.authorize_as or self._credentials.name
        return gs2.header(gs2.NOT_BOUND, _fit(who))


class XOAuth2Client(BearerClient):
    """XOAUTH2."""

    __slots__ = ()

    name: ClassVar[str] = "XOAUTH2"
    failure_answer: ClassVar[bytes] = b""

    def _prefix(self) -> bytes:
        if not self._credentials.name:
            raise SaslError("a name is needed")
        return b"user=" + encode(_fit(self._credentials.name))


def _fit(name: str) -> str:
    """*name*, which is no more than one.

    Raises:
        SaslError: the server would see its end before the end.
    """
    if "\x01" in name or "\0" in name:
        raise SaslError("the name has control characters in it")
    return name


def _status(challenge: bytes) -> str:
    """The status that the server gives, or that it gives none."""
    import json  # noqa: PLC0415 -- needed by failures only, and slow to import

    try:
        status = str(json.loads(challenge)["status"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return "no reason given"
    return "".join(char if " " <= char <= "~" else "?" for char in status[:MAX_STATUS])
