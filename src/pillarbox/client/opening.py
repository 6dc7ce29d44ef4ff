"""From an endpoint to an open mailbox: connection, TLS, greeting, capabilities, sign-in.

In this order, and nothing before its turn: no command but STLS goes over a connection that has
to be secured first, nothing that was heard in clear counts afterwards (the capabilities are
asked for again), and the password is not even asked for before all of that holds.
"""

from __future__ import annotations

import asyncio
import ssl
from enum import IntEnum
from typing import NamedTuple

from pillarbox.client.binding import channel_binding
from pillarbox.client.capabilities import NONE_KNOWN, Capabilities
from pillarbox.client.connection import Connection
from pillarbox.client.conversation import Conversation, Trace
from pillarbox.client.endpoint import Endpoint, Security
from pillarbox.client.errors import (
    Insecure,
    OutOfStep,
    Unreachable,
    quoted,
    refusal,
)
from pillarbox.client.limits import CAPA_PATIENCE, TIMEOUT
from pillarbox.client.mailbox import Mailbox
from pillarbox.client.proxy import open_connection
from pillarbox.client.quirks import Quirk, quirks_of
from pillarbox.client.signing_in import Proofs, SignIn, sign_in
from pillarbox.client.tls import TlsSettings
from pillarbox.client.tls_faults import tls_fault
from pillarbox.wire.client import Greeting
from pillarbox.wire.listings import parse_capabilities
from pillarbox.wire.states import Outcome, State
from pillarbox.wire.verbs import Verb


class Options(NamedTuple):
    """How to connect."""

    proofs: Proofs
    tls: TlsSettings = TlsSettings()
    timeout: float = TIMEOUT
    proxy: str | None = None
    trace: Trace | None = None
    pipelining: bool | None = None
    """Whether to send commands without waiting; None: if the server announces it."""


class _NoAnswerToCapa(Exception):
    """The server hung up on CAPA, or was silent, or said nonsense."""

    def __init__(self, asks: _Asks) -> None:
        """*asks*: what is still to be asked, next time."""
        super().__init__()
        self.asks = asks


class _Asks(IntEnum):
    """When CAPA is said."""

    NEVER = 0
    BEFORE = 1
    """Before the sign-in only."""
    BOTH = 2


async def open_mailbox(endpoint: Endpoint, options: Options) -> Mailbox:
    """Connect and sign in.

    Raises:
        ClientError: it was not to be; the connection is closed.
    """
    asks = _Asks.BOTH
    while True:
        try:
            return await _open(endpoint, options, asks)
        except _NoAnswerToCapa as no_answer:
            # Some servers drop or ignore who says CAPA. Once more, and without.
            asks = no_answer.asks


async def _open(endpoint: Endpoint, options: Options, asks: _Asks) -> Mailbox:
    loop = asyncio.get_running_loop()
    wants_tls = endpoint.security is not Security.CLEARTEXT
    tls = options.tls.context() if wants_tls else None
    sock = await open_connection(
        endpoint.host, endpoint.port, proxy=options.proxy, timeout=options.timeout, loop=loop
    )
    connection = Connection(loop, endpoint.place, options.timeout)
    at_once = tls if endpoint.security is Security.IMPLICIT_TLS else None
    try:
        await connection.begin(sock, at_once, endpoint.host)
    except OSError as error:
        raise tls_fault(error, endpoint.host, endpoint.port) from error
    try:
        return await _greeted(Conversation(connection, options.trace), endpoint, options, tls, asks)
    except BaseException:
        connection.abort(Unreachable("the session did not come about"))
        raise


async def _greeted(
    conversation: Conversation,
    endpoint: Endpoint,
    options: Options,
    tls: ssl.SSLContext | None,
    asks: _Asks,
) -> Mailbox:
    if endpoint.security is Security.IMPLICIT_TLS:
        _check_pin(conversation, options.tls)
    greeting = await conversation.greeting()
    if not greeting.ok:
        raise refusal(None, greeting.code, greeting.text)
    if tls is not None and endpoint.security is Security.STLS:
        await _secure(conversation, endpoint, tls)
        _check_pin(conversation, options.tls)
    before = NONE_KNOWN
    if asks:
        before = await _asked(conversation, _Asks.NEVER) or NONE_KNOWN
    quirks = quirks_of(endpoint.host, greeting.text)
    how = _how(conversation, before, greeting, quirks, options)
    mechanism = await sign_in(how, options.proofs)
    capabilities = None
    if before.asked and asks is _Asks.BOTH:
        capabilities = await _asked(conversation, _Asks.BEFORE)
    mailbox = Mailbox(
        conversation, endpoint, greeting.text, capabilities or before, mechanism, quirks
    )
    if options.pipelining is not None:
        mailbox.pipelining = options.pipelining
    return mailbox


def _check_pin(conversation: Conversation, settings: TlsSettings) -> None:
    settings.check_pin(_certificate(conversation))


def _certificate(conversation: Conversation) -> bytes | None:
    tls = conversation.connection.tls
    return None if tls is None else tls.getpeercert(binary_form=True)


async def _secure(conversation: Conversation, endpoint: Endpoint, tls: ssl.SSLContext) -> None:
    """STLS (RFC 2595, section 4), hardened as "Why TLS is better without STARTTLS" (2021) asks.

    Raises:
        Insecure: it is not to be had, or somebody meddles with it.
    """
    try:
        status = await conversation.status(conversation.say(Verb.STLS))
        if status.outcome is Outcome.OK:
            conversation.check_silence()
    except OutOfStep as error:
        if conversation.machine.state is not State.HANDSHAKE:
            raise
        raise Insecure(
            f"{endpoint.place} sent something in clear behind its reply to STLS: somebody may be "
            "in between; nothing secret was sent"
        ) from error
    if status.outcome is not Outcome.OK:
        raise Insecure(
            f"{endpoint.place} refuses TLS by STLS: it said {quoted(status.text)}; nothing secret "
            f"was sent; try pop3s://, or let its operator set up TLS"
        )
    try:
        await conversation.connection.secure(tls, endpoint.host)
    except OSError as error:
        raise tls_fault(error, endpoint.host, endpoint.port) from error
    conversation.machine.secured()


async def _asked(conversation: Conversation, otherwise: _Asks) -> Capabilities | None:
    """CAPA, with the patience that it deserves; None when the server does not know it.

    Raises:
        _NoAnswerToCapa: the session is of no more use; the next one asks *otherwise*.
    """
    connection = conversation.connection
    usual = connection.timeout
    connection.timeout = min(usual, CAPA_PATIENCE)
    try:
        return await _capabilities(conversation)
    except (Unreachable, OutOfStep) as error:
        connection.abort(error)
        raise _NoAnswerToCapa(otherwise) from error
    finally:
        connection.timeout = usual


async def _capabilities(conversation: Conversation) -> Capabilities | None:
    turn = conversation.say(Verb.CAPA)
    status = await conversation.status(turn)
    if status.outcome is not Outcome.OK:
        return None
    return Capabilities(parse_capabilities(await conversation.listing(turn)))


def _how(
    conversation: Conversation,
    capabilities: Capabilities,
    greeting: Greeting,
    quirks: frozenset[Quirk],
    options: Options,
) -> SignIn:
    if options.pipelining is False:
        without = dict(capabilities.announced)
        without.pop("PIPELINING", None)
        capabilities = capabilities._replace(announced=without)
    binding = channel_binding(_certificate(conversation))
    two_steps = Quirk.TWO_STEP_AUTH in quirks
    return SignIn(conversation, capabilities, greeting.timestamp, binding, two_steps)
