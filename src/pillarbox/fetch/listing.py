"""From what a server lists to messages that can be told apart in the next session, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pillarbox.client.errors import Refused, TooLarge
from pillarbox.client.mailbox import Mailbox
from pillarbox.fetch.identity import identified, nameless
from pillarbox.fetch.stages import Listed
from pillarbox.wire.listings import UniqueId
from pillarbox.wire.verbs import Verb


class Listing(NamedTuple):
    """The messages of one session."""

    messages: Sequence[Listed]
    unknown: int
    """Messages that nothing can be done with: lines that make no sense, and messages with
    neither a unique-id of their own nor a header to go by."""


async def read_listing(box: Mailbox, *, has_unique_ids: bool) -> Listing:
    """List the mailbox; where unique-ids fail, look at headers.

    *has_unique_ids*: the server is known to have them. Then that it has none today is a failure:
    by other ids all of its mail would be new.

    Raises:
        ClientError: the server refuses to list, or the session ended.
    """
    scans, uidl = await box.listings()
    if uidl is None and has_unique_ids:
        raise Refused(Verb.UIDL, None, "")
    sizes: dict[int, int | None] = {}
    for number, octets in scans.entries:
        sizes.setdefault(number, octets or None)  # 0 is what a listing without sizes says
    unique_ids = _unambiguous(uidl.entries) if uidl is not None else {}
    listed = list(sizes.items())
    headers = await _headers(box, nameless(unique_ids, sizes))
    messages = identified(listed, unique_ids, headers)
    return Listing(messages, scans.junk + len(sizes) - len(messages))


def _unambiguous(entries: Sequence[UniqueId]) -> dict[int, str]:
    """By message-number; none for a message that is listed with two of them."""
    unique_ids: dict[int, str] = {}
    for number, unique_id in entries:
        first = unique_ids.setdefault(number, unique_id)
        if unique_id != first:
            unique_ids[number] = ""
    return unique_ids


async def _headers(box: Mailbox, numbers: Sequence[int]) -> dict[int, bytes]:
    headers = {}
    for number in numbers:
        try:
            headers[number] = await box.top(number)
        except (Refused, TooLarge):  # no TOP, or not of this message: it is counted as unknown
            continue
    return headers
