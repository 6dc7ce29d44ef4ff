"""The LMTP door: final delivery from the mail server in front. RFC 2033.

LMTP trusts its client: whoever can connect can deliver. Listen on a socket in the file
system, on loopback, or on a network that only mail servers are on. After DATA each accepted
RCPT gets a reply of its own, in order, twice for an address given twice (section 4.2).
"""
# ruff: noqa: ARG002, N802 - the methods' names and arguments are aiosmtpd's

from __future__ import annotations

from pillarbox.delivery import replies
from pillarbox.delivery.connection import Connection
from pillarbox.delivery.intake import Transaction
from pillarbox.delivery.replies import Refused, Reply


class LmtpConnection(Connection):
    """One LMTP client."""

    door = "lmtp"
    greeting = "LMTP"
    limited_by_address = False  # one mail server, many connections
    bare_names = True
    foreign_domain = replies.NO_SUCH_DOMAIN
    separate_answers = True

    async def smtp_LHLO(self, hostname: str) -> None:
        await self._introduce(hostname, extended=True)

    async def smtp_EHLO(self, hostname: str) -> None:
        """Section 4.1: an LMTP server must not take HELO and EHLO."""
        raise Refused(replies.UNKNOWN_COMMAND)

    async def smtp_HELO(self, hostname: str) -> None:
        raise Refused(replies.UNKNOWN_COMMAND)

    def _is_mistake(self, reply: str) -> bool:
        # What a mail server passes on (unknown users, large messages) is not its mistake.
        return reply.startswith("50")

    async def _answer(self, transaction: Transaction, answers: list[Reply]) -> None:
        pairs = zip(transaction.addressees, answers, strict=True)
        lines = [str(answer.about(addressee.address)) for addressee, answer in pairs]
        await self._send("\r\n".join(lines))
