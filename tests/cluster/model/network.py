"""Requests to the database: each goes on step by step, and whoever asked may never hear of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, auto

from tests.cluster.model.database import Conflict, Database, Gone, Rows, Transaction


class Stage(IntEnum):
    """How far a request has come."""

    SENT = auto()
    BEGUN = auto()
    RUN = auto()
    COMMITTED = auto()
    ANSWERED = auto()
    OVER = auto()


class Unknown:
    """The answer of a request that has none."""


UNKNOWN = Unknown()
Work = Callable[[Transaction, int], object]
"""Of a transaction, and what it takes for the time."""


@dataclass(eq=False)
class Node:
    """A machine, with one process."""

    frozen: bool = False
    clock_error: int = 0
    """Seconds."""


@dataclass(eq=False)
class Request:
    """A transaction on its way. *hear* is called once: with the answer, or when the node gives up."""

    node: Node
    work: Work
    hear: Callable[[object], None]
    opening: int | None
    """What it may take or give back."""
    stage: Stage = Stage.SENT
    waited_for: bool = True
    transaction: Transaction | None = None
    position: int = 0
    answer: object = UNKNOWN


@dataclass
class Network:
    """Between the nodes and the database."""

    database: Database
    node_clocks: bool
    """Whether statements take the node's clock for the time."""
    replicating: bool
    """Whether answers wait for the standby."""
    effect: Callable[[Rows, Rows], None]
    """Called with the rows before and after each commit."""
    requests: list[Request] = field(default_factory=list)

    def send(
        self, node: Node, work: Work, hear: Callable[[object], None], opening: int | None = None
    ) -> Request:
        request = Request(node, work, hear, opening)
        self.requests.append(request)
        return request

    def at_once(self, work: Callable[[Transaction], None]) -> None:
        """A transaction of somebody whom nothing disturbs."""
        transaction = self.database.begin()
        work(transaction)
        self.database.replicate(transaction.commit())

    def advance(self, request: Request, steps: int) -> None:
        for _ in range(steps):
            self._step(request)
        self.requests = [each for each in self.requests if each.stage is not Stage.OVER]

    def _step(self, request: Request) -> None:
        match request.stage:
            case Stage.SENT:
                request.transaction = self.database.begin()
                request.stage = Stage.BEGUN
            case Stage.BEGUN:
                assert request.transaction is not None
                clock = self.database.clock + self.node_clocks * request.node.clock_error
                request.answer = request.work(request.transaction, clock)
                request.stage = Stage.RUN
            case Stage.RUN:
                self._commit(request)
            case Stage.COMMITTED:
                if self.replicating:
                    self.database.replicate(request.position)
                request.stage = Stage.ANSWERED
            case Stage.ANSWERED if not (request.waited_for and request.node.frozen):
                request.stage = Stage.OVER
                if request.waited_for:
                    request.waited_for = False
                    request.hear(request.answer)

    def _commit(self, request: Request) -> None:
        assert request.transaction is not None
        before = self.database.rows
        try:
            request.position = request.transaction.commit()
        except Conflict:  # who still waits begins again
            request.stage = Stage.SENT if request.waited_for else Stage.OVER
        except Gone:
            self._broken_off(request)
        else:
            request.stage = Stage.COMMITTED
            self.effect(before, self.database.rows)

    def _broken_off(self, request: Request) -> None:
        """It has not happened, and nobody is told."""
        request.answer = UNKNOWN
        request.stage = Stage.ANSWERED

    def give_up(self, request: Request) -> None:
        """The node takes the connection for lost; the request goes on."""
        if request.waited_for and not request.node.frozen:
            request.waited_for = False
            request.hear(UNKNOWN)

    def lose(self, request: Request) -> None:
        """It never arrives."""
        if request.stage is Stage.SENT:
            self._broken_off(request)

    def fail_over(self, lost: int) -> None:
        self.database.fail_over(lost, acknowledged_too=not self.replicating)
        for request in self.requests:
            if Stage.SENT < request.stage < Stage.ANSWERED:
                self._broken_off(request)
