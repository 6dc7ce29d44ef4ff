"""A draft as it lies on disk: ``draft.json``."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pillarbox.reader.errors import NotSendable, ReaderError
from pillarbox.reader.model import Draft, File, MessageKey

NAME = "draft.json"
MAX_TEXT = 2_000_000
"""Characters of what is typed, and of what is quoted: more than any book. What is longer goes as a file."""
_FORM = 1
"""Of the file: one that comes later and is not understood here is said, and left alone."""


class Damaged(ReaderError):
    """The file is no draft."""


def to_octets(draft: Draft) -> bytes:
    """*draft* as a file."""
    content = asdict(draft) | {"form": _FORM}
    content["changed"] = draft.changed.isoformat() if draft.changed else None
    return json.dumps(content, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")


def from_octets(octets: bytes) -> Draft:
    """Undo :func:`to_octets`.

    Raises:
        Damaged: it was not made by it.
    """
    try:
        content: dict[str, Any] = json.loads(octets.decode("utf-8", "surrogatepass"))
        if content.pop("form") != _FORM:
            raise Damaged("This draft was written by a later version of Pillarbox.")
        changed, answers, forwards = (content.pop(k) for k in ("changed", "answers", "forwards"))
        return Draft(
            files=tuple(File(**file) for file in content.pop("files")),
            references=tuple(content.pop("references")),
            unsure=tuple(content.pop("unsure", ())),
            changed=datetime.fromisoformat(changed) if changed else None,
            answers=MessageKey(answers) if answers else None,
            forwards=MessageKey(forwards) if forwards else None,
            **content,
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Damaged(f"This draft is damaged ({error}).") from error


def check_length(draft: Draft) -> None:
    """Raises NotSendable: it is longer than a draft can be."""
    for words, what in ((draft.text, "The text"), (draft.quote, "The quoted message")):
        if len(words) > MAX_TEXT:
            raise NotSendable(
                f"{what} is longer than {MAX_TEXT:,} characters. Attach it as a file instead."
            )
