"""The moment that counts: one message, its recipients, one call of the store, one answer each.

No socket and no aiosmtpd here: a :class:`Transaction` and its content go in, replies come
out, one per recipient in their order. LMTP sends them as they are (RFC 2033, section 4.2);
for SMTP :func:`one_answer` makes one of them, and :mod:`pillarbox.delivery.retries` keeps a
message that was stored for some from being stored for them twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from pillarbox.contracts.errors import OverQuota, StoreError
from pillarbox.contracts.meter import Meter
from pillarbox.contracts.store import Store
from pillarbox.delivery import replies, trace
from pillarbox.delivery.address import AddressBook, Addressee
from pillarbox.delivery.offload import offload
from pillarbox.delivery.policy import DeliveryPolicy
from pillarbox.delivery.replies import Refused, Reply
from pillarbox.delivery.retries import PartialDeliveries
from pillarbox.delivery.second_look import not_there, one_refusal
from pillarbox.model import Recipient, StoredForm
from pillarbox.wire.canonical import stored_form

log = structlog.get_logger("pillarbox.delivery")

MOST_NAMES_IN_LOG = 20
"""Recipients that a log line names; it always says how many there were."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """What was agreed on before DATA."""

    door: str
    identifier: str
    peer: str
    helo: str
    protocol: str
    sender: str
    """Empty for a bounce."""
    addressees: tuple[Addressee, ...]
    """In the order of RCPT; the same account may be there twice."""
    smtputf8: bool = False
    cipher: str | None = None
    separate_answers: bool = True
    """LMTP: each recipient is answered; False: one reply must do for all (SMTP)."""


class Intake:
    """Takes messages into the store."""

    def __init__(
        self, *, store: Store, book: AddressBook, policy: DeliveryPolicy, meter: Meter
    ) -> None:
        self._store = store
        self._book = book
        self._policy = policy
        self._meter = meter
        self._partial = PartialDeliveries()

    async def accept(self, transaction: Transaction, content: bytes) -> list[Reply]:
        """Deliver *content*; one reply per addressee, positive only when it is stored."""
        try:
            message = await offload(len(content), prepare, transaction, content, self._policy)
            refuse_if_impossible(transaction, message)
            outcomes = await self._deliver_to_those_there(transaction, content, message)
        except Refused as refusal:
            return self.refuse(transaction, refusal.reply, len(content))
        answers = [
            _answer(transaction, addressee, message, outcomes[addressee.account.user])
            for addressee in transaction.addressees
        ]
        self._record(transaction, answers, message.octets, _first_problem(outcomes))
        return answers

    def refuse(self, transaction: Transaction, reply: Reply, octets: int = 0) -> list[Reply]:
        """The answers for a message that goes to nobody."""
        answers = [reply for _ in transaction.addressees]
        self._record(transaction, answers, octets, None)
        return answers

    async def _deliver_to_those_there(
        self, transaction: Transaction, content: bytes, message: StoredForm
    ) -> dict[str, Exception | None]:
        """What became of each user's copy; a user named twice gets one copy.

        Raises:
            Refused: SMTP: somebody's account is gone by now.
        """
        quotas = {a.account.user: a.account.quota_octets for a in transaction.addressees}
        missing = await not_there(self._book, transaction.addressees)
        if missing and not transaction.separate_answers:
            raise Refused(one_refusal(missing, transaction.addressees))
        there = {user: quota for user, quota in quotas.items() if user not in missing}
        return missing | await self._deliver(transaction, content, message, there)

    async def _deliver(
        self,
        transaction: Transaction,
        content: bytes,
        message: StoredForm,
        quotas: dict[str, int],
    ) -> dict[str, Exception | None]:
        if transaction.separate_answers:
            return await self._store_for(quotas, message)
        served = self._partial.served(transaction.sender, content, quotas)
        if served:
            log.info("stored by an earlier attempt", id=transaction.identifier, users=len(served))
        outcomes: dict[str, Exception | None] = {user: None for user in quotas if user in served}
        wanting = {user: quota for user, quota in quotas.items() if user not in served}
        outcomes |= await self._store_for(wanting, message)
        done = {user for user, outcome in outcomes.items() if outcome is None}
        if len(done) == len(outcomes):
            self._partial.settle(transaction.sender, content, quotas)
        elif done:
            self._partial.remember(transaction.sender, content, quotas, done)
        return outcomes

    async def _store_for(
        self, quotas: dict[str, int], message: StoredForm
    ) -> dict[str, Exception | None]:
        if not quotas:
            return {}
        recipients = [Recipient(user, quota) for user, quota in quotas.items()]
        outcomes: Sequence[Exception | None]
        try:
            outcomes = await self._store.deliver(message, recipients)
        except StoreError as error:
            outcomes = [error] * len(recipients)
        except Exception as error:
            log.exception("store failed in an unforeseen way")
            outcomes = [error] * len(recipients)
        return dict(zip(quotas, outcomes, strict=True))

    def _record(
        self, transaction: Transaction, answers: list[Reply], octets: int, problem: str | None
    ) -> None:
        """Count each recipient, and write the message's one line."""
        for answer in answers:
            self._meter.delivered(transaction.door, answer.outcome, octets)
        kinds = {answer.outcome for answer in answers}
        details = {"problem": problem} if problem else {}
        if kinds != {"stored"}:
            details["reply"] = str(next(a for a in answers if a.outcome != "stored"))
        names = [a.address for a in transaction.addressees[:MOST_NAMES_IN_LOG]]
        (log.error if problem else log.info)(
            "message",
            door=transaction.door,
            peer=transaction.peer,
            sender=transaction.sender,
            recipients=names,
            recipient_count=len(answers),
            octets=octets,
            outcome=kinds.pop() if len(kinds) == 1 else "partly stored",
            id=transaction.identifier,
            **details,
        )


def prepare(transaction: Transaction, content: bytes, policy: DeliveryPolicy) -> StoredForm:
    """The message as it will be kept: trace fields in front, canonical, dot-stuffed.

    Raises:
        Refused: the header is too large, or the message has been here too often.
    """
    header, body = trace.split_header(content, policy.max_header_octets)
    if trace.hops(header) > policy.max_hops:
        raise Refused(replies.LOOP)
    front = trace.fields(transaction.sender, _hop(transaction, policy.hostname))
    header = front + trace.without_return_path(header)
    international = transaction.smtputf8 and not header.isascii()
    return stored_form(header + body, international=international)


def _hop(transaction: Transaction, hostname: str) -> trace.Hop:
    alone = len(transaction.addressees) == 1
    return trace.Hop(
        helo=transaction.helo,
        peer=transaction.peer,
        hostname=hostname,
        protocol=transaction.protocol,
        identifier=transaction.identifier,
        moment=datetime.now(UTC),
        recipient=transaction.addressees[0].address if alone else None,
        cipher=transaction.cipher,
    )


def refuse_if_impossible(transaction: Transaction, message: StoredForm) -> None:
    """SMTP: refuse for all, before anything is stored, what can never fit for one.

    After storing there would be no true single answer: the one recipient's refusal is for
    good, the others' copies are there. (With SIZE declared, RCPT has refused him already.)

    Raises:
        Refused: a recipient's whole quota is smaller than the message.
    """
    if transaction.separate_answers:
        return
    if any(_never_fits(a, message.octets) for a in transaction.addressees):
        raise Refused(replies.LARGER_THAN_QUOTA)


def _never_fits(addressee: Addressee, octets: int) -> bool:
    return 0 < addressee.account.quota_octets < octets


def _answer(
    transaction: Transaction,
    addressee: Addressee,
    message: StoredForm,
    outcome: Exception | None,
) -> Reply:
    reply = replies.for_outcome(outcome)
    if reply is replies.MAILDROP_FULL and _never_fits(addressee, message.octets):
        return replies.LARGER_THAN_QUOTA
    if outcome is None:
        return reply._replace(text=f"{reply.text} as {transaction.identifier}")
    return reply


def _first_problem(outcomes: dict[str, Exception | None]) -> str | None:
    """What an operator has to know of; a full maildrop or a removed account is not."""
    for user, outcome in outcomes.items():
        ordinary = outcome is None or isinstance(outcome, OverQuota | Refused)
        if not ordinary:
            return f"{user}: {outcome or type(outcome).__name__}"
    return None


def one_answer(answers: Sequence[Reply]) -> Reply:
    """SMTP's single reply: positive when all are, else the first that is not.

    A temporary one goes before a permanent one: the sender comes back, and nobody's mail is
    given up because of somebody else's refusal.
    """
    temporary = (a for a in answers if a.outcome == "deferred")
    permanent = (a for a in answers if a.outcome == "refused")
    return next(temporary, None) or next(permanent, None) or answers[0]
