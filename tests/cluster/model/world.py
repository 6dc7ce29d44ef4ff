"""Nodes and their sessions, as the engine has them; and books of what clients were told."""

from __future__ import annotations

from dataclasses import dataclass

from tests.cluster.model import statements
from tests.cluster.model.database import Database, Rows, Transaction
from tests.cluster.model.network import UNKNOWN, Network, Node, Request
from tests.cluster.model.statements import (
    PATIENCE,
    VIEW,
    Became,
    Committed,
    Lease,
    Premises,
    Taken,
    View,
    messages_of,
    view_of,
)


class Broken(AssertionError):
    """A history that must not be."""


@dataclass(eq=False)
class Process(Node):
    """One life after the other."""

    life: int | None = None


@dataclass(eq=False)
class Session:
    process: Process
    lease: Lease
    first_token: int
    messages: frozenset[int]
    told: str = ""
    """What the client has heard of its QUIT: "deleted", "kept", "no answer"; or what goes on."""

    @property
    def idle(self) -> bool:
        return not self.told and not self.process.frozen


class World:
    def __init__(self, premises: Premises) -> None:
        self.premises = premises
        rows: Rows = {VIEW: View(), **{("message", number): True for number in range(3)}}
        self.database = Database([rows])
        self.network = Network(
            self.database,
            not premises.database_clock,
            premises.answered_when_replicated,
            self._check_effect,
        )
        self.processes = [Process(), Process()]
        self.sessions: list[Session] = []
        self.deleted: set[int] = set()
        """Messages of which a client was told that they are."""
        self.newest = 0
        """The highest token under which a client was let in."""
        self.promises_of_release = True
        """Whether a lease that nobody uses may not last. It may, until an operator unlocks it, when
        the database's clock was set back."""
        self._lives = self._openings = 0
        self._given_back_at = 0
        self._arrived = len(messages_of(rows))

    # -- what happens at once ----------------------------------------------------------------

    def mail_arrives(self) -> None:
        number = self._arrived
        self._arrived += 1
        self.network.at_once(lambda tx: tx.put(("message", number), True))

    def unlock(self) -> Request:
        """By an operator, whom nothing troubles."""
        return self.network.send(Node(), lambda tx, _: statements.unlock(tx), lambda _: None)

    def begin_life(self, process: Process) -> None:
        self._lives += 1
        life = process.life = self._lives
        self.network.at_once(lambda tx: statements.begin(tx, self.database.clock, life))

    def standby_takes_over(self, lost: int, moved: int = 0) -> None:
        """Its clock may be another."""
        self.database.clock += moved
        self.network.fail_over(lost)
        self.promises_of_release &= not moved

    # -- what processes do -------------------------------------------------------------------

    def renew(self, process: Process) -> Request:
        life = process.life
        assert life is not None

        def heard(answer: object) -> None:
            if answer is False and process.life == life:
                process.life = None

        return self.network.send(
            process, lambda tx, clock: statements.renew(tx, clock, life), heard
        )

    def open(self, process: Process) -> Request:
        life = process.life
        assert life is not None
        self._openings += 1
        opening, until = self._openings, self.database.clock + PATIENCE

        def work(transaction: Transaction, clock: int) -> object:
            holder = view_of(transaction.rows).holder
            lives = statements.alive(transaction.rows, holder, self.database.clock)
            taken = statements.take(transaction, clock, self.premises, life, opening, until)
            if taken and lives:
                raise Broken("a lease was taken from a process that lives")
            return taken

        def heard(answer: object) -> None:
            if isinstance(answer, Taken):
                self.newest = max(self.newest, answer.lease.token)
                session = Session(process, answer.lease, answer.lease.token, answer.messages)
                self.sessions.append(session)
            elif answer is UNKNOWN:
                self._give_back(process, opening, until)

        return self.network.send(process, work, heard, opening)

    def _give_back(self, process: Process, opening: int, until: int = 0) -> Request:
        """Until it is certain: ``parts.give_back``."""

        def heard(answer: object) -> None:
            if answer is UNKNOWN or self._given_back_at < until:
                self._give_back(process, opening, until)

        def work(transaction: Transaction, _: int) -> None:
            self._given_back_at = self.database.clock
            statements.give_back(transaction, self.premises, opening)

        return self.network.send(process, work, heard, opening)

    def quit(self, session: Session, messages: frozenset[int]) -> Request:
        """QUIT: deletes *messages*."""
        session.told = "being asked"
        lease, until = session.lease, self.database.clock + PATIENCE

        def work(transaction: Transaction, clock: int) -> object:
            lives = statements.alive(transaction.rows, lease.life, self.database.clock)
            done = statements.commit(transaction, clock, self.premises, lease, messages, until)
            if done and not lives:
                raise Broken("a process that had lapsed has committed")
            return done

        def heard(answer: object) -> None:
            if answer is UNKNOWN:
                self._settle(session, messages, until)
            else:
                self._tell(session, "deleted" if answer else "kept", messages)

        return self.network.send(session.process, work, heard, lease.opening)

    def _settle(self, session: Session, messages: frozenset[int], until: int) -> None:
        """``maildrop._became``: a commit has not been answered."""
        lease = session.lease

        def heard(answer: object) -> None:
            if isinstance(answer, Became):
                if answer.gone:
                    self._tell(session, "deleted", messages)
                elif answer.token is None:
                    self._tell(session, "kept", messages)
                else:  # it has not happened, and will not: once more, under the new token
                    session.lease = lease._replace(token=answer.token)
                    if self.premises.lease_renamed:
                        self.quit(session, messages)
                    else:
                        self._tell(session, "kept", messages)
            elif self.database.clock < until:
                self._settle(session, messages, until)
            else:
                session.told = "no answer"
                self._give_back(session.process, lease.opening)

        self.network.send(
            session.process,
            lambda tx, _: statements.became(tx, self.premises, lease, messages),
            heard,
            lease.opening,
        )

    def hang_up(self, session: Session) -> Request:
        """The session ends without QUIT."""
        session.told = "nothing"
        return self._give_back(session.process, session.lease.opening)

    # -- the books ---------------------------------------------------------------------------

    def _tell(self, session: Session, what: str, messages: frozenset[int]) -> None:
        session.told = what
        if what == "deleted":
            self.deleted |= messages
        elif ("committed", session.lease.opening) in self.database.rows:
            raise Broken("a client was told that nothing is deleted, and it was")
        self._give_back(session.process, session.lease.opening)

    def _check_effect(self, before: Rows, after: Rows) -> None:
        for kind, opening in after.keys() - before.keys():
            if kind == "committed":
                self._check_commit(before, opening, after[kind, opening])

    def _check_commit(self, before: Rows, opening: int, committed: object) -> None:
        assert isinstance(committed, Committed)
        (session,) = [each for each in self.sessions if each.lease.opening == opening]
        if committed.token < view_of(before).token or session.first_token < self.newest:
            raise Broken("a session has committed after another one had taken over")
        if session.told == "kept":
            raise Broken("deleted after a client was told that nothing is deleted")
        if not committed.messages <= messages_of(before):
            raise Broken("what was gone has been deleted once more")

    def check(self) -> None:
        """At any moment."""
        rows = self.database.rows
        if back := self.deleted & messages_of(rows):
            raise Broken(f"deleted, and a client was told so: {sorted(back)} came back")
        view = view_of(rows)
        known = {each.opening for each in self.network.requests}
        known |= {each.lease.opening for each in self.sessions if not each.told}
        if (
            statements.alive(rows, view.holder, self.database.clock)
            and view.opening not in known
            and self.promises_of_release
        ):
            raise Broken("a lease is held by a process that knows nothing of it")
