"""Listings of many messages, remembered like short ones (:mod:`.listings`), in a place of their own.

Who leaves all mail on the server has its whole listing sent at each poll, and of a hundred thousand
messages that is 20 ms of work and 2.5 MB. They would push thousands of small maildrops out of
the memory for short replies.

Such a listing is remembered when it has been sent to its end. Meanwhile its pages are held; and
as a client may be as slow as it likes, few are held at once. Who comes in between gets a listing
that nobody remembers.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Hashable

from pillarbox.server.listings import Listings

REMEMBERED_OCTETS = 16 * 1024 * 1024
"""Of one process: the unique-ids of six maildrops of 100,000 messages."""
LONGEST = 8 * 1024 * 1024
"""Octets of the longest that is remembered: of 300,000 messages or so."""
MOST_HELD = 2
"""Listings whose pages are held while they are sent for the first time, at most so long each."""
PIECE = 128 * 1024
"""Octets that are sent at once, as much as may wait for a client that reads slowly."""


class LongListings(Listings):
    """The long listings of one process."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        super().__init__(REMEMBERED_OCTETS, LONGEST)
        self._held = 0

    async def again(self, listing: bytes) -> AsyncGenerator[bytes, None]:
        """A remembered one, piece by piece."""
        for start in range(0, len(listing), PIECE):
            yield listing[start : start + PIECE]

    async def first(
        self, whose: Hashable, key: Hashable, pages: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[bytes, None]:
        """The *pages* of one, which is remembered at the end if that can be."""
        held: list[bytes] | None = [] if self._held < MOST_HELD else None
        octets = 0
        self._held += held is not None
        try:
            async for page in pages:
                octets += len(page)
                if held is not None:
                    held.append(page)
                    if octets > LONGEST:
                        held.clear()  # nobody will want them
                yield page
        finally:
            self._held -= held is not None
            await pages.aclose()
        if held and octets <= LONGEST:
            self.remember(whose, key, b"".join(held))
