"""How far a run has come, and what has stood in its way.

One malformed message must not keep all other mail of an account away. So a run remembers at
which message a session broke, and goes on without one that proves to be the reason:

* The server lost step (:class:`OutOfStep`): the next sessions are *careful*. Nothing is
  pipelined, and each message is proved to be whole before the next is asked for. If it was
  the pipelining, all is well now; if it happens again, the message at fault is known exactly.
* The connection broke or fell silent: once can be chance, and less is put at stake from then on
  (:attr:`Progress.stride`). A message at which that happens again may be at fault, or the
  pipelining of a server that loses what is sent ahead: so the next sessions are careful, too.
  A message at which it happens even then is passed over.

What is passed over stays on the server, untouched, for the next run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from pillarbox.client.errors import ClientError, OutOfStep
from pillarbox.fetch.events import Problem, Tell, Totals
from pillarbox.fetch.limits import BATCH_MESSAGES, DROPS_FORGIVEN, FRUITLESS_SESSIONS, SHORT_STRIDE
from pillarbox.fetch.plan import Decision


class Progress:
    """Of one run, over all its sessions."""

    def __init__(self) -> None:
        self.totals = Totals()
        self.careful = False
        """Nothing is sent ahead of a reply any more."""
        self.pipelining_was_bad = False
        """What failed with pipelining went well without, and no message was at fault."""
        self._at: Decision | None = None
        self._drops: Counter[str] = Counter()
        self._given_up: set[str] = set()
        self._gone: set[str] = set()
        self._shaken = False  # the connection has broken once
        self._at_fault = False  # a message broke a session, careful as it was
        self._listed = False  # this session has come as far as a listing
        self._stood = 0
        self._fruitless = 0

    def add(self, **figures: int) -> None:
        """Count."""
        self.totals += Totals(**figures)

    def at(self, decision: Decision | None) -> None:
        """The message that is being retrieved: if the session breaks now, it was there."""
        self._at = decision

    @property
    def stride(self) -> int:
        """How many messages are proved to be whole together: all that have not been are lost
        with the session.
        """
        if self.careful:
            return 1
        return SHORT_STRIDE if self._shaken else BATCH_MESSAGES

    def gone(self, unique_ids: Collection[str]) -> None:
        """The server has confirmed that messages are deleted."""
        self._gone.update(unique_ids)
        self.add(deleted=len(unique_ids))

    def still_wanted(self, decisions: Iterable[Decision]) -> list[Decision]:
        """Those that have neither been given up in this run, nor deleted: a server that goes on
        listing what it says is gone would keep it busy for ever.
        """
        done = self._given_up | self._gone
        return [d for d in decisions if d.message.unique_id not in done]

    def begin_session(self) -> None:
        """Another session begins."""
        self._at = None
        self._listed = False
        self._stood = self._done

    def listed(self) -> None:
        """The session has come as far as a listing."""
        self._listed = True

    def end_session(self) -> None:
        """A session has come to its end."""
        self.pipelining_was_bad = self.careful and not self._at_fault

    @property
    def got_further(self) -> bool:
        """Whether this session has brought anything."""
        return self._done > self._stood

    @property
    def _done(self) -> int:
        return self.totals.retrieved + self.totals.verified + self.totals.deleted

    def goes_on(self, error: ClientError, tell: Tell) -> bool:
        """Whether another session may get further than the one that *error* broke."""
        at, self._at = self._at, None
        self._shaken = True
        self._fruitless = 0 if self.got_further else self._fruitless + 1
        if self._fruitless > FRUITLESS_SESSIONS:
            return False
        if at is not None:
            self._drops[at.message.unique_id] += 1
        if not self.careful and self._was_it_the_pipelining(at, error):
            self.careful = True
            tell(Problem(f"{error}; trying again, one command at a time"))
            return True
        if at is not None:
            self._blame(at, error, tell)
            return True
        if self.got_further:
            tell(Problem(f"{error}; going on with the rest"))
        return self.got_further

    def _was_it_the_pipelining(self, at: Decision | None, error: ClientError) -> bool:
        """Whether it may have been."""
        if isinstance(error, OutOfStep):
            return True
        if at is None:
            return self._listed and not self.got_further
        return self._drops[at.message.unique_id] >= DROPS_FORGIVEN

    def _blame(self, decision: Decision, error: ClientError, tell: Tell) -> None:
        message = decision.message
        text = f"message {message.number}: {error}"
        if self.careful and (
            isinstance(error, OutOfStep) or self._drops[message.unique_id] >= DROPS_FORGIVEN
        ):
            self._at_fault = True
            self._given_up.add(message.unique_id)
            self.add(failed=1)
            tell(Problem(f"{text}; it is left on the server, the others are collected"))
        else:
            tell(Problem(f"{text}; trying again"))
