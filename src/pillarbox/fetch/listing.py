"""From what a server lists to messages that can be told apart in the next session, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pillarbox.client.errors import Refused
from pillarbox.client.mailbox import Mailbox
from pillarbox.fetch.identity import identified, nameless
from pillarbox.fetch.stages import Listed


class Listing(NamedTuple):
    """The messages of one session."""

    messages: Sequence[Listed]
    unknown: int
    """Messages that nothing can be done with: lines that make no sense, and messages with
    neither a unique-id of their own nor a header to go by."""


async def read_listing(box: Mailbox) -> Listing:
    """List the mailbox; where unique-ids fail, look at headers.

    Raises:
        ClientError: the server refuses to list, or the session ended.
    """
    scans, uidl = await box.listings()
    sizes: dict[int, int | None] = {}
    for number, octets in scans.entries:
        sizes.setdefault(number, octets or None)  # 0 is what a listing without sizes says
    unique_ids = dict(uidl.entries) if uidl is not None else {}
    listed = list(sizes.items())
    headers = await _headers(box, nameless(unique_ids, sizes))
    messages = identified(listed, unique_ids, headers)
    return Listing(messages, scans.junk + len(sizes) - len(messages))


async def _headers(box: Mailbox, numbers: Sequence[int]) -> dict[int, bytes]:
    headers = {}
    for number in numbers:
        try:
            headers[number] = await box.top(number)
        except Refused:  # no TOP, or not of this message: it is counted as unknown
            continue
    return headers
