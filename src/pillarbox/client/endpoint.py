"""Where the mail is, and by which road: POP URLs.

===================================== ======================================================
``pop3s://alice@mail.example.org``    TLS from the first byte, port 995 (RFC 8314)
``pop3://alice@mail.example.org``     port 110; TLS by STLS is demanded (RFC 2595)
``pop://alice;AUTH=*@mail.example.org``  RFC 2384; TLS by STLS is demanded, too
===================================== ======================================================

Each may say how to sign in (``;AUTH=SCRAM-SHA-256``; ``*`` is any way, ``+APOP`` is APOP) and
have a port. What is special in a user name is percent-encoded; an ``@`` need not be. A URL
never holds a password: it would be seen in process lists, shell histories and logs.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from pillarbox.client.errors import InvalidUrl
from pillarbox.client.hosts import authority
from pillarbox.client.url import decoded_name, encoded_name, shown, split

EXAMPLE = "pop3s://alice@mail.example.org"

_MECHANISM = re.compile(r"[A-Z0-9_-]{1,20}")  # RFC 4422, section 3.1


class Security(StrEnum):
    """How the connection is protected."""

    IMPLICIT_TLS = "tls"
    """TLS from the first byte."""
    STLS = "stls"
    """TLS after the command STLS; without it nothing is said but CAPA."""
    CLEARTEXT = "cleartext"
    """None at all. Only on the user's explicit demand."""


_SCHEMES = {
    "pop3s": Security.IMPLICIT_TLS,
    "pop3": Security.STLS,
    "pop": Security.STLS,
}
_PORTS = {Security.IMPLICIT_TLS: 995, Security.STLS: 110, Security.CLEARTEXT: 110}


class Endpoint(NamedTuple):
    """A mailbox on a server. ``str(endpoint)`` is its canonical URL."""

    host: str
    """In its one spelling (:mod:`pillarbox.client.hosts`)."""
    port: int
    security: Security
    user: str
    mechanism: str | None = None
    """The SASL mechanism that the URL demands, or ``APOP``; None: the best there is."""

    @classmethod
    def parse(cls, url: str, *, insecure_cleartext: bool = False) -> Endpoint:
        """Understand *url*.

        With *insecure_cleartext*, ``pop3://`` and ``pop://`` mean no TLS at all.

        Raises:
            InvalidUrl: it cannot be understood, holds a password, or asks for TLS and none.
        """
        try:
            return _parse(url, insecure_cleartext=insecure_cleartext)
        except ValueError as error:
            raise InvalidUrl(
                f"the URL {shown(url)} {error}; a right one looks like {EXAMPLE}"
            ) from None

    @property
    def place(self) -> str:
        """Host and port, for sentences."""
        return authority(self.host, self.port)

    def __str__(self) -> str:
        scheme = "pop3s" if self.security is Security.IMPLICIT_TLS else "pop3"
        user = encoded_name(self.user)
        if self.mechanism is not None:
            user += f";AUTH={'+' if self.mechanism == 'APOP' else ''}{self.mechanism}"
        # RFC 6874: the % before an IPv6 zone is itself percent-encoded.
        place = authority(self.host.replace("%", "%25"), self.port)
        return f"{scheme}://{user}@{place.removesuffix(f':{_PORTS[self.security]}')}"


def default_port(security: Security) -> int:
    """The port that a server with this *security* has when none is named."""
    return _PORTS[security]


def _parse(text: str, *, insecure_cleartext: bool) -> Endpoint:
    url = split(text)
    security = _SCHEMES.get(url.scheme)
    if security is None:
        raise ValueError(f"has another scheme than {', '.join(f'{s}://' for s in _SCHEMES)}")
    if insecure_cleartext:
        if security is Security.IMPLICIT_TLS:
            raise ValueError("demands TLS, but --insecure-cleartext is given: leave one out")
        security = Security.CLEARTEXT
    user, mechanism = _user(url.user)
    port = _PORTS[security] if url.port is None else url.port
    return Endpoint(url.host, port, security, user, mechanism)


def _user(text: str) -> tuple[str, str | None]:
    """The user's name and the mechanism (RFC 2384, section 3)."""
    if ":" in text:
        raise ValueError(
            "has a password in it, where others can see it: leave it out, and use "
            "--password-stdin, --password-command or the keyring (a : in a user name is %3A)"
        )
    name, semicolon, parameter = text.partition(";")
    if not name:
        raise ValueError("names no user before an @")
    return decoded_name(name), _mechanism(parameter) if semicolon else None


def _mechanism(parameter: str) -> str | None:
    key, _, value = parameter.partition("=")
    value = decoded_name(value).upper()
    if value == "+APOP":
        value = "APOP"  # the one way to sign in that is not SASL and has a name there
    if key.upper() != "AUTH" or not (value == "*" or _MECHANISM.fullmatch(value)):
        raise ValueError(
            "has a ; behind the user that is not followed by AUTH= and a SASL mechanism "
            "(a ; in a user name is %3B)"
        )
    return None if value == "*" else value
