"""MAIL and RCPT, once aiosmtpd has parsed them: is the sender sound, is there such a user?

aiosmtpd calls ``handle_MAIL`` and ``handle_RCPT`` and sends what they return. One handler
serves all connections: what belongs to a transaction is kept in its :class:`Draft`.
"""

# ruff: noqa: ARG002, N802 - the hooks' names and arguments are aiosmtpd's

from __future__ import annotations

from typing import Final, Protocol

import structlog
from aiosmtpd.smtp import Envelope, Session

from pillarbox.contracts.errors import AuthError
from pillarbox.delivery import replies
from pillarbox.delivery.address import Addressee, check_characters, is_postmaster
from pillarbox.delivery.desk import Desk
from pillarbox.delivery.replies import Refused, Reply

log = structlog.get_logger("pillarbox.delivery")

_SIZE: Final = "SIZE="
_MOST_DIGITS: Final = 20
"""Of a SIZE (RFC 1870, section 3); what is longer is too large by its first ones."""

_POSTMASTER_REMEDY: Final = (
    "mail for postmaster must be accepted (RFC 5321, section 4.5.1): "
    "make the account with `pillarbox user add postmaster`"
)


class Door(Protocol):
    """What the hooks ask of a connection."""

    door: str
    desk: Desk
    peer: str
    bare_names: bool
    foreign_domain: Reply


class Draft(Envelope):
    """aiosmtpd's envelope, with what RCPT found out."""

    def __init__(self) -> None:
        super().__init__()
        self.addressees: list[Addressee] = []
        self.declared_octets = 0
        """SIZE in MAIL FROM (RFC 1870); 0: not given."""


class Handler:
    """The hooks that aiosmtpd calls."""

    async def handle_MAIL(
        self, server: Door, session: Session, draft: Draft, address: str, options: list[str]
    ) -> str:
        try:
            check_characters(address, international=draft.smtp_utf8, bad=replies.BAD_SENDER)
        except Refused as refusal:
            return str(refusal.reply)
        octets = _declared(options)
        if octets > server.desk.policy.max_message_octets:
            return _turn_sender_away(server, address, octets)
        draft.mail_from = address
        draft.mail_options.extend(options)
        draft.declared_octets = octets
        return str(replies.SENDER_OK)

    async def handle_RCPT(
        self, server: Door, session: Session, draft: Draft, address: str, options: list[str]
    ) -> str:
        try:
            addressee = await _find(server, draft, address)
        except Refused as refusal:
            return _turn_away(server, draft, address, refusal.reply)
        except AuthError as error:
            log.warning("directory unavailable", door=server.door, problem=str(error))
            return _turn_away(server, draft, address, replies.DIRECTORY_DOWN)
        draft.rcpt_tos.append(address)
        draft.addressees.append(addressee)
        return str(replies.RECIPIENT_OK)


def _declared(options: list[str]) -> int:
    """The octets that SIZE says (aiosmtpd has seen that it is digits); 0: it is not given."""
    sizes = [option.removeprefix(_SIZE) for option in options if option.startswith(_SIZE)]
    return int(sizes[-1][:_MOST_DIGITS]) if sizes else 0


def _turn_sender_away(server: Door, address: str, octets: int) -> str:
    """Here, since such a message never comes as far as to its own line in the log."""
    reply = str(replies.TOO_LARGE)
    log.info(
        "sender refused",
        door=server.door,
        peer=server.peer,
        sender=address,
        octets=octets,
        reply=reply,
    )
    return reply


async def _find(server: Door, draft: Draft, address: str) -> Addressee:
    """The addressee, if this message may go there.

    Raises:
        Refused: for any reason that the client is to be told.
        AuthUnavailable: the directory cannot be asked now.
    """
    if len(draft.addressees) >= server.desk.policy.recipients:
        raise Refused(replies.TOO_MANY_RECIPIENTS)
    check_characters(address, international=draft.smtp_utf8, bad=replies.BAD_RECIPIENT)
    addressee = await server.desk.book.find(
        address, bare=server.bare_names, foreign=server.foreign_domain
    )
    if 0 < addressee.account.quota_octets < draft.declared_octets:
        raise Refused(replies.LARGER_THAN_QUOTA)
    return addressee


def _turn_away(server: Door, draft: Draft, address: str, reply: Reply) -> str:
    server.desk.meter.delivered(server.door, reply.outcome, 0)
    if reply is replies.NO_SUCH_USER and is_postmaster(address):
        log.warning("no postmaster", recipient=address, remedy=_POSTMASTER_REMEDY)
    log.info(
        "recipient refused",
        door=server.door,
        peer=server.peer,
        sender=draft.mail_from,
        recipient=address,
        reply=str(reply),
    )
    return str(reply)
