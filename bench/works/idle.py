"""Sessions that do nothing: what memory each takes."""

from __future__ import annotations

import contextlib

from bench.figures import Figure
from bench.peers.contract import Peer
from bench.works.common import connect, named

KILO = 1e3


def idle(peer: Peer, count: int, *, tls: bool = False) -> Figure:
    """Connections that have been greeted and say nothing: PSS for each."""
    with contextlib.ExitStack() as opened:
        for _ in range(20):  # what the first connections cost once is no connection's
            opened.enter_context(connect(peer, tls=tls))
        before = peer.account.pss_bytes()
        for _ in range(count):
            opened.enter_context(connect(peer, tls=tls))
        after = peer.account.pss_bytes()
    return Figure(
        named(f"{count:,} idle connections", tls=tls),
        peer.name,
        (after - before) / count / KILO,
        "kB",
    )
