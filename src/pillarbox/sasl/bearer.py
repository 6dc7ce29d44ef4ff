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
from pillarbox.sasl.claims import TokenClaim
from pillarbox.sasl.mechanism import (
    Challenge,
    ClientFirst,
    Credentials,
    ExchangeRefused,
    SaslError,
    ServerMechanism,
    decode,
    encode,
    out_of_place,
)
from pillarbox.sasl.surroundings import Surroundings, TokenAdvice

MAX_STATUS = 60
"""Characters of the server's status that are worth showing; those of RFC 7628 have 18 at most."""

_SEPARATOR = b"\x01"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)
"""b64token of RFC 6750, section 2.1."""

# RFC 7628, section 3.1. Both are read with fullmatch, and neither can match in two ways.
_PAIRS = re.compile(rb"\x01(?:[A-Za-z]+=[\t\n\r -~]*\x01)*\x01")
_PAIR = re.compile(rb"([A-Za-z]+)=([\t\n\r -~]*)\x01")
_XOAUTH2 = re.compile(rb"user=(?P<name>[^\0\x01]+)\x01auth=(?P<auth>[\t -~]*)\x01\x01")


class BearerServer(ServerMechanism):
    """What the two have in common. The wire's limit for a line bounds the token: 12,280 octets."""

    __slots__ = ()

    client_first: ClassVar[bool] = True
    plaintext: ClassVar[bool] = True
    bad_request: ClassVar[str]
    """The status when the message cannot be understood."""
    bad_token: ClassVar[str]
    """The status when the token does not do."""

    @classmethod
    def possible(cls, surroundings: Surroundings) -> bool:
        return surroundings.tokens is not None

    def step(self, response: bytes | None) -> Challenge | TokenClaim:
        if response is None:
            return Challenge(b"")
        try:
            name, authorization = self._read(response)
        except SaslError:
            raise self._refusal(f"that is no response of {self.name}", self.bad_request) from None
        scheme, _, token = authorization.partition(" ")
        if not authorization:
            # What a client says that wants to be told where tokens are to be had (section 4.3).
            raise self._refusal("no access token came", self.bad_token, name)
        if scheme.lower() != "bearer" or not _TOKEN.fullmatch(token):
            raise self._refusal("that is no bearer token", self.bad_request, name)
        return TokenClaim(name, token)

    @abstractmethod
    def _read(self, message: bytes) -> tuple[str, str]:
        """The name, if any, and what stands behind ``auth=``.

        Raises:
            SaslError: it is malformed.
        """

    def refused(self) -> Challenge:
        return Challenge(self._status(self.bad_token))

    def _refusal(self, text: str, status: str, name: str = "") -> ExchangeRefused:
        return ExchangeRefused(text, reason=status, last_word=self._status(status), name=name)

    def _status(self, status: str) -> bytes:
        """The reason of a refusal, in JSON; what there is no advice about is left out."""
        import json  # noqa: PLC0415 -- needed by failures only, and slow to import

        said = {key: value for key, value in self._report(status).items() if value}
        return json.dumps(said, separators=(",", ":")).encode()

    @abstractmethod
    def _report(self, status: str) -> dict[str, str]:
        """What the mechanism has to say about a refusal."""


class OAuthBearerServer(BearerServer):
    """RFC 7628. The host and port that a client may name are taken and not compared: behind
    proxies and aliases a server does not know by which name it was reached.
    """

    __slots__ = ()

    name: ClassVar[str] = "OAUTHBEARER"
    bad_request: ClassVar[str] = "invalid_request"  # both: RFC 6750, section 3.1
    bad_token: ClassVar[str] = "invalid_token"  # noqa: S105 -- a word of the protocol

    def _read(self, message: bytes) -> tuple[str, str]:
        header = gs2.read_header(message)
        rest = message[len(header.octets) :]
        if header.kind or not _PAIRS.fullmatch(rest):  # there is no OAUTHBEARER-PLUS
            raise SaslError("malformed")
        pairs = _PAIR.findall(rest)
        found = dict(pairs)
        if len(found) != len(pairs) or b"auth" not in found:
            raise SaslError("a key stands there twice, or there is no auth")
        return header.authorize_as, found[b"auth"].decode()

    def _report(self, status: str) -> dict[str, str]:
        """Section 3.2.2."""
        openid, scope = self._surroundings.tokens or TokenAdvice()
        return {"status": status, "scope": scope, "openid-configuration": openid}


class XOAuth2Server(BearerServer):
    """XOAUTH2."""

    __slots__ = ()

    name: ClassVar[str] = "XOAUTH2"
    bad_request: ClassVar[str] = "400"
    bad_token: ClassVar[str] = "401"  # noqa: S105 -- a word of the protocol

    def _read(self, message: bytes) -> tuple[str, str]:
        found = _XOAUTH2.fullmatch(message)
        if found is None:
            raise SaslError("malformed")
        return decode(found["name"]), found["auth"].decode()

    def _report(self, status: str) -> dict[str, str]:
        advice = self._surroundings.tokens or TokenAdvice()
        return {"status": status, "schemes": "bearer", "scope": advice.scope}


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
