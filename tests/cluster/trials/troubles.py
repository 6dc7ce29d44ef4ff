"""What is done to a cluster. Each trouble is over when its function returns, and all is well again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count

from tests.cluster.trials.clients import Clients
from tests.cluster.trials.cluster import Cluster, Member
from tests.cluster.trials.tokens import Trouble
from tests.cluster.trials.witness import Witness
from tests.endurance.ledger import Ledger
from tests.postoffice import PATIENCE


class Trial:
    """A cluster at work, and what is known of it."""

    def __init__(
        self, cluster: Cluster, ledger: Ledger, clients: Clients, dice: random.Random
    ) -> None:
        self.cluster = cluster
        self.ledger = ledger
        self.clients = clients
        self.dice = dice
        self.troubles: list[Trouble] = []
        """What nodes have been through."""
        self._troubled: set[int] = set()
        """The places of those that are in trouble."""
        self._witnesses = count(1)

    def some_node(self) -> Member:
        place = self.dice.randrange(len(self.cluster.members))
        self._troubled.add(place)
        return self.cluster.members[place]

    def all_nodes(self) -> list[Member]:
        self._troubled.update(range(len(self.cluster.members)))
        return self.cluster.members

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """Nodes that are got meanwhile are in trouble, until all is well again."""
        since = time.time()
        self._troubled.clear()
        yield
        self.cluster.wait_until_ready()
        until = time.time()
        self.troubles += [Trouble(place, since, until) for place in self._troubled]

    def witness(self, member: Member) -> Witness:
        return Witness(self.cluster, self.ledger, member, next(self._witnesses))

    def goes_on(self, answers: int = 30) -> None:
        """Clients have got so many more answers."""
        self.ledger.wait_for(answers, PATIENCE)
        self.clients.check()

    def leases_lapse(self, processes: Sequence[int]) -> None:
        """Others can open what these have locked."""
        while self.cluster.any_alive(processes):
            self.clients.pause()


def kill(trial: Trial) -> None:
    """A node dies, and is started again when its leases have lapsed."""
    member = trial.some_node()
    processes = member.node.workers()
    member.kill()
    trial.goes_on()
    trial.leases_lapse(processes)
    trial.goes_on()
    member.node.start()


def freeze(trial: Trial) -> None:
    """A node stands still for longer than a lease, and goes on as if nothing had happened."""
    member = trial.some_node()
    witness = trial.witness(member)
    member.freeze()
    witness.says_quit()
    trial.leases_lapse(member.node.workers())
    trial.goes_on()
    with witness.others_have_it():
        member.wake()


def cut_off(trial: Trial) -> None:
    """A node is cut off from the database for longer than a lease. What was on its way arrives late."""
    member = trial.some_node()
    witness = trial.witness(member)
    trial.cluster.cut(member)
    witness.says_quit()
    trial.leases_lapse(member.node.workers())
    trial.goes_on()
    with witness.others_have_it():
        trial.cluster.mend(member)


def sever(trial: Trial) -> None:
    """A node's connections to the database break off, with what was on its way."""
    member = trial.some_node()
    trial.cluster.cut(member)
    trial.goes_on(10)
    trial.cluster.sever(member)
    trial.cluster.mend(member)


def restart_database(trial: Trial) -> None:
    """All sessions of the database end; in good order, or as in a crash."""
    trial.all_nodes()
    trial.cluster.databases.restart(trial.dice.choice(["fast", "immediate"]))


def fail_over(trial: Trial) -> None:
    """The database's machine is lost, and its standby takes over."""
    trial.all_nodes()
    trial.cluster.databases.fail_over()
    trial.goes_on()
    trial.cluster.databases.complete()


def lose_a_volume(trial: Trial) -> None:
    """A volume server dies. Bodies have a copy elsewhere."""
    volume = trial.dice.choice(trial.cluster.objects.volumes)
    with volume.gone():
        trial.goes_on()


def lose_the_object_store(trial: Trial) -> None:
    """Its gateway dies: small mail comes and goes."""
    with trial.cluster.objects.gateway.gone(), trial.clients.mail_piles_up():
        trial.goes_on(10)


TROUBLES: dict[str, Callable[[Trial], None]] = {
    each.__name__.replace("_", " "): each
    for each in (
        kill,
        freeze,
        cut_off,
        sever,
        restart_database,
        fail_over,
        lose_a_volume,
        lose_the_object_store,
    )
}


def happen(trial: Trial, name: str) -> None:
    """A trouble, from beginning to end."""
    trial.cluster.history.tell(f"TROUBLE: {name}")
    with trial.trouble():
        TROUBLES[name](trial)
    trial.cluster.history.tell(f"over: {name}")
    trial.goes_on()
