"""The commands of AUTHORIZATION: saying who one is, and putting TLS in place first.

(AUTH is in ``exchange``.)
"""

from __future__ import annotations

from pillarbox.contracts.errors import (
    CredentialsRefused,
    MaildropLocked,
    OpenedTooSoon,
    PillarboxError,
    TooManyAttempts,
)
from pillarbox.model import Identity
from pillarbox.sasl.claims import Claim, DigestClaim, PasswordClaim
from pillarbox.server.faults import fault, needs_operator
from pillarbox.server.limits import MAX_SIGN_IN_FAILURES
from pillarbox.server.session import Session, log
from pillarbox.wire.capabilities import capabilities
from pillarbox.wire.commands import Command
from pillarbox.wire.replies import Reply, content_of, err, ok

NEEDS_TLS = "no password without TLS: use STLS, or the port for POP3S"

_LANGUAGES = {"en": "English", "i-default": "English, the default"}
"""The languages of our replies, by tag (RFC 6856, section 3)."""


async def capa(session: Session, _command: Command) -> Reply:
    return ok("capabilities follow", content_of(capabilities(session.offer)))


async def user(session: Session, command: Command) -> Reply:
    """Accepts any name: whether it exists is not said before the password."""
    if not session.password_allowed:
        return err(NEEDS_TLS)
    session.name = command.text
    return ok("now the password")


async def password(session: Session, command: Command) -> Reply:
    return await _sign_in(session, "USER", PasswordClaim(session.name, command.text))


async def apop(session: Session, command: Command) -> Reply:
    """RFC 1939, section 7. Off unless the operator says so: MD5 is broken (CVE-2007-1558)."""
    if session.timestamp is None:
        return err("APOP is not offered here")
    claim = DigestClaim("APOP", command.text, session.timestamp, command.data or "")
    return await _sign_in(session, "APOP", claim)


async def stls(session: Session, _command: Command) -> Reply:
    """RFC 2595, section 4. The handshake follows the reply; the shell sees to it."""
    if session.secured:
        return err("TLS is in place already")
    if not session.services.tls_available:
        return err("TLS is not available here")
    return ok("begin TLS now")


async def utf8(session: Session, _command: Command) -> Reply:
    """RFC 6856, section 2. Names and passwords are UTF-8 with or without ``USER``."""
    session.utf8 = True
    return ok("UTF-8 it is")


async def lang(_session: Session, command: Command) -> Reply:
    """RFC 6856, section 3. The same for every user, so nothing is learnt from it."""
    if not command.text:
        return ok("languages follow", content_of(f"{k} {v}" for k, v in _LANGUAGES.items()))
    tag = "en" if command.text == "*" else command.text.lower()
    if tag not in _LANGUAGES:
        return err("this language is not spoken here")
    return ok(f"{tag} replies are in English")


async def _sign_in(session: Session, mechanism: str, claim: Claim) -> Reply:
    """Check the credentials, then lock the maildrop (RFC 1939, section 4)."""
    try:
        identity = await session.services.authenticator.check(claim, session.peer)
    except PillarboxError as error:
        return refuse(session, mechanism, claim.name, error)
    return await open_maildrop(session, mechanism, claim.name, identity)


async def open_maildrop(
    session: Session, mechanism: str, claimed: str, identity: Identity
) -> Reply:
    """The end of every sign-in: *identity*, who *claimed* to be so, has been proved."""
    services = session.services
    try:
        session.maildrop = await services.store.open(
            identity, minimum_interval=services.policy.login_delay
        )
    except PillarboxError as error:
        return refuse(session, mechanism, claimed, error, identity)
    session.identity = identity
    services.meter.signed_in(mechanism, "ok")
    maildrop = session.maildrop
    return ok(f"maildrop has {maildrop.count} messages ({maildrop.octets} octets)")


def refuse(
    session: Session,
    mechanism: str,
    claimed: str,
    error: PillarboxError,
    identity: Identity | None = None,
) -> Reply:
    """One line in the log with address and reason (fail2ban reads it), and the reply.

    The *identity*, if it has been proved, says which device it was: with an app password
    it may sign in under the account's own name.
    """
    outcome = {
        CredentialsRefused: "refused",
        TooManyAttempts: "put-off",
        MaildropLocked: "in-use",
        OpenedTooSoon: "too-soon",
    }
    emit = log.error if needs_operator(error) else log.warning
    if isinstance(error, MaildropLocked | OpenedTooSoon):
        emit = log.info  # the client is who it says, and comes again
    services = session.services
    services.meter.signed_in(mechanism, outcome.get(type(error), "error"))
    emit(
        "sign-in failed",
        peer=session.peer,
        name=claimed[:64],
        mechanism=mechanism,
        reason=outcome.get(type(error), type(error).__name__),
        **({"user": identity.user, "view": identity.view} if identity else {}),
        detail=str(error),
    )
    reply = fault(error)
    return count_failure(session, reply) if isinstance(error, CredentialsRefused) else reply


def count_failure(session: Session, reply: Reply) -> Reply:
    """The *reply* to a sign-in that was refused; it closes when there were too many."""
    session.failures += 1
    if session.failures < MAX_SIGN_IN_FAILURES:
        return reply
    return err(reply.text, reply.code, closes=True)
