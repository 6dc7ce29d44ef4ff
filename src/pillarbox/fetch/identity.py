"""Which message is which, when the server's unique-ids cannot be trusted to say.

RFC 1939, section 7, wants a unique-id that no two messages of a maildrop share. Some
servers give the same one twice, none at all, or something as long as a letter. For such a
message an id is made from what it looks like: the hash of its header (TOP n 0) and its size.
Two messages that look the same are told apart by counting them in the order of the listing.

Such an id is good enough not to retrieve a message again. It is not good enough to delete
one: the plan never deletes by it.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pillarbox.fetch.stages import Listed

LONGEST = 1024
"""Octets of a unique-id. RFC 1939 allows 70 and some servers need more; beyond this the
journal would be a copy of the listing."""

_MADE = r"~[0-9a-f]{64}(?:\.[0-9]+)?"


def is_made(unique_id: str) -> bool:
    """Whether *unique_id* was made here, and nothing may be deleted on its word."""
    return unique_id.startswith("~") and re.fullmatch(_MADE, unique_id) is not None


def nameless(unique_ids: Mapping[int, str], numbers: Iterable[int]) -> list[int]:
    """Those of *numbers* that *unique_ids* (number: unique-id) does not name for certain."""
    uses = Counter(unique_ids.values())
    return [number for number in numbers if not _sound(unique_ids.get(number, ""), uses)]


def _sound(unique_id: str, uses: Counter[str]) -> bool:
    return 0 < len(unique_id) <= LONGEST and uses[unique_id] == 1 and not is_made(unique_id)


def made_id(header: bytes, octets: int | None) -> str:
    """The id of a message with this *header*, as TOP sends it, and this size."""
    # Some servers end the header with an empty line more or less from one TOP to the next.
    digest = hashlib.sha256(b"%d\n" % (-1 if octets is None else octets))
    digest.update(header.replace(b"\r\n", b"\n").rstrip(b"\n"))
    return f"~{digest.hexdigest()}"


def identified(
    sizes: Sequence[tuple[int, int | None]],
    unique_ids: Mapping[int, str],
    headers: Mapping[int, bytes],
) -> list[Listed]:
    """The listing, each message with an id of its own.

    *sizes* is the whole listing (number, octets) in the server's order; *headers* has those
    of all :func:`nameless` numbers. A nameless message without a header is left out: it
    cannot be told from others.
    """
    doubtful = set(nameless(unique_ids, (number for number, _ in sizes)))
    copies: Counter[str] = Counter()
    listing: list[Listed] = []
    for number, octets in sizes:
        if number not in doubtful:
            listing.append(Listed(number, unique_ids[number], octets))
        elif number in headers:
            made = made_id(headers[number], octets)
            copies[made] += 1
            ordinal = f".{copies[made]}" if copies[made] > 1 else ""
            listing.append(Listed(number, made + ordinal, octets))
    return listing
