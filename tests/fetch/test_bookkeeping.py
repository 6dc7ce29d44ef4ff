"""Which messages are a mail server's own bookkeeping, and how much of one tells."""

from __future__ import annotations

import pytest

from pillarbox.fetch.bookkeeping import OPENING, is_bookkeeping, is_enough

SUBJECT = b"Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\r\n"
STATE = b"X-IMAP: 0123456789 0000000042\r\n"
BODY = b"\r\nThis text is part of the internal format of your mail folder.\r\n"


@pytest.mark.parametrize(
    ("opening", "expected"),
    [
        (SUBJECT + STATE + BODY, True),
        (STATE + SUBJECT + BODY, True),
        ((SUBJECT + STATE + BODY).replace(b"\r", b""), True),
        (SUBJECT + b"X-IMAPbase: 1 2\r\n" + BODY, True),
        (SUBJECT + STATE, True),
        (SUBJECT + BODY, False),
        (STATE + BODY, False),
        (SUBJECT + BODY + STATE, False),
        (b"X-Old: " + STATE + SUBJECT + BODY, False),
        (b"Subject: x\r\n\r\n" + SUBJECT + STATE + BODY, False),
        (b"", False),
    ],
)
def test_both_marks_in_the_header(opening: bytes, expected: bool) -> None:
    assert is_bookkeeping(opening) is expected


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n"])
def test_the_header_is_enough(end: bytes) -> None:
    header = b"Subject: x" + end
    assert [is_enough(header[:size]) for size in range(len(header))] == [False] * len(header)
    assert is_enough(header)


def test_a_header_without_an_end_is_not_waited_for() -> None:
    assert is_enough(b"x" * OPENING)
    assert not is_enough(b"x" * (OPENING - 1))


@pytest.mark.parametrize("trace", [b"Return-Path: <a@b>", b"received: from c by d"])
def test_what_came_by_mail_is_mail(trace: bytes) -> None:
    """Else anybody could send what is never collected."""
    sent = b"Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\r\nX-IMAP: 1 2\r\n\r\nx\r\n"
    assert is_bookkeeping(sent)
    assert not is_bookkeeping(trace + b"\r\n" + sent)
