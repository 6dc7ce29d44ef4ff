"""What the engine asks of the database: each function mirrors the conditions of the statement of
``pillarbox.store.cluster`` that it names. There is one view.

*clock* is ``clock_timestamp()``, if nodes do not use their own (a premise that can be left out).
"""

from __future__ import annotations

from typing import NamedTuple

from tests.cluster.model.database import Key, Rows, Transaction

LEASE = 30
"""Seconds."""
PATIENCE = 15
"""Seconds in which a statement may take effect (``database.STATEMENT_SECONDS``)."""
VIEW: Key = ("view", 0)


class Premises(NamedTuple):
    """What the proof rests on. With one of them left out there is a history that must not be."""

    token_checked: bool = True
    """A commit looks whether the token is still its own."""
    alive_checked: bool = True
    """A commit looks whether its process is alive."""
    view_written: bool = True
    """A commit changes the view's row, so that it and a taker-over meet there."""
    database_clock: bool = True
    """Only the database's clock counts."""
    lease_renamed: bool = True
    """Who asks what became of a commit gives the lease another token: a commit that is still on
    its way cannot happen any more."""
    settled_by_writing: bool = True
    """And writes the row even if the lease is not his any more: what he has read is then on the standby."""
    given_back_by_writing: bool = True
    """Who gives a lease back writes the row even if it is not his: a taking that is under way
    cannot happen any more, or has happened."""
    deadline_checked: bool = True
    """A statement does nothing when it comes too late."""
    answered_when_replicated: bool = True
    """A commit is answered when the standby has it."""


class View(NamedTuple):
    holder: int | None = None
    """A life."""
    token: int = 0
    opening: int | None = None


class Life(NamedTuple):
    alive_until: int


class Committed(NamedTuple):
    """For the model's own books: what a session has deleted, under which token."""

    token: int
    messages: frozenset[int]


class Lease(NamedTuple):
    """What a session knows."""

    life: int
    token: int
    opening: int


def messages_of(rows: Rows) -> frozenset[int]:
    return frozenset(number for kind, number in rows if kind == "message")


def view_of(rows: Rows) -> View:
    view = rows[VIEW]
    assert isinstance(view, View)
    return view


def alive(rows: Rows, life: int | None, clock: int) -> bool:
    row = rows.get(("life", life)) if life is not None else None
    return isinstance(row, Life) and row.alive_until > clock


def begin(transaction: Transaction, clock: int, life: int) -> None:
    """``leases._BEGIN``"""
    transaction.put(("life", life), Life(clock + LEASE))


def renew(transaction: Transaction, clock: int, life: int) -> bool:
    """``leases._RENEW``; False: this life is over."""
    if not alive(transaction.rows, life, clock):
        return False
    transaction.put(("life", life), Life(clock + LEASE))
    return True


class Taken(NamedTuple):
    lease: Lease
    messages: frozenset[int]


def take(
    transaction: Transaction, clock: int, premises: Premises, life: int, opening: int, until: int
) -> Taken | None:
    """``opening._OPEN``; None: not now."""
    view = view_of(transaction.rows)
    held = alive(transaction.rows, view.holder, min(clock, transaction.began))
    if not premises.database_clock:
        held = alive(transaction.rows, view.holder, clock)
    too_late = premises.deadline_checked and clock >= until
    if held or too_late or not alive(transaction.rows, life, clock):
        return None
    lease = Lease(life, view.token + 1, opening)
    transaction.put(VIEW, View(*lease))
    return Taken(lease, messages_of(transaction.rows))


def give_back(transaction: Transaction, premises: Premises, opening: int) -> None:
    """``opening._GIVE_BACK``"""
    view = view_of(transaction.rows)
    if view.opening == opening:
        transaction.put(VIEW, View(None, view.token, None))
    elif premises.given_back_by_writing:
        transaction.put(VIEW, view)


def commit(
    transaction: Transaction,
    clock: int,
    premises: Premises,
    lease: Lease,
    messages: frozenset[int],
    until: int,
) -> bool | None:
    """``removing.Removal.alone``; False when the lock is lost, None when it is too late."""
    view = view_of(transaction.rows)
    if premises.deadline_checked and clock >= until:
        return None
    if view.holder != lease.life or (premises.token_checked and view.token != lease.token):
        return False
    if premises.alive_checked and not alive(transaction.rows, lease.life, clock):
        return False
    if premises.view_written:
        transaction.put(VIEW, view)
    for number in messages & messages_of(transaction.rows):
        transaction.remove(("message", number))
    transaction.put(("committed", lease.opening), Committed(lease.token, messages))
    return True


class Became(NamedTuple):
    gone: bool
    """All that was to be deleted is."""
    token: int | None
    """The lease's, from now on; None: it is not ours."""


def became(
    transaction: Transaction, premises: Premises, lease: Lease, messages: frozenset[int]
) -> Became:
    """``removing.Removal.became``"""
    view = view_of(transaction.rows)
    token = None
    if view.opening == lease.opening:
        token = view.token + premises.lease_renamed
    if token is not None:
        transaction.put(VIEW, view._replace(token=token))
    elif premises.settled_by_writing:
        transaction.put(VIEW, view)
    return Became(not messages & messages_of(transaction.rows), token)


def unlock(transaction: Transaction) -> None:
    """``admin``: an operator's."""
    view = view_of(transaction.rows)
    transaction.put(VIEW, View(None, view.token + 1, None))
