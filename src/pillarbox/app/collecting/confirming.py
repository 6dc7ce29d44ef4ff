"""A person is asked before mail goes that the rules before would have kept.

Whoever turns ``--keep`` off may not think of the ten thousand messages that were collected
in the years before. So a run holds them back; on a terminal it is shown what would go, and a
yes lets a second run delete it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from pillarbox.app.collecting.voice import Voice
from pillarbox.app.texts import counted
from pillarbox.fetch.account import Account
from pillarbox.fetch.errors import NotConfirmed
from pillarbox.fetch.plan import Decision

SHOWN = 3
"""Messages from the beginning that are shown, and as many from the end: enough to recognise
them, and the question stays on the screen."""


def there_is_somebody() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(account: Account, held: NotConfirmed, voice: Voice) -> bool:
    """Show what would go, and ask."""
    for line in described(account, held.held):
        voice.note(line)
    sys.stderr.write("Delete them on the server? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def described(account: Account, held: Sequence[Decision]) -> Iterator[str]:
    """What would go: how many, how large, the first and the last of them."""
    octets = sum(decision.message.octets or 0 for decision in held)
    yield (
        f"{account.name}: {counted(len(held), 'message')} ({counted(octets, 'octet')}) stored here "
        "earlier would be deleted on the server; the rules before kept them:"
    )
    left_out = len(held) - 2 * SHOWN
    if left_out <= 1:
        yield from map(_line, held)
        return
    yield from map(_line, held[:SHOWN])
    yield f"  … {left_out} more …"
    yield from map(_line, held[-SHOWN:])


def _line(decision: Decision) -> str:
    message = decision.message
    size = "size unknown" if message.octets is None else counted(message.octets, "octet")
    return f"  message {message.number}: {size}, unique-id {message.unique_id}"
