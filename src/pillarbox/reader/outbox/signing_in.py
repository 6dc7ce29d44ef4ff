"""Signing in to a submission server (RFC 4954), by the same mechanisms as everywhere else."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NoBase64

from aiosmtplib import SMTP

from pillarbox.client.limits import MAX_CHALLENGES
from pillarbox.client.signing_in import reveal
from pillarbox.reader.outbox.troubles import NotLetIn, PutOff, Stopped, Trouble
from pillarbox.reader.outbox.words import Reply, cleaned
from pillarbox.reader.submission import Security, Submission
from pillarbox.sasl.client import ChannelBinding, ClientMechanism, Credentials, SaslError, choose
from pillarbox.sasl.end_point import server_end_point

CHALLENGE, SIGNED_IN = 334, 235

MAX_LINE = 12_288
"""Octets of a line of AUTH (RFC 4954, section 4)."""


async def sign_in(client: SMTP, submission: Submission, certificate: bytes | None) -> None:
    """Sign in, if that is to be; the connection is what was demanded.

    Args:
        client: connected.
        submission: whose account it is.
        certificate: what the server has shown (DER), to bind the sign-in to it.

    Raises:
        Trouble: the server refuses, or there is no way in common.
        PillarboxError: the password, or the token, cannot be had.
        SMTPException: the connection broke.
    """
    if submission.user is None:
        return
    offered = [name.upper() for name in client.server_auth_methods]
    credentials = await _credentials(submission)
    try:
        mechanism = choose(
            offered,
            credentials,
            # Without TLS only where the user has said so; then it shall work.
            secured=certificate is not None or submission.security is Security.NONE,
            channel_binding=_binding(certificate, offered),
        )
        await _exchange(client, mechanism)
    except SaslError as error:
        raise Stopped(f"The sign-in for sending failed: {error}.") from error


async def _credentials(submission: Submission) -> Credentials:
    token = await reveal(submission.token)
    password = await reveal(submission.password) if token is None else None
    if not token and not password:
        raise Stopped(
            f"There is no password to send as {submission.user}. Give one in the account's settings."
        )
    return Credentials(submission.user or "", password, token)


def _binding(certificate: bytes | None, offered: list[str]) -> ChannelBinding | None:
    if certificate is None or not any(name.startswith("SCRAM-") for name in offered):
        return None
    return server_end_point(certificate)


async def _exchange(client: SMTP, mechanism: ClientMechanism) -> None:
    """The dialogue: RFC 4954, section 4."""
    words = ["AUTH", mechanism.name]
    held: bytes | None = None
    if mechanism.client_first:
        held = mechanism.step(None)
        inline = b64encode(held).decode("ascii") or "="
        if len(" ".join((*words, inline))) + 2 <= MAX_LINE:
            words.append(inline)
            held = None
    reply = await _said(client, *words)
    for _ in range(MAX_CHALLENGES):
        if reply.code == SIGNED_IN and mechanism.done:
            return
        if reply.code != CHALLENGE:
            raise _refused(reply, mechanism)
        response = held
        held = None
        if response is None:
            response = await _step(client, mechanism, reply)
        reply = await _said(client, b64encode(response).decode("ascii"))
    raise Stopped("The sign-in for sending failed: the server goes on asking.")


async def _step(client: SMTP, mechanism: ClientMechanism, reply: Reply) -> bytes:
    """The answer to a challenge.

    Raises:
        SaslError: the mechanism does not go on; the exchange is cancelled.
    """
    try:
        return mechanism.step(b64decode(reply.text.strip(), validate=True))
    except (SaslError, NoBase64) as error:
        await _said(client, "*")
        if isinstance(error, SaslError):
            raise
        raise SaslError("the server's challenge cannot be understood") from error


async def _said(client: SMTP, *words: str) -> Reply:
    reply = await client.execute_command(*(word.encode("ascii") for word in words))
    return Reply(reply.code, reply.message)


def _refused(reply: Reply, mechanism: ClientMechanism) -> Trouble:
    said = reply.words + (f" ({cleaned(mechanism.reason)})" if mechanism.reason else "")
    if reply.later:
        return PutOff(f"The server cannot check the sign-in now: {said}")
    if reply.code == SIGNED_IN:
        return Stopped(
            "The server said that the sign-in succeeded before it proved that it knows the password: it may be "
            "somebody else's. Nothing was sent."
        )
    return NotLetIn(
        f"The server refused the sign-in: {said}. Check user name and password; "
        "some providers want a password made for this program."
    )
