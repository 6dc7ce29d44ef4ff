"""Messages that are here already under another id.

A server that gives a unique-id one day and none the next, or the same one to two messages until
one of them is gone, makes a message known under an id of our own making, too
(:mod:`pillarbox.fetch.identity`). It is retrieved once more, since nobody can know. Then its
digest tells that it is here.

Only where one of the two ids was made here: two messages with unique-ids of their own are two,
even if they are the same to the last octet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from pillarbox.fetch.identity import is_made


class Twins:
    """The stored messages that a listing does not name. Each can be claimed once."""

    def __init__(self, stored: Mapping[str, bytes], listed: Collection[str]) -> None:
        """*stored*: digests by unique-id; *listed*: the unique-ids of the listing."""
        self._made: defaultdict[bytes, list[str]] = defaultdict(list)
        self._given: defaultdict[bytes, list[str]] = defaultdict(list)
        for unique_id, digest in stored.items():
            if unique_id not in listed:
                (self._made if is_made(unique_id) else self._given)[digest].append(unique_id)

    def claim(self, unique_id: str, digest: bytes) -> str | None:
        """The id under which the message, new by this *unique_id*, is here; None: it is not."""
        candidates = self._made.get(digest)
        if not candidates and is_made(unique_id):
            candidates = self._given.get(digest)
        return candidates.pop() if candidates else None


NO_TWINS = Twins({}, ())
"""Of a listing in which nothing is new."""
