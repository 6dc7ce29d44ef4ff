"""The SMTP door: direct intake for the configured domains, from any host. RFC 5321.

Never a relay, and not a submission server: AUTH is not offered. One reply after DATA speaks
for all recipients; see :mod:`pillarbox.delivery.retries` for what follows from that.
"""
# ruff: noqa: ARG002, N802 - the methods' names and arguments are aiosmtpd's

from __future__ import annotations

from pillarbox.delivery import replies
from pillarbox.delivery.connection import Connection
from pillarbox.delivery.intake import Transaction, one_answer
from pillarbox.delivery.replies import Reply


class SmtpConnection(Connection):
    """One SMTP client."""

    door = "smtp"
    greeting = "ESMTP"
    limited_by_address = True
    bare_names = False
    foreign_domain = replies.NO_RELAY
    separate_answers = False

    async def smtp_EHLO(self, hostname: str) -> None:
        await self._introduce(hostname, extended=True)

    async def smtp_HELO(self, hostname: str) -> None:
        await self._introduce(hostname, extended=False)

    async def _answer(self, transaction: Transaction, answers: list[Reply]) -> None:
        await self.push(str(one_answer(answers)))
