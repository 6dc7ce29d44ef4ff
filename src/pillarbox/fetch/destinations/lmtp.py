"""A mail server, by LMTP (RFC 2033): ``lmtp:HOST:PORT`` or ``lmtp:unix:PATH``.

Promise: every message at least once. Twice only one whose reply was lost: the connection
broke, or this process was killed, between the end of DATA and the reply (RFC 1047 tells why
nobody can do better), and after a power cut perhaps the rest of that batch. What "delivered"
is worth is the server's promise: 250 means that it has the message.

A message that is still in the spool after a crash is retrieved again.

A reply of 4xx puts a message off, 5xx refuses it; others go on in either case.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from pillarbox.fetch.destinations.contract import Owner, Staging
from pillarbox.fetch.destinations.envelope import HEADER, sender_of
from pillarbox.fetch.destinations.spool import Spool, pieces_of
from pillarbox.fetch.destinations.staging import close_all
from pillarbox.fetch.destinations.trouble import usable
from pillarbox.fetch.errors import DeliveryRefused, DestinationUnusable
from pillarbox.wire.canonical import Canonicaliser
from pillarbox.wire.multiline import TERMINATOR

if TYPE_CHECKING:
    from smtplib import LMTP

TIMEOUT = 300.0
"""Seconds for a connection or a reply (RFC 5321, section 4.5.3.2)."""

_FINE = 2
"""The first digit of a reply to what has been done."""
_GO_ON = 354
_FAILED = 400
_PERMANENT = 500
_REPLY_LENGTH = 300
"""Characters of a server's reply that are shown."""


class LmtpDestination:
    """See the module. A token is one of the spool's."""

    idempotent = False

    def __init__(self, host: str, port: int, owner: Owner) -> None:
        """*host* may be the path of a socket; then *port* is 0."""
        self._host = host
        self._port = port
        self._recipient = owner.recipient
        self._spool = Spool(owner)

    def prepare(self, unsettled: Collection[str] = ()) -> None:
        self._spool.prepare(unsettled)

    def stage(self) -> Staging:
        return self._spool.stage(Canonicaliser())

    def sync(self, stagings: Sequence[Staging]) -> None:
        close_all(stagings)
        with usable(self._spool.folder):
            # Not for the contents: a name that a power cut removes would look like one taken.
            self._spool.sync()

    def publish(self, tokens: Sequence[str]) -> Sequence[DeliveryRefused | None]:
        link = _Link(self._host, self._port)
        try:
            link.open()
            return [self._deliver(link, token) for token in tokens]
        finally:
            link.close()

    def settle(self, token: str) -> bool:
        with usable(self._spool.folder):
            return self._spool.was_taken(token)

    def close(self) -> None:
        """Nothing is held between batches."""

    def _deliver(self, link: _Link, token: str) -> DeliveryRefused | None:
        with usable(self._spool.folder):
            refused = self._attempt(link, token)
            if refused is None:
                self._spool.take(token)
            else:
                self._spool.refuse(token)
            return refused

    def _attempt(self, link: _Link, token: str) -> DeliveryRefused | None:
        path = self._spool.path(token)
        with path.open("rb") as file:
            sender = sender_of(file.read(HEADER))
        link.open()  # who is away is not asked again for each message: that may take a time-out
        try:
            return link.send(sender, self._recipient, pieces_of(path))
        except DestinationUnusable as error:
            return DeliveryRefused(str(error), temporary=True)


class _Link:
    """A connection, opened again when it has broken: one message may have been too much for
    the server, and the next may not be.
    """

    def __init__(self, host: str, port: int) -> None:
        self._address = f"{host}:{port}" if port else host
        self._host = host
        self._port = port
        self._client: LMTP | None = None

    def open(self) -> LMTP:
        """Connect, if there is no connection.

        Raises:
            DestinationUnusable: the server cannot be reached, or does not want us.
        """
        from smtplib import LMTP, SMTPException  # noqa: PLC0415 - slow to import, seldom needed

        if self._client is None or self._client.sock is None:
            name = socket.gethostname() or "localhost"
            try:
                self._client = LMTP(self._host, self._port, name, timeout=TIMEOUT)
                if self._port and self._client.sock:
                    # The end of DATA must not wait for an acknowledgement of what is before.
                    self._client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                code, text = self._client.ehlo()
            except (OSError, SMTPException) as error:
                self.close()
                raise self._broken(error) from error
            if not _is_fine(code):
                self.close()
                raise self._broken(_reply(code, text))
        return self._client

    def send(self, sender: str, recipient: str, stored: Iterable[bytes]) -> DeliveryRefused | None:
        """Send one message, in its stored form. None: the server has it.

        Raises:
            DestinationUnusable: the connection broke, or there is none to be had.
        """
        from smtplib import SMTPException  # noqa: PLC0415 - as above

        client = self.open()
        try:
            code, text = _dialogue(client, sender, recipient, stored)
            if _is_fine(code):
                return None
            client.rset()
        except (OSError, SMTPException) as error:
            self.close()
            raise self._broken(error) from error
        what = f"the mail server at {self._address} refuses it: {_reply(code, text)}"
        return DeliveryRefused(what, temporary=code < _PERMANENT)

    def close(self) -> None:
        """Take leave, if there is a connection. Nobody waits for the server's farewell."""
        client, self._client = self._client, None
        if client is not None and client.sock is not None:
            with contextlib.suppress(OSError):
                client.send(b"QUIT\r\n")
            client.close()

    def _broken(self, why: object) -> DestinationUnusable:
        return DestinationUnusable(
            f"the mail server at {self._address} cannot be used: {why}; "
            "see that it is running and speaks LMTP, then try again"
        )


def _dialogue(
    client: LMTP, sender: str, recipient: str, stored: Iterable[bytes]
) -> tuple[int, bytes]:
    """One transaction; returns the reply that decides.

    Raises:
        OSError, SMTPException: the connection broke.
    """
    options = ["BODY=8BITMIME"] if client.has_extn("8bitmime") else []
    code, text = client.mail(sender, options)
    if code >= _PERMANENT and sender:  # it does not like the sender: then from nobody
        code, text = client.mail("", options)
    if _is_fine(code):
        code, text = client.rcpt(recipient)
    if _is_fine(code):
        code, text = client.docmd("DATA")
    if code == _GO_ON:
        for piece in stored:
            client.send(piece)
        client.send(TERMINATOR)
        code, text = client.getreply()
        if _is_fine(code):
            return code, text
    if code < _FAILED:  # what is no refusal is no success either: it is out of step
        raise ConnectionError(f"it answers {_reply(code, text)}")
    return code, text


def _is_fine(code: int) -> bool:
    return code // 100 == _FINE


def _reply(code: int, text: bytes) -> str:
    return f"{code} {text.decode('utf-8', 'replace')}"[:_REPLY_LENGTH].replace("\n", " ")
