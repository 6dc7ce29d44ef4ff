"""The document in which a provider describes its servers: Mozilla's config-v1.1.xml.

::

    <clientConfig version="1.1">
      <emailProvider id="example.org">
        <incomingServer type="pop3">
          <hostname>pop.example.org</hostname>
          <port>995</port>
          <socketType>SSL</socketType>                    or STARTTLS; plain is left out here
          <username>%EMAILADDRESS%</username>
          <authentication>OAuth2</authentication>         any number, best first
        <outgoingServer type="smtp">                      the same fields

Draft-ietf-mailmaint-autoconfig, section 4. A document may have been written by anybody who can
put files on a web server, so what is not understood is left out, and a document that declares
entities is not read at all.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple
from xml.parsers import expat

from pillarbox.client.endpoint import Security
from pillarbox.client.hosts import host_name
from pillarbox.client.url import MAX_PORT

MOST_SERVERS = 16
"""Servers of a document that are looked at; providers have two or three."""

_SOCKETS = {"SSL": Security.IMPLICIT_TLS, "STARTTLS": Security.STLS}
_OUTER = ["clientConfig", "emailProvider"]
_FIELD_DEPTH = len(_OUTER) + 2
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_PLACEHOLDER = re.compile(r"%[A-Z]+%")


class Kind(Enum):
    """What a server is for: its element, and its type."""

    POP3 = ("incomingServer", "pop3")
    SUBMISSION = ("outgoingServer", "smtp")


class DescribedServer(NamedTuple):
    """One server of a document."""

    host: str
    port: int
    security: Security
    user: str
    oauth2: bool
    """Whether OAuth 2 is among the ways to sign in."""


def described_servers(
    document: bytes, address: str, kind: Kind = Kind.POP3
) -> list[DescribedServer]:
    """The servers of that *kind*, with TLS, that *document* describes to the owner of *address*.

    Raises:
        ValueError: it is not such a document.
    """
    reader = _Reader(kind)
    try:
        reader.parser.Parse(document, True)
    except (expat.ExpatError, LookupError) as error:  # LookupError: no such encoding
        raise ValueError(f"not well-formed XML: {error}") from error
    servers = (_server(fields, address) for fields in reader.servers[:MOST_SERVERS])
    return [server for server in servers if server is not None]


class _Reader:
    """Collects the fields of each server of a kind, as they are written."""

    def __init__(self, kind: Kind) -> None:
        self._element, self._type = kind.value
        self.servers: list[list[tuple[str, str]]] = []
        self._path: list[str] = []
        self._wanted = False
        self._text = ""
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def _refuse(self, *_: object) -> None:
        raise ValueError("it declares a document type, and perhaps entities")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        if self._path[0] != _OUTER[0]:
            raise ValueError(f"its root is not {_OUTER[0]}")
        self._text = ""
        if self._path == [*_OUTER, self._element]:
            self._wanted = attributes.get("type") == self._type
            if self._wanted:
                self.servers.append([])

    def _end(self, name: str) -> None:
        within = len(self._path) == _FIELD_DEPTH and self._path[:-1] == [*_OUTER, self._element]
        if self._wanted and within:
            self.servers[-1].append((name, self._text.strip()))
        self._path.pop()

    def _characters(self, text: str) -> None:
        self._text += text


def _server(fields: list[tuple[str, str]], address: str) -> DescribedServer | None:
    """The server with these *fields*; None when one that is needed makes no sense."""
    first = dict(reversed(fields))  # of several alike, the first is the best
    security = _SOCKETS.get(first.get("socketType", ""))
    port = first.get("port", "")
    if security is None or not _PORT.fullmatch(port) or int(port) > MAX_PORT:
        return None
    try:
        host = host_name(_filled(first.get("hostname", ""), address))
    except ValueError:
        return None
    user = _filled(first.get("username", ""), address)
    if not user or not user.isprintable() or _PLACEHOLDER.search(user):
        user = address
    return DescribedServer(host, int(port), security, user, ("authentication", "OAuth2") in fields)


def _filled(text: str, address: str) -> str:
    """*text* with its placeholders filled in, as far as they can be known here."""
    local, _, domain = address.rpartition("@")
    known = {
        "%EMAILADDRESS%": address,
        "%EMAILLOCALPART%": local,
        "%EMAILDOMAIN%": domain,
    }
    return _PLACEHOLDER.sub(lambda match: known.get(match[0], match[0]), text)
