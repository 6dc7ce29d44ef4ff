"""What an attempt makes of a message: pure functions from a record to the next."""

from __future__ import annotations

from pillarbox.reader.outbox.handover import Outcome
from pillarbox.reader.outbox.record import Record
from pillarbox.reader.outbox.standings import Random, pause
from pillarbox.reader.outbox.troubles import Offline, Trouble


def failed(record: Record, trouble: Trouble, now: float, rand: Random) -> Record:
    """The connection went before the end of the message was said."""
    until = now + pause(record.tries + 1, rand)
    return record.wait(str(trouble), until, network=isinstance(trouble, Offline))


def became(record: Record, outcome: Outcome, now: float, rand: Random) -> Record:
    """The server has answered, or has been asked all and not answered the end."""
    record, words = _answered(record, outcome)
    record = record.refuse(outcome.refused)
    if not words:
        return record
    until = now + pause(record.tries + 1, rand)
    return record.wait(f"The server asks to try again later: {words}", until, network=False)


def _answered(record: Record, outcome: Outcome) -> tuple[Record, str]:
    """And why those who still wait have to."""
    reply = outcome.reply
    if outcome.unanswered:
        return record.unanswered(), outcome.later
    if reply is None:
        return record, outcome.later
    if reply.good:
        return record.answered(), "" if outcome.at_once else outcome.later
    if reply.never:
        return record.refuse(dict.fromkeys(record.in_hand, reply.words)), outcome.later
    return record.back(), reply.words
