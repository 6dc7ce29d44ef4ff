"""A client with a message: MAIL and RCPT as aiosmtpd parses them, and DATA.

DATA is not aiosmtpd's, which refuses long lines, reads line by line, and answers once even in
LMTP. What a door adds is its greeting commands and its way to answer (smtp.py, lmtp.py).
"""
# ruff: noqa: N802 - the methods' names are aiosmtpd's

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import ClassVar

from pillarbox.delivery import replies
from pillarbox.delivery.address import NULL_PATH, is_left_open, plain_path
from pillarbox.delivery.content import Arrival, Endless
from pillarbox.delivery.dialogue import Dialogue
from pillarbox.delivery.intake import Transaction
from pillarbox.delivery.replies import Refused, Reply


class Connection(Dialogue):
    """One client of either door."""

    bare_names: ClassVar[bool]
    """Whether a local part alone is an address."""
    foreign_domain: ClassVar[Reply]
    separate_answers: ClassVar[bool]
    """Whether each recipient is answered after DATA."""

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        if is_left_open(arg):
            return None, None
        return plain_path(arg) or super()._getaddr(arg)

    def _getparams(self, params: Sequence[str]) -> dict[str, str | bool] | None:
        # Past here, aiosmtpd takes any Unicode digit for a number.
        return super()._getparams(params) if "".join(params).isascii() else None

    async def smtp_DATA(self, arg: str) -> None:
        if await self.check_helo_needed():
            return
        if arg:
            raise Refused(replies.NO_ARGUMENT)
        if not self._draft().addressees:
            raise Refused(replies.NEED_RECIPIENT)
        transaction = self._transaction()
        self.envelope = self._create_envelope()
        await self._send("354 end the message with a dot on a line of its own")
        most = self.desk.policy.max_message_octets
        with Arrival(most, self.desk.room, self._reset_timeout) as arrival:
            answers = await self._take_in(transaction, arrival)
        if any(answer.outcome == "stored" for answer in answers):
            self._errors = 0
        if not self._finished:
            await self._answer(transaction, answers)

    async def _take_in(self, transaction: Transaction, arrival: Arrival) -> list[Reply]:
        """Read the message, and hand it over. Hangs up on a sender who never comes to an end."""
        intake = self.desk.intake
        try:
            async with asyncio.timeout(self.desk.policy.message_timeout):
                content = await arrival.read(self._reader)
        except Refused as refusal:
            return intake.refuse(transaction, refusal.reply)
        except Endless:
            self._hang_up(replies.TOO_MUCH)
            return intake.refuse(transaction, replies.TOO_LARGE)
        except TimeoutError:
            self._hang_up(replies.TOO_SLOW)
            return intake.refuse(transaction, replies.TOO_SLOW)
        self._stop_timeout()  # now the client waits for us
        try:
            return await intake.accept(transaction, content)
        finally:
            if not self._finished and self.transport is not None:
                self._reset_timeout()

    async def _answer(self, transaction: Transaction, answers: list[Reply]) -> None:
        raise NotImplementedError

    def _transaction(self) -> Transaction:
        draft, session = self._draft(), self.session
        assert session is not None  # noqa: S101 - aiosmtpd makes it with the connection
        return Transaction(
            door=self.door,
            identifier=secrets.token_hex(8),
            peer=self.peer,
            helo=session.host_name or "",
            protocol=self._protocol(extended=session.extended_smtp, utf8=draft.smtp_utf8),
            sender="" if draft.mail_from in {None, NULL_PATH} else str(draft.mail_from),
            addressees=tuple(draft.addressees),
            smtputf8=draft.smtp_utf8,
            cipher=self._cipher(),
            separate_answers=self.separate_answers,
        )

    def _protocol(self, *, extended: bool, utf8: bool) -> str:
        """The ``with`` of ``Received``: RFC 3848; RFC 6531, section 4.3, for UTF8SMTP."""
        name = self.door.upper()
        if utf8:
            name = f"UTF8{name}"
        elif extended:
            name = self.greeting
        return f"{name}S" if self._cipher() else name
