"""Deliveries by LMTP: 250 means that the message is on the disk."""

from __future__ import annotations

import threading

from bench.figures import Figure, Stopwatch
from bench.lmtp import Lmtp
from bench.peers.contract import DOMAIN, Peer, message
from bench.works.mail import RECEIVERS, SMALL


def deliveries(peer: Peer, rounds: int, *, connections: int = 1, recipients: int = 1) -> Figure:
    """Messages of 5 kB, as many connections at once, each message for so many recipients."""
    assert peer.lmtp is not None
    port, text = peer.lmtp, message(SMALL)
    each = max(rounds // connections, 1)
    failures: list[BaseException] = []

    def deliver(number: int) -> None:
        try:
            with Lmtp(port) as lmtp:
                for turn in range(each):
                    first = (number + turn) % len(RECEIVERS)
                    names = [RECEIVERS[(first + n) % len(RECEIVERS)] for n in range(recipients)]
                    lmtp.deliver(f"a@{DOMAIN}", [peer.address(name) for name in names], text)
        except BaseException as error:  # noqa: BLE001 -- for the thread that waits
            failures.append(error)

    threads = [threading.Thread(target=deliver, args=(n,)) for n in range(connections)]
    watch = Stopwatch(peer)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    name = f"LMTP, {connections} connection{'s' if connections > 1 else ''}"
    if recipients > 1:
        name += f", {recipients} recipients, each"
    return watch.figure(name, each * connections * recipients)
