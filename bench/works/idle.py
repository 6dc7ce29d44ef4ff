"""Sessions that do nothing: what memory each takes."""

from __future__ import annotations

import contextlib

from bench.figures import KILO, Figure
from bench.peers.contract import Peer
from bench.works.common import named, sign_in
from bench.works.mail import idlers

_FIRST = 8
"""Sessions before it counts: what the first ones cost once is no session's."""


def idle(peer: Peer, *, tls: bool = False) -> Figure:
    """Sessions that have signed in to an empty maildrop and say nothing: PSS for each."""
    users = idlers(peer.users)
    with contextlib.ExitStack() as opened:
        for user in users[:_FIRST]:
            opened.enter_context(sign_in(peer, user, tls=tls))
        before = peer.account.pss_bytes()
        for user in users[_FIRST:]:
            opened.enter_context(sign_in(peer, user, tls=tls))
        after = peer.account.pss_bytes()
    count = len(users) - _FIRST
    return Figure(
        named(f"{count:,} idle sessions", tls=tls), peer.name, (after - before) / count / KILO, "kB"
    )
