"""Afterwards: each maildrop is held against the books."""

from __future__ import annotations

import contextlib
import poplib
from collections.abc import Iterator, Sequence

from tests.cluster.trials.cluster import Cluster
from tests.endurance.ledger import Ledger
from tests.endurance.traffic import read_all
from tests.postoffice import PASSWORD, PATIENCE, Pop3, opened


def audit(cluster: Cluster, ledger: Ledger, users: Sequence[str]) -> None:
    """Hold every maildrop against the books, and empty it. Nobody else is at work, and all is well."""
    for user in users:
        with session(cluster, user) as client:
            listed = read_all(client)
            ledger.audit(user, listed)
            tags = [tag for _, tag in listed]
            for number in range(1, len(tags) + 1):
                client.dele(number)
            ledger.quitting(user, tags)
            client.quit()
        ledger.quit_answered(user, tags, removed=True)


@contextlib.contextmanager
def session(cluster: Cluster, user: str) -> Iterator[poplib.POP3]:
    """One that begins when the leases of all that were given up have lapsed."""
    while True:
        client = opened(Pop3, *cluster.doors["pop3"], timeout=PATIENCE)
        try:
            client.user(user)
            client.pass_(PASSWORD)
        except poplib.error_proto as error:
            client.close()
            if "[IN-USE]" not in str(error):
                raise
        else:
            break
    try:
        yield client
    finally:
        client.close()
