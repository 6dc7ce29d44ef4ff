"""Whatever happens to nodes, database and object store: what was promised holds.

Each message that was answered with 250 is collected, or is still there; each deletion that was
confirmed holds, and what was refused was not done; no maildrop is open twice; nothing is left over.
When a trial fails, the folder of the test has the history, and the logs of all nodes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.app.run.haproxy import needs_haproxy
from tests.cluster.seaweedfs import SeaweedFs
from tests.cluster.trials import witness
from tests.cluster.trials.audit import audit
from tests.cluster.trials.clients import Clients
from tests.cluster.trials.cluster import LEASE_SECONDS, Cluster
from tests.cluster.trials.pair import Pair, pair
from tests.cluster.trials.programs import Programs
from tests.cluster.trials.tokens import check_tokens
from tests.cluster.trials.troubles import TROUBLES, Trial, happen
from tests.endurance import several_devices
from tests.endurance.ledger import Ledger

pytestmark = needs_haproxy

Tell = Callable[[str, object], None]


@pytest.fixture(scope="module")
def databases() -> Iterator[Pair]:
    with pair() as both:
        yield both


def stop(clients: Clients, programs: Programs | None) -> None:
    try:
        clients.join()
    finally:
        if programs:
            programs.join()


def run(
    cluster: Cluster,
    users: Sequence[str],
    names: Sequence[str],
    seed: int,
    *,
    programs_in: Path | None = None,
) -> tuple[Ledger, Clients, int]:
    """Have these troubles happen, one after the other, and hold the cluster to its promises.

    *programs_in*: a folder for programs of other people.
    """
    ledger = Ledger()
    with cluster:
        programs = Programs(cluster, programs_in) if programs_in else None
        clients = Clients(cluster, ledger, users, seed=seed)
        trial = Trial(cluster, ledger, clients, random.Random(seed))
        try:
            trial.goes_on()
            for name in names:
                happen(trial, name)
        finally:
            stop(clients, programs)
        with trial.trouble():
            for member in trial.all_nodes():  # nothing comes late any more
                cluster.sever(member)
        audit(cluster, ledger, [*users, witness.USER])
        if programs:
            programs.check()
        taken = check_tokens(cluster.log_lines(), trial.troubles, LEASE_SECONDS)
        assert cluster.orphans() == ([], [])
        checked = cluster.members[0].node.run("maildrop", "check")
        assert checked.stdout == "everything agrees\n", checked.stdout + checked.stderr
    return ledger, clients, taken


def test_each_trouble_once(
    databases: Pair, seaweedfs: SeaweedFs, tmp_path: Path, record_property: Tell
) -> None:
    users = [f"user{number}" for number in range(24)]
    cluster = Cluster(tmp_path, databases, seaweedfs, [*users, witness.USER, several_devices.USER])
    ledger, clients, taken = run(cluster, users, list(TROUBLES), seed=1)
    assert ledger.stored
    assert ledger.deleted
    record_property("measured", f"{taken} leases, {json.dumps(clients.told)}")


@pytest.mark.long
@pytest.mark.cluster
@pytest.mark.parametrize("seed", range(3))
def test_a_day_of_troubles(
    seed: int, databases: Pair, seaweedfs: SeaweedFs, tmp_path: Path, record_property: Tell
) -> None:
    if several_devices.missing():
        pytest.skip(f"not installed on this machine: {', '.join(several_devices.missing())}")
    users = [f"user{number}" for number in range(200)]
    names = random.Random(seed).choices(list(TROUBLES), k=40)
    cluster = Cluster(tmp_path, databases, seaweedfs, [*users, witness.USER, several_devices.USER])
    ledger, clients, taken = run(cluster, users, names, seed, programs_in=tmp_path)
    record_property(
        "measured",
        f"{len(names)} troubles, {ledger.stored} letters, {ledger.deleted} deleted, {taken} leases",
    )
    record_property("measured", json.dumps(clients.told))
