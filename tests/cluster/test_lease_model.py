"""No history of the lease in which two holders commit, whatever happens to nodes and network.

The model (:mod:`tests.cluster.model`) has the statements of the engine, and an adversary: hypothesis
decides what arrives when, who is frozen, whose clock is wrong, and when the standby takes over. To
show that it looks where mistakes would be, each premise of the proof is left out in turn: then it
finds a history that must not be.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.cluster.model.network import Stage
from tests.cluster.model.statements import LEASE, PATIENCE, Premises
from tests.cluster.model.world import Broken, Process, Session, World

MOVES = [
    *("open", "quit", "go on", "go on", "break", "time") * 3,
    *("lose", "hang up", "renew", "clock", "freeze", "wake", "wake", "mail", "unlock"),
    *("standby", "standby", "standby with another clock"),
]
"""As often as each is to be tried. (In one rule: hypothesis would choose among rules evenly.)"""

some = st.integers(0, 5)
"""Which of those that there are."""
far = st.sampled_from([5, 5, 5, 0, 1, 2, 3, 4])
"""How many steps a request makes at once."""


class Histories(RuleBasedStateMachine):
    premises = Premises()
    moves = MOVES

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.premises)
        self.network = self.world.network

    @rule(
        what=st.runner().flatmap(lambda self: st.sampled_from(self.moves)),
        which=some,
        far=far,
        then=far,
        breaks=st.booleans(),
    )
    def next(self, what: str, which: int, far: int, then: int, breaks: bool) -> None:
        process = self.world.processes[which % 2]
        idle = [each for each in self.world.sessions if each.idle]
        requests = self.network.requests
        match what:
            case "open" if not process.frozen:
                self._open(process, far, breaks=breaks and far < Stage.COMMITTED)
            case "quit" if idle:
                self._quit(idle[which % len(idle)], far, then, breaks=breaks)
            case "hang up" if idle:
                self.network.advance(self.world.hang_up(idle[which % len(idle)]), far)
            case "go on" if requests:
                self.network.advance(requests[which % len(requests)], far)
            case "break" if requests:
                self.network.give_up(requests[which % len(requests)])
            case "lose" if requests:
                self.network.lose(requests[which % len(requests)])
            case "renew" if process.life is not None and not process.frozen:
                self.network.advance(self.world.renew(process), far)
            case _:
                self._disturb(what, process, which)

    def _open(self, process: Process, far: int, *, breaks: bool) -> None:
        if process.life is not None:
            self.network.advance(self.world.renew(process), Stage.OVER)
        if process.life is None:
            self.world.begin_life(process)
        request = self.world.open(process)
        self.network.advance(request, far)
        if breaks:
            self.network.give_up(request)

    def _quit(self, session: Session, far: int, then: int, *, breaks: bool) -> None:
        messages = frozenset(sorted(session.messages)[: 1 + then // 2])
        if not messages:
            return
        request = self.world.quit(session, messages)
        self.network.advance(request, far)
        if breaks:
            self.network.give_up(request)
        for _ in range(2):  # what follows: settling, giving back
            if self.network.requests and self.network.requests[-1] is not request:
                self.network.advance(self.network.requests[-1], then)

    def _disturb(self, what: str, process: Process, which: int) -> None:
        world = self.world
        match what:
            case "time":
                world.database.clock += (PATIENCE, LEASE + 1, PATIENCE)[which // 2]
            case "clock":
                process.clock_error = (LEASE + 1, -LEASE - 1)[which // 3]
            case "freeze":
                process.frozen = True
            case "wake":
                for each in world.processes:
                    each.frozen = False
            case "mail":
                world.mail_arrives()
            case "unlock":
                self.network.advance(world.unlock(), 3 + which % 2)  # the standby has it, or not
            case "standby":
                world.standby_takes_over(which)
            case "standby with another clock":
                world.standby_takes_over(which, (10, -10)[which // 3])

    @invariant()
    def what_was_promised_holds(self) -> None:
        self.world.check()


def look_for(premises: Premises, examples: int, moves: list[str] = MOVES) -> None:
    class These(Histories):
        pass

    These.premises = premises
    These.moves = moves
    run_state_machine_as_test(
        These,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


class Mistake(NamedTuple):
    premises: Premises
    moves: list[str]
    """Those that it takes: with all of them the search would be longer."""
    what: str
    """What goes wrong."""


TAKEN_OVER = "after another one had taken over"
TOLD = "a client was told that nothing is deleted"
BACK = "came back"
MISTAKES = {
    "the token is not looked at": Mistake(
        Premises(token_checked=False), ["open", "quit", "unlock"], TAKEN_OVER
    ),
    "whether the process lives is not looked at": Mistake(
        Premises(alive_checked=False), ["open", "quit", "time"], "had lapsed has committed"
    ),
    "a commit only reads the view's row": Mistake(
        Premises(view_written=False),
        ["open", "quit", "go on", "time"],
        f"{TAKEN_OVER}|{TOLD}",
    ),
    "nodes look at their own clocks": Mistake(
        Premises(database_clock=False),
        ["open", "quit", "clock", "time"],
        "taken from a process that lives|had lapsed has committed",
    ),
    "a commit that is under way is not stopped before it is said that there was none": Mistake(
        Premises(lease_renamed=False), ["open", "quit", "go on"], TOLD
    ),
    "a statement takes effect however late it comes": Mistake(
        Premises(deadline_checked=False),
        ["open", "go on", "break", "time"],
        "a process that knows nothing of it",
    ),
    "a lease that is not held yet is given back without a trace": Mistake(
        Premises(given_back_by_writing=False),
        ["open", "go on", "break", "time"],
        "a process that knows nothing of it",
    ),
    "the standby lacks what was answered": Mistake(
        Premises(answered_when_replicated=False),
        ["open", "quit", "go on", "standby"],
        f"{BACK}|{TAKEN_OVER}|{TOLD}",
    ),
}


@pytest.mark.parametrize(
    "moves", [MOVES, *(each.moves for each in MISTAKES.values())], ids=",".join
)
def test_no_history_in_which_two_holders_commit(moves: list[str]) -> None:
    look_for(Premises(), 40, moves)


@pytest.mark.long
def test_no_such_history_in_a_long_search() -> None:
    for moves in [MOVES, *(each.moves for each in MISTAKES.values())]:
        look_for(Premises(), 3_000, moves)


@pytest.mark.long
@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_model_finds_what_goes_wrong_when(mistake: str) -> None:
    premises, moves, what = MISTAKES[mistake]
    with pytest.raises(Broken, match=what):
        look_for(premises, 5_000, moves)


@pytest.mark.parametrize("settled_by_writing", [True, False])
def test_what_was_only_seen_is_not_confirmed(settled_by_writing: bool) -> None:
    """A deletion whose answer was lost, and which the standby lacks; somebody else has the lease by
    then, so who asks what became of it has no reason to write. Once it has been answered, it stays.
    """
    world = World(Premises(settled_by_writing=settled_by_writing))
    network, (process, _) = world.network, world.processes
    world.begin_life(process)
    network.advance(world.open(process), Stage.OVER)
    (session,) = world.sessions
    deletion = world.quit(session, frozenset([0]))
    network.advance(deletion, Stage.RUN)
    assert deletion.stage is Stage.COMMITTED
    network.give_up(deletion)
    question = network.requests[-1]
    network.advance(world.unlock(), Stage.RUN)
    network.advance(question, Stage.OVER)
    assert session.told == "deleted"
    world.standby_takes_over(lost=2)
    if settled_by_writing:
        world.check()
    else:
        with pytest.raises(Broken, match="came back"):
            world.check()
