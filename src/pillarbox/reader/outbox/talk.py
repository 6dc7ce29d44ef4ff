"""A connection to a submission server, up to where a message can be handed over.

In this order, and nothing before its turn: connection, TLS as demanded, the pinned certificate, sign-in. Nothing that was
heard in clear counts afterwards (RFC 3207, section 4.2: aiosmtplib asks for the extensions anew).
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Self, cast

from aiosmtplib import SMTP, SMTPException, SMTPServerDisconnected
from aiosmtplib.protocol import SMTPProtocol

from pillarbox.client.hosts import authority
from pillarbox.client.proxy import open_connection
from pillarbox.contracts.errors import PillarboxError
from pillarbox.reader.outbox.signing_in import sign_in
from pillarbox.reader.outbox.troubles import NotLetIn, Stopped, trouble
from pillarbox.reader.outbox.words import Reply
from pillarbox.reader.submission import Security, Submission

NAME = "[127.0.0.1]"
"""For EHLO (RFC 5321, section 4.1.4). A client behind a router has no name that anybody could check,
and the name of this computer is nobody's business."""

GOODBYE = 5.0
"""Seconds for an answer to QUIT. Nothing depends on it."""

WHAT_GOES_WRONG = (SMTPException, PillarboxError, OSError)
"""What a connection may raise; :func:`.troubles.trouble` makes a sentence of it."""


class Talk:
    """A server that is ready to take messages. Made by :meth:`open`."""

    def __init__(self, client: SMTP, submission: Submission) -> None:
        self._client = client
        self._submission = submission
        self.place = authority(submission.host, submission.port)
        # aiosmtplib's protocol is made for StreamWriter, which alone knows how to wait until a write is through.
        protocol, transport = _of(client)
        loop = asyncio.get_running_loop()
        self._writer = asyncio.StreamWriter(transport, protocol, None, loop)

    @classmethod
    async def open(cls, submission: Submission) -> Self:
        """Connect and sign in. A token that the server refuses may have been taken back before its time: then there
        is one more try, with another one.

        Raises:
            Trouble: it did not come about.
        """
        try:
            return await cls._opened(submission)
        except NotLetIn:
            if submission.discard_token is None:
                raise
        await asyncio.to_thread(submission.discard_token)
        return await cls._opened(submission)

    @classmethod
    async def _opened(cls, submission: Submission) -> Self:
        try:
            client = await _connected(submission)
            try:
                await sign_in(client, submission, _certificate(client))
                return cls(client, submission)
            except BaseException:
                client.close()
                raise
        except WHAT_GOES_WRONG as error:
            raise trouble(error, authority(submission.host, submission.port)) from error

    @property
    def open_still(self) -> bool:
        """Whether another message can be handed over."""
        return self._client.is_connected

    @property
    def patience(self) -> float:
        """Seconds of silence."""
        return self._submission.timeout

    def offers(self, extension: str) -> bool:
        """Whether the server has announced *extension*."""
        return self._client.supports_extension(extension)

    @property
    def most_octets(self) -> int | None:
        """The largest message that the server takes (RFC 1870); None: it does not say."""
        number = self._client.esmtp_extensions.get("size", "").strip()
        return int(number) or None if number.isascii() and number.isdigit() else None

    async def command(self, *words: str) -> Reply:
        """Say something, and what is answered."""
        said = [word.encode("utf-8") for word in words]
        reply = await self._client.execute_command(*said)
        return Reply(reply.code, reply.message)

    def listen(self, patience: float) -> asyncio.Task[Reply]:
        """The next reply, which nobody has asked for yet."""
        return asyncio.get_running_loop().create_task(self._heard(patience))

    async def send(self, octets: bytes) -> None:
        """Send *octets*, and wait until hardly any wait to be sent."""
        if not self._client.is_connected:
            raise SMTPServerDisconnected("the connection is gone")
        self._writer.write(octets)
        async with asyncio.timeout(self.patience):
            await self._writer.drain()

    def drop(self) -> None:
        """Break the connection off."""
        self._writer.transport.abort()
        self._client.close()

    async def close(self) -> None:
        """Say goodbye, if anybody listens."""
        if self._client.is_connected:
            with suppress(SMTPException, OSError):
                await self._client.execute_command(b"QUIT", timeout=GOODBYE)
        self._writer.close()
        self._client.close()

    async def _heard(self, patience: float) -> Reply:
        protocol = self._client.protocol
        if protocol is None:
            raise SMTPServerDisconnected("the connection is gone")
        reply = await protocol.read_response(timeout=patience)
        return Reply(reply.code, reply.message)


async def _connected(submission: Submission) -> SMTP:
    """With TLS as it is demanded, and the certificate that is."""
    tls: ssl.SSLContext | None = None
    if submission.security is not Security.NONE:
        tls = await asyncio.to_thread(submission.tls.context, None)
    sock = await open_connection(
        submission.host,
        submission.port,
        proxy=submission.proxy,
        timeout=submission.timeout,
        loop=asyncio.get_running_loop(),
    )
    client = SMTP(
        hostname=submission.host,
        local_hostname=NAME,
        timeout=submission.timeout,
        use_tls=submission.security is Security.TLS,
        start_tls=False,
        tls_context=tls,
        sock=sock,
    )
    try:
        await client.connect()
        if submission.security is Security.TLS:
            submission.tls.check_pin(_certificate(client))
        await client.ehlo()
        if submission.security is Security.STARTTLS:
            await _secure(client, submission)
    except BaseException:
        client.close()
        raise
    return client


async def _secure(client: SMTP, submission: Submission) -> None:
    if not client.supports_extension("starttls"):
        place = authority(submission.host, submission.port)
        raise Stopped(
            f"{place} does not offer TLS, and without it neither password nor mail is sent. Somebody may be in "
            "between. If the server has “TLS from the start” (port 465), choose that; if it has neither, it is not safe to use."
        )
    await client.starttls()
    submission.tls.check_pin(_certificate(client))
    await client.ehlo()


def _certificate(client: SMTP) -> bytes | None:
    """What the server has shown (DER)."""
    secured: ssl.SSLObject | None = client.get_transport_info("ssl_object")
    return secured.getpeercert(binary_form=True) if secured is not None else None


def _of(client: SMTP) -> tuple[SMTPProtocol, asyncio.WriteTransport]:
    if client.protocol is None or client.protocol.transport is None:
        raise SMTPServerDisconnected("the connection is gone")
    return client.protocol, cast("asyncio.WriteTransport", client.protocol.transport)
