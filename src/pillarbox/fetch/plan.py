"""What to do with each message: what the server lists x what the journal knows x the rules.

A pure function, so that ``--dry-run`` prints exactly what a run would do. Where the table
is in doubt it retrieves once more and compares, and deletes nothing.

=============  ==================  =====================================================
journal        listing             what is done
=============  ==================  =====================================================
nothing, SEEN  too large           left
nothing, SEEN                      retrieved and stored; then deleted, if nothing is kept
PUBLISHING                         left: the next run asks the destination first
STORED         another size        verified: the unique-id may have come to new mail
STORED         the same size       deleted when its time has come, else left
DELETING       another size        verified
DELETING       the same size       deleted (again: a QUIT was lost), not retrieved
GONE           whatever            verified: the server did not delete it, or it gave its
                                   unique-id to new mail
=============  ==================  =====================================================

To *verify* is to retrieve and to compare digests. The same: it is not stored again, and
deleted when its time has come. Another one: it is new mail, and stored.

Nothing is deleted by an id that was made here (see :mod:`pillarbox.fetch.identity`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, StrEnum
from typing import NamedTuple

from pillarbox.fetch.identity import is_made
from pillarbox.fetch.rules import Rules
from pillarbox.fetch.stages import Known, Listed, Stage


class Action(StrEnum):
    """What is done with a message."""

    RETRIEVE = "retrieve"
    VERIFY = "verify"
    DELETE = "delete"
    LEAVE = "leave"


class Reason(Enum):
    """Why; the value is what the user reads."""

    NEW = "new"
    TOO_LARGE = "larger than the limit on size"
    UNSETTLED = "a run that broke off left it half stored: the next run will settle it"
    RESIZED = "its size on the server has changed: it may be new mail under an old unique-id"
    RETURNED = "listed again after it was deleted: it may be new mail under an old unique-id"
    KEPT = "stored here, to be kept on the server"
    DUE = "stored here, and not to be kept on the server any longer"
    REPEATED = "stored here; that it was deleted has not been confirmed"
    NAMELESS = "stored here, but its unique-id is not reliable: it is never deleted by it"


class Decision(NamedTuple):
    """One message's fate."""

    message: Listed
    action: Action
    reason: Reason
    then_delete: bool = False
    """RETRIEVE: delete it on the server, in this session, once it is stored here. VERIFY:
    delete it if it is the same; if it is new mail, :attr:`Rules.at_once` decides."""

    def __str__(self) -> str:
        size = "size unknown" if self.message.octets is None else f"{self.message.octets} octets"
        action = f"{self.action} and delete" if self.then_delete else self.action
        return f"{action} message {self.message.number} ({size}): {self.reason.value}"


class Plan(NamedTuple):
    """The decisions, each list in the order of the listing."""

    retrieve: list[Decision]
    verify: list[Decision]
    delete: list[Decision]
    leave: list[Decision]
    switched: list[Decision]
    """Those that delete something here long since which the rules before would have kept:
    to be shown, and asked about."""

    def describe(self) -> Iterator[str]:
        """Lines that say what would be done: each message, except that those which are left
        alone are only counted, reason by reason.
        """
        for decision in (*self.retrieve, *self.verify, *self.delete):
            yield str(decision)
        for reason, count in Counter(decision.reason for decision in self.leave).items():
            yield f"leave {_messages(count)}: {reason.value}"
        yield self.summary()

    def summary(self) -> str:
        """The plan in a line."""
        octets = sum(decision.message.octets or 0 for decision in self.retrieve)
        return (
            f"{_messages(len(self.retrieve))} to retrieve ({octets} octets), "
            f"{len(self.verify)} to verify, {len(self.delete)} to delete, "
            f"{len(self.leave)} to leave"
        )


def make_plan(
    listed: Sequence[Listed],
    known: Mapping[str, Known],
    rules: Rules,
    now: float,
    *,
    before: Rules | None = None,
) -> Plan:
    """Decide on each message of a listing.

    *listed* names no unique-id twice (:func:`pillarbox.fetch.identity.identified`), *now* is
    in seconds since the epoch, *before* are the rules of the last run, if there was one.

    Raises:
        ValueError: a unique-id is listed twice.
    """
    if len({message.unique_id for message in listed}) != len(listed):
        raise ValueError("a unique-id is listed twice")
    plan = Plan([], [], [], [], [])
    lists = {
        Action.RETRIEVE: plan.retrieve,
        Action.VERIFY: plan.verify,
        Action.DELETE: plan.delete,
        Action.LEAVE: plan.leave,
    }
    for message in listed:
        row = known.get(message.unique_id)
        decision = _decide(message, row, rules, now)
        lists[decision.action].append(decision)
        if before is not None and row is not None and _kept_before(decision, row, before, now):
            plan.switched.append(decision)
    return plan


def _decide(message: Listed, row: Known | None, rules: Rules, now: float) -> Decision:
    if row is None or row.stage is Stage.SEEN:
        return _fetch(message, Action.RETRIEVE, Reason.NEW, rules, deletes=rules.at_once)
    if row.stage is Stage.PUBLISHING:
        return Decision(message, Action.LEAVE, Reason.UNSETTLED)
    if row.stage is Stage.GONE:
        return _verify(message, row, Reason.RETURNED, rules, now)
    return _stored(message, row, rules, now)


def _stored(message: Listed, row: Known, rules: Rules, now: float) -> Decision:
    if _resized(message, row):
        return _verify(message, row, Reason.RESIZED, rules, now)
    if not _is_due(row, rules, now):
        return Decision(message, Action.LEAVE, Reason.KEPT)
    if is_made(message.unique_id):
        return Decision(message, Action.LEAVE, Reason.NAMELESS)
    reason = Reason.REPEATED if row.stage is Stage.DELETING else Reason.DUE
    return Decision(message, Action.DELETE, reason)


def _verify(message: Listed, row: Known, reason: Reason, rules: Rules, now: float) -> Decision:
    return _fetch(message, Action.VERIFY, reason, rules, deletes=_is_due(row, rules, now))


def _fetch(
    message: Listed, action: Action, reason: Reason, rules: Rules, *, deletes: bool
) -> Decision:
    if rules.max_octets is not None and (message.octets or 0) > rules.max_octets:
        return Decision(message, Action.LEAVE, Reason.TOO_LARGE)
    return Decision(message, action, reason, deletes and not is_made(message.unique_id))


def _resized(message: Listed, row: Known) -> bool:
    return None not in {message.octets, row.octets} and message.octets != row.octets


def _is_due(row: Known, rules: Rules, now: float) -> bool:
    return row.stored_at is not None and rules.deletes(row.stored_at, now)


def _kept_before(decision: Decision, row: Known, before: Rules, now: float) -> bool:
    """Whether the message is here and would have stayed on the server."""
    deletes = decision.action is Action.DELETE or decision.then_delete
    here = row.stage in {Stage.STORED, Stage.DELETING}
    return deletes and here and not _is_due(row, before, now)


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"
