"""Whether a draft can be sent, and what its writer may have forgotten. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from pillarbox.reader.compose.addresses import (
    MAX_RECIPIENTS,
    BadAddress,
    Recipient,
    as_typed,
)
from pillarbox.reader.compose.flowed import lines_of
from pillarbox.reader.compose.message import Recipients
from pillarbox.reader.compose.quoting import FORWARDED
from pillarbox.reader.compose.recipients import recipients_in
from pillarbox.reader.compose.signatures import split_signature
from pillarbox.reader.errors import WrongFields
from pillarbox.reader.model import Draft

_ATTACHED = re.compile(
    r"\b(?:attach(?:ed|ment|ments|ing)?|enclosed|enclosure|angehängt|anhang|anbei|beigefügt|"
    r"ci-joint|ci-jointe?s?|pi[eè]ces? jointes?|adjunt[oa]s?|allegat[oi]|bijlagen?|bifogad\w*|vedlagt|załącz\w+)\b",
    re.IGNORECASE,
)

_NAMED = 3
"""Addresses that a question names."""


def recipients_of(draft: Draft) -> Recipients:
    """Nobody is in two fields: To comes before Cc, Cc before Bcc.

    Raises:
        WrongFields: what is typed there is no address, or there is nobody.
    """
    wrong: dict[str, str] = {}
    seen: set[str] = set()
    found: dict[str, list[Recipient]] = {}
    for field, typed in (("to", draft.to), ("cc", draft.cc), ("bcc", draft.bcc)):
        try:
            people = [one for one in recipients_in(typed) if one.key not in seen]
        except BadAddress as error:
            wrong[field] = str(error)
            continue
        seen |= {one.key for one in people}
        found[field] = people
    if not wrong and not seen:
        wrong["to"] = "Nobody is named here. Say whom the message is for."
    if len(seen) > MAX_RECIPIENTS:
        wrong["to"] = f"These are {len(seen):,} recipients; a message takes {MAX_RECIPIENTS:,}."
    if wrong:
        raise WrongFields(wrong)
    return Recipients(found["to"], found["cc"], found["bcc"])


def only_to(draft: Draft, addresses: Collection[str]) -> Draft:
    """*draft* with those of its recipients that are among *addresses*; unchanged if all are."""
    left = {address.casefold() for address in addresses}
    return replace(
        draft,
        to=_kept(draft.to, left),
        cc=_kept(draft.cc, left),
        bcc=_kept(draft.bcc, left),
    )


def _kept(typed: str, left: Collection[str]) -> str:
    """What is *left* of a field, as it was typed if that is all."""
    try:
        people = recipients_in(typed)
    except BadAddress:  # it was never sent so
        return typed
    kept = [one for one in people if one.key in left]
    return typed if kept == people else as_typed(kept)


def doubts_about(draft: Draft) -> list[str]:
    """Questions; none is a reason not to send."""
    doubts: list[str] = []
    if not draft.subject.strip():
        doubts.append("The message has no subject. Send it without one?")
    if not any(not (draft.quoted and file.content_id) for file in draft.files) and _ATTACHED.search(
        _own_words(draft)
    ):
        doubts.append("The text speaks of an attachment, and none is there. Send it without one?")
    if not draft.quoted and not draft.files and not _own_words(draft).strip():
        doubts.append("The message is empty. Send it all the same?")
    return doubts


def reached_already(draft: Draft, recipients: Recipients) -> list[str]:
    """Whether *draft* goes to somebody who may have got it before: a question, as those of :func:`doubts_about`."""
    before = {address.casefold() for address in draft.unsure}
    twice = [address for address in recipients.addresses if address.casefold() in before]
    if not twice:
        return []
    question = (
        f"This may have reached {_listed(twice)} already: it was handed over before, and the server's answer was lost. "
        "Send it all the same?"
    )
    return [question]


def _listed(addresses: Sequence[str]) -> str:
    """The first few, and how many more."""
    more = len(addresses) - _NAMED
    return ", ".join(addresses[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _own_words(draft: Draft) -> str:
    """What the user has typed, without quotes and signature."""
    words, _ = split_signature(draft.text.partition(FORWARDED)[0])
    return "\n".join(line.text for line in lines_of(words) if not line.depth)
