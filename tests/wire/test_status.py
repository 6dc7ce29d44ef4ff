"""Status lines: RFC 1939 section 3, RFC 2449 section 8, RFC 3206, RFC 5034 section 4."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.wire.replies import Code, err, ok
from pillarbox.wire.states import Outcome
from pillarbox.wire.status import parse_status, readable
from tests.wire.test_replies import free_text

LINES = [
    (b"+OK", Outcome.OK, None, b""),
    (b"+OK ", Outcome.OK, None, b""),
    (b"+OK 2 320", Outcome.OK, None, b"2 320"),
    (b"+OK\t2", Outcome.OK, None, b"2"),
    (b"+ok hello", Outcome.OK, None, b"hello"),
    (b"-ERR no such message", Outcome.ERR, None, b"no such message"),
    (b"-err", Outcome.ERR, None, b""),
    (b"+ERR no", Outcome.ERR, None, b"no"),
    (b"-ERR: no", Outcome.ERR, None, b": no"),
    (b"-ERR [IN-USE] Do you have another session?", Outcome.ERR, Code.IN_USE, b"Do you have another session?"),
    (b"-ERR[AUTH]no", Outcome.ERR, Code.AUTH, b"no"),
    (b"-ERR [in-use]", Outcome.ERR, Code.IN_USE, b""),
    (b"-ERR [SYS/TEMP] later", Outcome.ERR, Code.SYS_TEMP, b"later"),
    (b"-ERR [SYS/PERM/DISK] never", Outcome.ERR, Code.SYS_PERM, b"never"),
    (b"-ERR [LOGIN-DELAY] wait", Outcome.ERR, Code.LOGIN_DELAY, b"wait"),
    (b"-ERR [SYS] what", Outcome.ERR, None, b"[SYS] what"),
    (b"-ERR [NEWER] what", Outcome.ERR, None, b"[NEWER] what"),
    (b"-ERR [AUTH what", Outcome.ERR, None, b"[AUTH what"),
    (b"-ERR [] what", Outcome.ERR, None, b"[] what"),
    (b"-ERR no [AUTH]", Outcome.ERR, None, b"no [AUTH]"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "outcome", "code", "octets"), LINES)
def test_a_status_line(line: bytes, outcome: Outcome, code: Code | None, octets: bytes) -> None:
    assert parse_status(line) == (outcome, code, octets)
    assert parse_status(line, challenges=True) == (outcome, code, octets)


@pytest.mark.parametrize(
    "line",
    [b"", b" ", b".", b"OK", b" +OK", b"+OKAY", b"-OK", b"+", b"+ ", b"-", b"-ERROR", b"Subject: x",
     b"220 smtp ready", b"* OK IMAP4rev1", b"\x16\x03\x01", b"+OK1", b"ERR"],
)  # fmt: skip
def test_what_is_no_status_line(line: bytes) -> None:
    assert parse_status(line) is None


@pytest.mark.parametrize(
    ("line", "base64"), [(b"+", b""), (b"+ ", b""), (b"+ QUJD", b"QUJD"), (b"+  QUJD ", b"QUJD")]
)
def test_a_challenge_is_one_only_inside_auth(line: bytes, base64: bytes) -> None:
    assert parse_status(line, challenges=True) == (Outcome.CHALLENGE, None, base64)
    assert parse_status(line) is None


@given(free_text, st.sampled_from([None, *Code]))
def test_what_our_server_writes_is_understood(text: str, code: Code | None) -> None:
    written = err(text, code).status_line().removesuffix(b"\r\n")
    status = parse_status(written)
    assert status is not None
    assert status[:2] == (Outcome.ERR, code)
    assert text.strip().startswith(readable(status.octets).strip())
    assert parse_status(ok(text).status_line().removesuffix(b"\r\n")) is not None


def test_text_that_would_steer_a_terminal_does_not_come_through() -> None:
    assert readable(b"a\x1b[2Jb\x07\xff\r") == "a�[2Jb���"
    assert readable("größer".encode()) == "größer"
