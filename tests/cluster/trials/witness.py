"""A session on a node in trouble, which says QUIT when somebody else already has the maildrop."""

from __future__ import annotations

import poplib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.cluster.trials.audit import session
from tests.cluster.trials.cluster import Cluster, Member
from tests.endurance.ledger import Ledger
from tests.endurance.letters import letter
from tests.endurance.traffic import read_all
from tests.postoffice import HOST, PASSWORD, PATIENCE, Pop3, opened

USER = "witness"
LETTERS = 3


class _AtTheNode(Pop3):
    """Comes to a node as its balancer does."""

    def _create_socket(self, timeout: Any) -> Any:
        created = super()._create_socket(timeout)  # type: ignore[misc]
        created.sendall(f"PROXY TCP4 {HOST} {HOST} 1 2\r\n".encode())
        return created


class Witness:
    """Has marked all letters that it has, and not said QUIT yet."""

    def __init__(self, cluster: Cluster, ledger: Ledger, member: Member, number: int) -> None:
        self._cluster = cluster
        self._ledger = ledger
        for place in range(LETTERS):
            tag = f"w{number}.{place}"
            ledger.sending(tag, [USER])
            member.node.deliver(letter(tag, 200), USER)
            ledger.answered(tag, USER, stored=True)
        self._client = opened(_AtTheNode, HOST, member.ports["pop3"], timeout=PATIENCE)
        self._client.user(USER)
        self._client.pass_(PASSWORD)
        self._listed = read_all(self._client)
        ledger.seen(USER, self._listed)
        for place in range(1, len(self._listed) + 1):
            self._client.dele(place)

    def says_quit(self) -> None:
        """To a node that cannot answer now."""
        self._client._putcmd("QUIT")  # type: ignore[attr-defined] # not in the stubs

    @contextmanager
    def others_have_it(self) -> Iterator[None]:
        """Somebody else opens the maildrop; meanwhile the node recovers. Its deletion does not count."""
        with session(self._cluster, USER) as other:
            yield
            try:
                said = self._client._getresp()  # type: ignore[attr-defined]
            except (poplib.error_proto, OSError) as error:
                self._cluster.history.tell(f"the witness was refused: {error}")
            else:
                raise AssertionError(f"deleted by a node that had lost the lease: {said}")
            finally:
                self._client.close()
            assert read_all(other) == self._listed
            self._ledger.seen(USER, self._listed)
            other.dele(1)
            self._ledger.quitting(USER, [self._listed[0][1]])
            other.quit()
            self._ledger.quit_answered(USER, [self._listed[0][1]], removed=True)
