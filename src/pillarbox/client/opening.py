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

from pillarbox.client.capabilities import NONE_KNOWN, Capabilities
from pillarbox.client.connection import Connection
from pillarbox.client.conversation import Conversation, Trace
from pillarbox.client.endpoint import Endpoint, Security
from pillarbox.client.errors import (
    ClientError,
    Insecure,
    OutOfStep,
    Unreachable,
    quoted,
    refusal,
)
from pillarbox.client.limits import CAPA_PATIENCE, MAX_CAPABILITIES, TIMEOUT
from pillarbox.client.looking import look_at_certificate
from pillarbox.client.mailbox import Mailbox
from pillarbox.client.proxy import open_connection
from pillarbox.client.quirks import Quirk, quirks_of
from pillarbox.client.signing_in import APOP, USER, Proofs, SignIn, sign_in
from pillarbox.client.tls import TlsSettings
from pillarbox.client.tls_faults import refuses_our_certificate, tls_fault
from pillarbox.sasl.client import ChannelBinding
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

    def __init__(self, asks: _Asks, fault: ClientError) -> None:
        """*asks*: what is still to be asked, next time."""
        super().__init__()
        self.asks = asks
        self.fault = fault


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
            if no_answer.asks is _Asks.NEVER and _has_answered_before(options.proofs):
                raise no_answer.fault from no_answer  # it was cut off, as any server may be
            # Some servers drop or ignore who says CAPA. Once more, and without.
            asks = no_answer.asks


def _has_answered_before(proofs: Proofs) -> bool:
    """Whether the server is known to answer CAPA: it named the mechanism that was used then."""
    return proofs.at_least is not None and proofs.at_least.upper() not in {USER, APOP}


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
        raise await _handshake_fault(error, endpoint, options) from error
    try:
        return await _greeted(Conversation(connection, options.trace), endpoint, options, tls, asks)
    except BaseException as error:
        connection.abort(Unreachable("the session did not come about"))
        fault = error.__cause__
        if isinstance(fault, OSError) and refuses_our_certificate(fault):
            raise tls_fault(fault, endpoint.host, endpoint.port) from fault
        raise


async def _greeted(
    conversation: Conversation,
    endpoint: Endpoint,
    options: Options,
    tls: ssl.SSLContext | None,
    asks: _Asks,
) -> Mailbox:
    if endpoint.security is Security.IMPLICIT_TLS:
        options.tls.check_pin(conversation.connection.certificate)
    greeting = await conversation.greeting()
    if not greeting.ok:
        raise refusal(None, greeting.code, greeting.text)
    if tls is not None and endpoint.security is Security.STLS:
        await _secure(conversation, endpoint, options, tls)
        options.tls.check_pin(conversation.connection.certificate)
    before = NONE_KNOWN
    if asks:
        before = await _asked(conversation, _Asks.NEVER) or NONE_KNOWN
    await _prefer_utf8(conversation, before, options)
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


async def _secure(
    conversation: Conversation, endpoint: Endpoint, options: Options, tls: ssl.SSLContext
) -> None:
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
        raise await _handshake_fault(error, endpoint, options) from error
    conversation.machine.secured()


async def _handshake_fault(error: OSError, endpoint: Endpoint, options: Options) -> ClientError:
    der = None
    if isinstance(error, ssl.SSLCertVerificationError):
        der = await look_at_certificate(endpoint, options.proxy)
    return tls_fault(error, endpoint.host, endpoint.port, der)


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
        if refuses_our_certificate(error.__cause__):
            raise  # it has nothing to do with CAPA
        connection.abort(error)
        raise _NoAnswerToCapa(otherwise, error) from error
    finally:
        connection.timeout = usual


async def _prefer_utf8(
    conversation: Conversation, capabilities: Capabilities, options: Options
) -> None:
    """Ask for mail as it is, where the server could send it otherwise (RFC 6856, section 2).

    Without it, a server has to refuse or to change messages with UTF-8 in their header. It
    belongs before the sign-in; a refusal changes nothing.
    """
    if capabilities.offers(Verb.UTF8):
        turn = conversation.say(Verb.UTF8)
        if not capabilities.pipelining or options.pipelining is False:
            await conversation.status(turn)


async def _capabilities(conversation: Conversation) -> Capabilities | None:
    turn = conversation.say(Verb.CAPA)
    status = await conversation.status(turn)
    if status.outcome is not Outcome.OK:
        return None
    content = await conversation.listing(turn, MAX_CAPABILITIES)
    return Capabilities(parse_capabilities(content))


def _binding(certificate: bytes | None, capabilities: Capabilities) -> ChannelBinding | None:
    """What SCRAM can bind to. Few servers offer it: for the others the hash is not even loaded."""
    if certificate is None or not any(
        name.startswith("SCRAM-") for name in capabilities.mechanisms
    ):
        return None
    from pillarbox.sasl.end_point import server_end_point  # noqa: PLC0415 -- see above

    return server_end_point(certificate)


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
    binding = _binding(conversation.connection.certificate, capabilities)
    two_steps = Quirk.TWO_STEP_AUTH in quirks
    return SignIn(conversation, capabilities, greeting.timestamp, binding, two_steps)
