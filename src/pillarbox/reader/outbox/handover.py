"""One message to a server: MAIL, RCPT for each, DATA (RFC 5321, section 3.3).

All that goes wrong before the end of the message (its final dot) is said is safe: a server delivers nothing
without it. So what is said last is only that dot, and just before it is said, *commit* notes on disk that it
is. From then on an answer counts, and none means that nobody knows.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from pillarbox.reader.outbox.envelope import Needs, in_lines, in_seven_bits, mailbox, needs_of
from pillarbox.reader.outbox.record import Record
from pillarbox.reader.outbox.talk import WHAT_GOES_WRONG, Talk
from pillarbox.reader.outbox.troubles import PutOff, Stopped, TakenBack, trouble
from pillarbox.reader.outbox.words import Reply

Commit = Callable[[Sequence[str]], Awaitable[bool]]
"""Notes that the end of the message goes out for these recipients; False: it must not, it was taken back."""

PIECE = 64 * 1024
"""Octets of a message that are sent at a time: the time-out is for each."""

AFTER_THE_END = 600.0
"""Seconds for the answer to the final dot (RFC 5321, section 4.5.3.2.6): while the server has it looked at for
viruses. Whoever gives up sooner makes two messages of one."""

GO_ON = 354
TOO_MANY = (452, 552)
"""Replies to RCPT: no more recipients in this transaction (RFC 5321, section 4.5.3.1.10). To the first one, or with a
status that says so, it is about the recipient instead: 552 is a full mailbox then.
"""
ABOUT_THE_RECIPIENT = re.compile(r"5\.[127]\.")
"""Enhanced status codes (RFC 3463, section 3): address, mailbox, policy."""
SIGN_IN_FIRST = 530
"""RFC 4954, section 6."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of a message in one hand-over. Those in hand are taken if *reply* is good."""

    refused: Mapping[str, str] = field(default_factory=dict)
    """Recipients, with the server's words."""
    later: str = ""
    """The words with which some are put off."""
    at_once: bool = False
    """What was put off is only too much for one transaction."""
    reply: Reply | None = None
    """To the end of the message; None: it was not said, or there was none."""
    unanswered: bool = False


async def hand_over(talk: Talk, record: Record, message: bytes, commit: Commit) -> Outcome:
    """Hand *message* over for those that *record* says wait for it.

    Raises:
        Trouble: the connection is of no more use, and the message has not been handed over; or
            TakenBack: it is not to be.
    """
    try:
        return await _handed_over(talk, record, in_lines(message), commit)
    except WHAT_GOES_WRONG as error:
        talk.drop()
        raise trouble(error, talk.place) from error


async def _handed_over(talk: Talk, record: Record, message: bytes, commit: Commit) -> Outcome:
    needs = needs_of(message)
    if needs.eight_bits and not talk.offers("8bitmime"):
        message = in_seven_bits(message)
        needs = needs_of(message)
    if why := _impossible(talk, record.sender, needs):
        return Outcome(refused=dict.fromkeys(record.waiting, why))
    utf8 = needs.utf8_header or not _all_ascii(record)
    reply = await talk.command("MAIL", *_mail(talk, record.sender, needs, utf8=utf8))
    if not reply.good:
        return await _no_mail(talk, record, reply)
    answers, refused = await _recipients(talk, record)
    taken = [recipient for recipient, answer in answers.items() if answer.good]
    refusals, put_off = _sorted(answers)
    refused |= refusals
    later = put_off[0].words if put_off else ""
    too_many = all(answer.code in TOO_MANY for answer in put_off)
    if not taken:
        await _forget(talk)
        return Outcome(refused=refused, later=later)
    reply = await talk.command("DATA")
    if reply.code != GO_ON:
        await _forget(talk)
        if reply.never:
            return Outcome(refused={**refused, **dict.fromkeys(taken, reply.words)}, later=later)
        return Outcome(refused=refused, later=reply.words)
    return await _content(talk, message, taken, commit, Outcome(refused, later, too_many))


def _impossible(talk: Talk, sender: str, needs: Needs) -> str:
    """Why the server cannot take such a message from such a sender; empty: it can."""
    most = talk.most_octets
    if most is not None and needs.octets > most:
        return (
            f"it has {needs.octets / 1e6:.1f} MB, and the server takes {most / 1e6:.1f} MB at most. Send "
            "less, or smaller attachments."
        )
    if (needs.utf8_header or not _local(sender).isascii()) and not talk.offers("smtputf8"):
        return "it has an address, or a header, with letters that this server cannot transport (SMTPUTF8)."
    try:
        mailbox(sender)
    except ValueError as error:
        return f"the sender's address {error}. Correct it in the account's settings."
    return ""


def _mail(talk: Talk, sender: str, needs: Needs, *, utf8: bool) -> list[str]:
    words = [f"FROM:<{mailbox(sender)}>"]
    if talk.offers("size"):
        words.append(f"SIZE={needs.octets}")
    if needs.eight_bits:
        words.append("BODY=8BITMIME")
    if utf8 and talk.offers("smtputf8"):
        words.append("SMTPUTF8")
    return words


async def _no_mail(talk: Talk, record: Record, reply: Reply) -> Outcome:
    if reply.code == SIGN_IN_FIRST:
        raise Stopped(
            f"The server wants a sign-in: {reply.words}. Give user name and password for sending in the account's "
            "settings."
        )
    await _forget(talk)
    if reply.never:
        return Outcome(refused=dict.fromkeys(record.waiting, reply.words))
    return Outcome(later=reply.words)


async def _recipients(talk: Talk, record: Record) -> tuple[dict[str, Reply], dict[str, str]]:
    """What the server says of each that waits; and why others cannot even be asked for."""
    answers, impossible = {}, {}
    for recipient in record.waiting:
        try:
            address = mailbox(recipient)
        except ValueError as error:
            impossible[recipient] = f"it {error}."
            continue
        if address.isascii() or talk.offers("smtputf8"):
            answers[recipient] = await talk.command("RCPT", f"TO:<{address}>")
        else:
            impossible[recipient] = "it has letters that this server cannot transport (SMTPUTF8)."
    return answers, impossible


def _sorted(answers: Mapping[str, Reply]) -> tuple[dict[str, str], list[Reply]]:
    """Refusals by recipient, and what puts others off. *answers*: in the order in which was asked."""
    refused, put_off = {}, []
    some = False
    for recipient, answer in answers.items():
        if answer.good:
            some = True
        elif answer.never and not (some and _is_too_many(answer)):
            refused[recipient] = answer.words
        else:
            put_off.append(answer)
    return refused, put_off


def _is_too_many(reply: Reply) -> bool:
    return reply.code in TOO_MANY and not ABOUT_THE_RECIPIENT.match(reply.text)


async def _forget(talk: Talk) -> None:
    """Make ready for the next message. If that does not work, there will be another connection for it."""
    try:
        reply = await talk.command("RSET")
    except WHAT_GOES_WRONG:
        talk.drop()
        return
    if not reply.good:
        talk.drop()


async def _content(
    talk: Talk, message: bytes, taken: Sequence[str], commit: Commit, so_far: Outcome
) -> Outcome:
    listening = talk.listen(AFTER_THE_END)
    try:
        early = await _sent(talk, message, listening)
        if early is not None:
            talk.drop()
            return _without_the_end(early, taken, so_far, talk.place)
        if not await commit(taken):
            raise TakenBack("It was taken back.")
        return await _end(talk, listening, so_far)
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError, *WHAT_GOES_WRONG):
            await listening


async def _sent(talk: Talk, message: bytes, listening: asyncio.Task[Reply]) -> Reply | None:
    """Send all but the end. An answer that comes before: the server has seen enough."""
    try:
        for piece in _stuffed(message):
            await talk.send(piece)
            if listening.done():
                return listening.result()
    except WHAT_GOES_WRONG:
        # It may have said why before it hung up.
        await asyncio.wait([listening], timeout=0)
        if listening.done() and listening.exception() is None:
            return listening.result()
        raise
    return None


def _without_the_end(early: Reply, taken: Sequence[str], so_far: Outcome, place: str) -> Outcome:
    if early.never:
        refused = {**so_far.refused, **dict.fromkeys(taken, early.words)}
        return Outcome(refused, so_far.later, so_far.at_once)
    raise PutOff(f"{place} broke off in the middle of the message: {early.words}")


async def _end(talk: Talk, listening: asyncio.Task[Reply], so_far: Outcome) -> Outcome:
    try:
        await talk.send(b".\r\n")
        reply = await listening
    except WHAT_GOES_WRONG:
        talk.drop()
        return Outcome(so_far.refused, so_far.later, so_far.at_once, unanswered=True)
    if reply.good or reply.later or reply.never:
        return Outcome(so_far.refused, so_far.later, so_far.at_once, reply)
    talk.drop()
    return Outcome(so_far.refused, so_far.later, so_far.at_once, unanswered=True)


def _stuffed(message: bytes) -> list[bytes]:
    """RFC 5321, section 4.5.2; in pieces."""
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    if stuffed.startswith(b"."):
        stuffed = b"." + stuffed
    return [stuffed[start : start + PIECE] for start in range(0, len(stuffed), PIECE)]


def _all_ascii(record: Record) -> bool:
    return all(_local(address).isascii() for address in (record.sender, *record.waiting))


def _local(address: str) -> str:
    return address.rpartition("@")[0]
