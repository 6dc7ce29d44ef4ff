"""How far a run has come, and what has stood in its way.

One malformed message must not keep all other mail of an account away. So a run remembers at
which message a session broke, and goes on without one that proves to be the reason:

* The server lost step (:class:`OutOfStep`): the next sessions are *careful*. Nothing is
  pipelined, and each message is confirmed before the next is asked for. If it was the
  pipelining, all is well now; if it happens again, the message at fault is known exactly.
* The connection broke or fell silent: once can be chance. A message within which that
  happens again is passed over.

What is passed over stays on the server, untouched, for the next run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pillarbox.client.errors import ClientError, OutOfStep
from pillarbox.fetch.events import Problem, Tell, Totals
from pillarbox.fetch.limits import DROPS_FORGIVEN
from pillarbox.fetch.plan import Decision


class Progress:
    """Of one run, over all its sessions."""

    def __init__(self) -> None:
        self.totals = Totals()
        self.careful = False
        """Nothing is sent ahead of a reply any more."""
        self._at: Decision | None = None
        self._drops: Counter[str] = Counter()
        self._given_up: set[str] = set()
        self._at_fault = False  # a message has made the server lose step
        self._stood = 0

    def add(self, **figures: int) -> None:
        """Count."""
        self.totals += Totals(**figures)

    @contextmanager
    def at(self, decision: Decision) -> Iterator[None]:
        """The message that is being retrieved: if the session breaks now, it was there."""
        self._at = decision
        yield
        self._at = None

    def still_wanted(self, decisions: Iterable[Decision]) -> list[Decision]:
        """Those that have not been given up in this run."""
        return [d for d in decisions if d.message.unique_id not in self._given_up]

    def begin_session(self) -> None:
        """Another session begins."""
        self._at = None
        self._stood = self.totals.retrieved + self.totals.verified

    @property
    def got_further(self) -> bool:
        """Whether this session has brought anything."""
        return self.totals.retrieved + self.totals.verified > self._stood

    @property
    def pipelining_was_bad(self) -> bool:
        """Whether the server lost step, and no message was at fault."""
        return self.careful and not self._at_fault

    def goes_on(self, error: ClientError, tell: Tell) -> bool:
        """Whether another session may get further than the one that *error* broke."""
        at, self._at = self._at, None
        if isinstance(error, OutOfStep) and not self.careful:
            self.careful = True
            tell(Problem(f"{error}; trying again, one command at a time"))
            return True
        if at is not None:
            return self._blame(at, error, tell)
        if self.got_further:
            tell(Problem(f"{error}; going on with the rest"))
            return True
        return False

    def _blame(self, decision: Decision, error: ClientError, tell: Tell) -> bool:
        message = decision.message
        self._drops[message.unique_id] += 1
        text = f"message {message.number}: {error}"
        self._at_fault = self._at_fault or isinstance(error, OutOfStep)
        if isinstance(error, OutOfStep) or self._drops[message.unique_id] >= DROPS_FORGIVEN:
            self._given_up.add(message.unique_id)
            self.add(failed=1)
            tell(Problem(f"{text}; it is left on the server, the others are collected"))
        else:
            tell(Problem(f"{text}; trying again"))
        return True
