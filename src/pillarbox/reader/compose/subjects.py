"""Subjects of answers: ``Re:`` once, in whatever language it was put before."""

from __future__ import annotations

import re

_ANSWER = re.compile(
    r"\s*(?:re|aw|antw|antwort|sv|vs|odp|rif|res|ynt|bls|atb|回复|回覆|答复|答覆|返信)\s*(?:\[\d+\]|\(\d+\)|\^\d+)?\s*[:\uff1a]",
    re.IGNORECASE,
)
_FORWARD = re.compile(r"\s*(?:fwd?|wg|tr|rv|vl|doorst|转发|轉寄)\s*[:\uff1a]", re.IGNORECASE)
MAX_SUBJECT = 990
"""Characters. More than a line may hold is no subject (RFC 5322, section 2.1.1)."""


def answering(subject: str) -> str:
    """That of an answer."""
    while found := _ANSWER.match(subject):
        subject = subject[found.end() :]
    return f"Re: {subject.strip()}"[:MAX_SUBJECT]


def forwarding(subject: str) -> str:
    """That of a forwarded message."""
    while found := _FORWARD.match(subject):
        subject = subject[found.end() :]
    return f"Fwd: {subject.strip()}"[:MAX_SUBJECT]
