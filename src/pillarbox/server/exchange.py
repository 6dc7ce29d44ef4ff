"""AUTH: a SASL exchange, from its first line to its last (RFC 5034, section 4).

The mechanism says what comes next, and here it is done: a challenge is sent, keys are
fetched, a claim is checked. A mechanism may have a last word behind the verdict (SCRAM's
proof of the server, the reason why a token was refused); POP3 has no room for it in ``+OK``
or ``-ERR``, so it is one more challenge, and the *verdict* waits until the client has
answered. The maildrop is opened only then: who cancels instead has opened nothing.

A refused token or a mismatch of the channel is in the log before its last word is sent:
whether the client waits for the end or not changes nothing.
"""

from __future__ import annotations

from pillarbox.contracts.errors import AuthError, CredentialsRefused, PillarboxError
from pillarbox.model import Identity
from pillarbox.sasl.claims import Claim
from pillarbox.sasl.mechanism import (
    Challenge,
    ExchangeRefused,
    Finished,
    KeysWanted,
    SaslError,
    ServerMechanism,
)
from pillarbox.sasl.server import MECHANISMS
from pillarbox.server.authorization import NEEDS_TLS, count_failure, open_maildrop, refuse
from pillarbox.server.session import Session, Verdict, log
from pillarbox.wire.commands import Command
from pillarbox.wire.errors import CommandRefused
from pillarbox.wire.replies import Reply, challenge, content_of, err, ok
from pillarbox.wire.server import decode_base64


async def auth(session: Session, command: Command) -> Reply:
    """Begin an exchange."""
    if not command.text:  # older than the RFC, still asked by some clients
        return ok("mechanisms follow", content_of(session.mechanisms))
    if command.text not in session.mechanisms:
        return err(_why_not(session, command.text))
    mechanism, initial = MECHANISMS[command.text](session.surroundings), None
    if command.data is not None:
        if not mechanism.client_first:
            return err(f"{command.text} takes no initial response")
        try:
            initial = b"" if command.data == "=" else decode_base64(command.data)
        except CommandRefused as refused:
            return err(str(refused))
    return await _step(session, mechanism, initial)


async def sasl_response(session: Session, data: bytes | None) -> Reply:
    """One more response in the exchange; None cancels it."""
    mechanism, verdict = session.mechanism, session.verdict
    session.drop_exchange()  # whatever comes now; it is kept again only where it goes on
    if verdict is not None and isinstance(verdict.outcome, Reply):
        return verdict.outcome
    if data is None:
        return err("cancelled")
    if mechanism is None:
        return err("no exchange is going on")
    return await _step(session, mechanism, data, verdict)


def refused_line(session: Session, reply: Reply) -> Reply:
    """A line was no response at all: the exchange is over with *reply*, or with its verdict."""
    verdict = session.verdict
    session.drop_exchange()
    if verdict is not None and isinstance(verdict.outcome, Reply):
        return verdict.outcome
    return reply


async def _step(
    session: Session,
    mechanism: ServerMechanism,
    response: bytes | None,
    verdict: Verdict | None = None,
) -> Reply:
    try:
        step = mechanism.step(response)
    except ExchangeRefused as error:
        refusal = _refuse_unchecked(session, mechanism.name, error)
        return _say(session, mechanism, error.last_word, Verdict(error.name, refusal))
    except SaslError as error:
        return err(str(error))
    if isinstance(step, KeysWanted):
        return await _fetch_keys(session, mechanism, step)
    if isinstance(step, Challenge):
        return _say(session, mechanism, step.data)
    if not isinstance(step, Finished):
        return await _judge(session, mechanism, step)
    if verdict is None or not isinstance(verdict.outcome, Identity):
        raise TypeError(f"{mechanism.name} has finished before its verdict")
    return await open_maildrop(session, mechanism.name, verdict.name, verdict.outcome)


def _say(
    session: Session, mechanism: ServerMechanism, data: bytes, verdict: Verdict | None = None
) -> Reply:
    """Send a challenge; the exchange goes on."""
    session.mechanism = mechanism
    session.verdict = verdict
    return challenge(data)


async def _fetch_keys(session: Session, mechanism: ServerMechanism, wanted: KeysWanted) -> Reply:
    try:
        keys = await session.services.authenticator.scram_keys(wanted.name, wanted.hash_name)
    except AuthError as error:
        return refuse(session, mechanism.name, wanted.name, error)
    return _say(session, mechanism, mechanism.go_on(keys).data)


async def _judge(session: Session, mechanism: ServerMechanism, claim: Claim) -> Reply:
    """Have the claim checked, and say what the mechanism has to say to that."""
    try:
        identity = await session.services.authenticator.check(claim, session.peer)
    except PillarboxError as error:
        reply = refuse(session, mechanism.name, claim.name, error)
        # What cannot be checked now may well be true: only a refusal has its reason told.
        last_word = mechanism.refused() if isinstance(error, CredentialsRefused) else None
        if last_word is None:
            return reply
        return _say(session, mechanism, last_word.data, Verdict(claim.name, reply))
    last_word = mechanism.accepted()
    if last_word is None:
        return await open_maildrop(session, mechanism.name, claim.name, identity)
    return _say(session, mechanism, last_word.data, Verdict(claim.name, identity))


def _refuse_unchecked(session: Session, mechanism: str, error: ExchangeRefused) -> Reply:
    """Log a refusal that the mechanism has pronounced by itself.

    It is not ``[AUTH]``: another password would not help (RFC 3206, section 5).
    """
    session.services.meter.signed_in(mechanism, "refused")
    log.warning(
        "sign-in failed",
        peer=session.peer,
        name=error.name[:64],
        mechanism=mechanism,
        reason=error.reason,
        detail=str(error),
    )
    return count_failure(session, err(str(error)))


def _why_not(session: Session, mechanism: str) -> str:
    """Why a mechanism is not offered on this connection."""
    kind = MECHANISMS.get(mechanism)
    wanted = mechanism in session.services.policy.mechanisms
    if kind is not None and wanted and kind.plaintext and not session.password_allowed:
        return NEEDS_TLS
    return "this mechanism is not offered here"
