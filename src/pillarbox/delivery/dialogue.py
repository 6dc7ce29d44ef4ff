"""The command loop, the greetings, STARTTLS, and the commands that concern no message.

aiosmtpd gives the table of commands, RSET and NOOP. What is replaced, and why:

* the loop: aiosmtpd's takes a bare LF for a line end, goes on with what is buffered after it
  has closed, and lets clients send any number of wrong commands that it knows;
* STARTTLS: aiosmtpd's throws away what was sent ahead and goes on; here that ends the
  connection (CVE-2021-33515 and its kin), and asyncio's own ``start_tls`` does the work;
* AUTH (not offered), HELP, VRFY, and replies without enhanced codes.
"""
# ruff: noqa: ARG002, N802 - the methods' names and arguments are aiosmtpd's

from __future__ import annotations

import asyncio
from typing import ClassVar

import structlog

from pillarbox.delivery import replies
from pillarbox.delivery.commands import NOT_OFFERED, of_the_web, parse
from pillarbox.delivery.link import Link
from pillarbox.delivery.replies import Refused
from pillarbox.peers import UNIX

log = structlog.get_logger("pillarbox.delivery")


class Dialogue(Link):
    """A client that says commands."""

    greeting: ClassVar[str]
    """What follows the host's name in the 220."""

    _errors = 0
    """Mistakes since a message was last accepted."""

    async def _converse(self) -> None:
        await self._send(f"220 {self.hostname} {self.greeting} Pillarbox")
        while not self._finished:
            if self._winding_up and not self._draft().mail_from:
                self._hang_up(replies.SHUTTING_DOWN)
                return
            line = await self._next_line()
            self._reset_timeout()
            await self._try(line)
            if self._errors >= self.desk.policy.errors and not self._finished:
                log.warning("session ended", door=self.door, peer=self.peer, reason="errors")
                self._hang_up(replies.TOO_MANY_ERRORS)

    async def _next_line(self) -> bytes:
        self._at_rest = True
        try:
            return await self._reader.readuntil(b"\n")
        except asyncio.LimitOverrunError:
            self._hang_up(replies.LINE_TOO_LONG)
            raise EOFError("a line without an end") from None
        finally:
            self._at_rest = False

    async def _try(self, line: bytes) -> None:
        try:
            await self._obey(line)
        except Refused as refusal:
            await self.push(str(refusal.reply))
        except (OSError, EOFError):  # the connection's, for _handle_client
            raise
        except Exception:
            log.exception("unforeseen error", door=self.door, peer=self.peer)
            await self.push(str(replies.INTERNAL_ERROR))

    async def _obey(self, line: bytes) -> None:
        command, argument = parse(line)
        if of_the_web(command):
            log.warning("session ended", door=self.door, peer=self.peer, reason="not mail")
            self._hang_up(replies.NOT_MAIL)
            return
        if command in NOT_OFFERED:
            raise Refused(replies.NOT_OFFERED)
        method = self._smtp_methods.get(command)
        if method is None:
            raise Refused(replies.UNKNOWN_COMMAND)
        await method(argument)

    async def push(self, status: str | bytes) -> None:
        """Send one reply: the way out of all that aiosmtpd and the doors say."""
        text = status.decode() if isinstance(status, bytes) else status
        if self._is_mistake(text):
            self._errors += 1
        await self._send(replies.with_enhanced_code(text))

    def _is_mistake(self, reply: str) -> bool:
        """Whether this reply is to a mistake of the client's."""
        return reply.startswith("5")

    async def _introduce(self, name: str | None, *, extended: bool) -> None:
        """HELO, EHLO, LHLO: one written piece, since nothing may come between the lines."""
        if not name:
            raise Refused(replies.NEED_HOST_NAME)
        self.envelope = self._create_envelope()
        assert self.session is not None  # noqa: S101 - aiosmtpd makes it with the connection
        self.session.host_name = name
        self.session.extended_smtp = extended
        lines = [self.hostname, *(self._extensions() if extended else [])]
        last = lines.pop()
        await self._send("".join(f"250-{line}\r\n" for line in lines) + f"250 {last}")

    def _extensions(self) -> list[str]:
        offers = [
            f"SIZE {self.desk.policy.max_message_octets}",
            "8BITMIME",
            "SMTPUTF8",
            "PIPELINING",
            "ENHANCEDSTATUSCODES",
        ]
        return [*offers, "STARTTLS"] if self._offers_tls() else offers

    async def check_helo_needed(self, helo: str = "HELO") -> bool:
        if self.session is not None and self.session.host_name:
            return False
        await self.push(str(replies.NEED_GREETING))
        return True

    def _cipher(self) -> str | None:
        """``TLSv1.3 TLS_AES_256_GCM_SHA384``; None without TLS."""
        cipher = self._writer.get_extra_info("cipher")
        return f"{cipher[1]} {cipher[0]}" if cipher else None

    def _offers_tls(self) -> bool:
        return self.desk.tls is not None and self._cipher() is None and self.peer != UNIX

    async def smtp_STARTTLS(self, arg: str) -> None:
        """RFC 3207. Nothing learned before it counts after it."""
        if arg:
            raise Refused(replies.NO_ARGUMENT)
        if self._cipher():
            raise Refused(replies.TLS_ACTIVE)
        if self.desk.tls is None or not self._offers_tls():
            raise Refused(replies.NOT_OFFERED)
        # Nothing public tells what a StreamReader holds. No other task runs from here until
        # the transport is TLS's, so what comes later is taken for a handshake.
        if self._reader._buffer:  # type: ignore[attr-defined] # noqa: SLF001 - see above
            log.warning("session ended", door=self.door, peer=self.peer, reason="sent ahead of TLS")
            self._hang_up(replies.TLS_PIPELINED)
            return
        await self.push(str(replies.TLS_READY))
        self._flush()  # in clear, and now
        await self._put_on_tls(self.desk.tls)
        self.session = self._create_session()
        self.envelope = self._create_envelope()

    async def smtp_QUIT(self, arg: str) -> None:
        if arg:
            raise Refused(replies.NO_ARGUMENT)
        self._hang_up(replies.BYE)

    async def smtp_VRFY(self, arg: str) -> None:
        """RFC 5321, section 7.3: 252 keeps addresses from being guessed here."""
        await self.push(str(replies.CANNOT_VERIFY))

    async def smtp_HELP(self, arg: str) -> None:
        commands = " ".join(sorted(set(self._smtp_methods) - NOT_OFFERED))
        await self._send(f"214 2.0.0 Commands: {commands}. See RFC 5321 and RFC 2033.")
