"""Signing in: choosing how, and the dialogue.

The strongest way that both sides have, weakest last: SASL's mechanisms by the table of
:mod:`pillarbox.sasl.strength`; USER and PASS where no mechanism fits; APOP only when it is
asked for. Nothing here decides whether the connection is fit for a password: when this
runs, it is what was demanded (TLS, or the user's word that none is needed).
"""

from __future__ import annotations

from asyncio import get_running_loop
from base64 import b64encode
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import NamedTuple

from pillarbox.client.capabilities import Capabilities
from pillarbox.client.conversation import Conversation
from pillarbox.client.errors import (
    ClientError,
    Insecure,
    InvalidSetting,
    SignInFailed,
    UnknownMechanism,
    sign_in_refusal,
)
from pillarbox.client.limits import MAX_CHALLENGES
from pillarbox.sasl import client as sasl
from pillarbox.sasl.client import ChannelBinding, ClientMechanism, Credentials
from pillarbox.sasl.mechanism import encode
from pillarbox.wire.client import Status, decode_challenge
from pillarbox.wire.commands import MAX_COMMAND
from pillarbox.wire.lines import MAX_LINE
from pillarbox.wire.states import Outcome
from pillarbox.wire.verbs import Verb

Secret = str | Callable[[], str | Awaitable[str]]
"""A password or token, or what gets one when it is needed."""

USER = "USER"
APOP = "APOP"

MAX_SECRET = MAX_LINE // 2
"""Octets of a password or token: what fits into a line once it is base64, beside a name."""

_LINE_ENDS = frozenset("\r\n\0")


class Proofs(NamedTuple):
    """Who signs in, how it is to be proved, and in which way."""

    user: str
    password: Secret | None = None
    token: Secret | None = None
    certificate: bool = False
    """A client certificate is shown."""
    wanted: str | None = None
    """The one way to take."""
    at_least: str | None = None
    """The way that was used before."""

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"Proofs({self.user!r})"


class SignIn(NamedTuple):
    """What a sign-in has to go by."""

    conversation: Conversation
    capabilities: Capabilities
    timestamp: str | None
    """The greeting's, for APOP."""
    binding: ChannelBinding | None
    two_steps: bool
    """The server does not take an initial response."""


async def sign_in(how: SignIn, proofs: Proofs) -> str:
    """Sign in; returns the way that was taken: a mechanism's name, ``USER`` or ``APOP``.

    Raises:
        SignInRefused, InUse, LoginDelayed, ServerTrouble: the server refuses.
        SignInFailed: there is no way in common, or the server failed it.
        Insecure: the ways that are left are weaker than what was used before.
        InvalidSetting: the credentials cannot be used, or the mechanism is unknown.
        ClientError: the session ended.
    """
    credentials = await _credentials(proofs)
    how.conversation.hide(*filter(None, (credentials.password, credentials.token)))
    wanted = proofs.wanted.upper() if proofs.wanted else None
    try:
        if wanted == APOP:
            return await _apop(how, credentials)
        mechanism = None if wanted == USER else _mechanism(how, credentials, wanted, proofs)
    except sasl.Downgraded as error:
        raise Insecure(
            f"{error}: the server was set up anew, or somebody is in between; nothing secret was "
            "sent; if you trust it, name the mechanism with --auth"
        ) from None
    except sasl.UnknownMechanism as error:
        raise UnknownMechanism(f"{error}; choose another with --auth") from None
    except sasl.SaslError as error:
        raise SignInFailed(str(error)) from None
    if mechanism is not None:
        return await _authenticate(how, mechanism)
    return await _user_and_password(how, credentials)


async def _credentials(proofs: Proofs) -> Credentials:
    """Ask for what is needed, now that it is.

    Raises:
        InvalidSetting: there is nothing to sign in with, or it cannot be sent.
    """
    password = await reveal(proofs.password)
    token = await reveal(proofs.token)
    if password is None and token is None and not proofs.certificate:
        raise InvalidSetting(
            f"there is no password for {proofs.user}; give one with --password-stdin or "
            "--password-command, or put it into the keyring"
        )
    for what, secret in (("password", password), ("access token", token)):
        if secret is not None and (fault := _fault(secret)):
            raise InvalidSetting(f"the {what} for {proofs.user} {fault}")
    return Credentials(proofs.user, password, token)


def _fault(secret: str) -> str | None:
    """Why *secret* cannot be sent, if so."""
    if not _LINE_ENDS.isdisjoint(secret):
        return "has a line end in it; remove that"
    try:
        octets = len(encode(secret))
    except sasl.SaslError:
        return "is not text: it has half of a character in it"
    if octets > MAX_SECRET:
        return f"has more than {MAX_SECRET} octets; is it the right file?"
    return None


async def reveal(secret: Secret | None) -> str | None:
    """The secret itself, got now if it is yet to be got."""
    if not callable(secret):
        return secret
    revealed = secret()
    return await revealed if isawaitable(revealed) else revealed


def _mechanism(
    how: SignIn, credentials: Credentials, wanted: str | None, proofs: Proofs
) -> ClientMechanism | None:
    """The exchange to go through; None for USER and PASS.

    Raises:
        SaslError: no way is left.
    """
    offered = how.capabilities.mechanisms
    try:
        return sasl.choose(
            offered,
            credentials,
            secured=True,  # or the user said that it need not be
            channel_binding=how.binding,
            wanted=wanted,
            at_least=proofs.at_least,
        )
    except sasl.NothingInCommon:
        # Of the servers that announce no mechanism, some announce no USER either, and have it.
        has_user = how.capabilities.may(USER) or not offered
        if wanted or credentials.password is None or not has_user:
            raise
        sasl.refuse_weaker(USER, offered, credentials, proofs.at_least)
        return None


async def _authenticate(how: SignIn, mechanism: ClientMechanism) -> str:
    """RFC 5034: the exchange."""
    conversation = how.conversation
    held: bytes | None = None  # an initial response that has to wait until it is asked for
    arguments = [mechanism.name]
    if mechanism.client_first and not how.two_steps:
        held = await _step(how, mechanism, None)
        inline = b64encode(held).decode("ascii") or "="
        if len(f"AUTH {mechanism.name} {inline}\r\n") <= MAX_COMMAND:  # RFC 5034, section 4
            conversation.hide(inline)
            arguments.append(inline)
            held = None
    prompted = len(arguments) > 1
    turn = conversation.say(Verb.AUTH, *arguments)
    for _ in range(MAX_CHALLENGES):
        status = await conversation.status(turn)
        if status.outcome is Outcome.ERR:
            raise _refused(status, mechanism)
        if status.outcome is Outcome.OK and _is_success(mechanism, held, prompted=prompted):
            return mechanism.name
        # Some servers say +OK where they have to prompt with "+" (RFC 1734's first readers).
        challenge = b"" if status.outcome is Outcome.OK else decode_challenge(status.octets)
        prompted = True
        response = await _step(how, mechanism, challenge) if held is None else held
        held = None
        conversation.hide(b64encode(response))
        turn = conversation.respond(response)
    raise conversation.fail("it goes on asking, and never says whether the sign-in succeeded")


def _is_success(mechanism: ClientMechanism, held: bytes | None, *, prompted: bool) -> bool:
    """Whether an ``+OK`` is the end of the exchange; False: it can only be a prompt.

    Raises:
        SignInFailed: it is neither.
    """
    if mechanism.done and held is None:
        return True
    if prompted:
        raise SignInFailed(
            f"the server said that {mechanism.name} succeeded before it proved that it knows the "
            "password: it may be somebody else's"
        )
    return False


async def _step(how: SignIn, mechanism: ClientMechanism, challenge: bytes | None) -> bytes:
    """One step of the mechanism; what computes long does so in a thread.

    Raises:
        SignInFailed: the mechanism does not go on. The exchange is cancelled.
    """
    try:
        if mechanism.plaintext:
            return mechanism.step(challenge)
        return await get_running_loop().run_in_executor(None, mechanism.step, challenge)
    except sasl.SaslError as error:
        if challenge is not None:
            how.conversation.respond(None)
            how.conversation.flush()
        raise SignInFailed(str(error)) from None


def _refused(status: Status, mechanism: ClientMechanism) -> ClientError:
    text = f"{status.text} {mechanism.reason}".strip()
    return sign_in_refusal(status.verb, status.code, text)


async def _apop(how: SignIn, credentials: Credentials) -> str:
    """RFC 1939, section 7."""
    from pillarbox.sasl.digest import apop_digest  # noqa: PLC0415 -- rarely asked for

    if how.timestamp is None or credentials.password is None:
        missing = "no password" if how.timestamp else "no timestamp in the server's greeting"
        raise SignInFailed(f"APOP cannot be used: there is {missing}; choose another with --auth")
    digest = apop_digest(how.timestamp, credentials.password)
    how.conversation.hide(digest)
    await _accepted(how, how.conversation.say(Verb.APOP, credentials.name, digest))
    return APOP


async def _user_and_password(how: SignIn, credentials: Credentials) -> str:
    """RFC 1939, section 7; in one write where that is announced."""
    if credentials.password is None:
        raise SignInFailed("USER and PASS need a password; give one, or choose another with --auth")
    conversation = how.conversation
    user = conversation.say(Verb.USER, credentials.name)
    if not how.capabilities.pipelining:
        await _accepted(how, user)
        await _accepted(how, conversation.say(Verb.PASS, credentials.password))
        return USER
    password = conversation.say(Verb.PASS, credentials.password)
    await _accepted(how, user)
    await _accepted(how, password)
    return USER


async def _accepted(how: SignIn, turn: int) -> None:
    status = await how.conversation.status(turn)
    if status.outcome is not Outcome.OK:
        raise sign_in_refusal(status.verb, status.code, status.text)
