"""Status lines: RFC 1939 section 3, RFC 2449 sections 4, 6.4 and 8."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.wire.errors import LocalProtocolError
from pillarbox.wire.replies import Code, challenge, err, ok

free_text = st.text(st.characters(codec="utf-8").filter(str.isprintable), max_size=700).filter(
    lambda text: not text.startswith("[")
)
"""RFC 2449, section 4: visible characters and spaces."""


@given(free_text)
def test_a_status_line_is_one_line_of_at_most_512_octets(text: str) -> None:
    for reply in (ok(text), err(text), err(text, Code.SYS_PERM)):
        line = reply.status_line()
        assert len(line) <= 512
        assert line.endswith(b"\r\n")
        assert line.count(b"\n") == 1
        assert line.startswith((b"+OK", b"-ERR"))


@pytest.mark.parametrize("text", ["ü" * 300, "aü" * 300, "漢" * 300, "a漢" * 300, "aa漢" * 300])
def test_a_long_line_is_not_cut_inside_a_character(text: str) -> None:
    assert len(ok(text).status_line().decode("utf-8").encode()) > 500
    assert len(err(text).status_line().decode("utf-8").encode()) > 500


@pytest.mark.parametrize(
    "text", ["a\r\n+OK forged", "a\nb", "a\rb", "a\0b", "\x1b[2J", "[IN-USE] forged"]
)
def test_text_that_could_forge_a_reply_is_refused(text: str) -> None:
    """RFC 2449, section 6.4: with RESP-CODES, free text never begins with ``[``."""
    with pytest.raises(LocalProtocolError):
        ok(text).status_line()
    with pytest.raises(LocalProtocolError):
        err(text).status_line()


def test_response_codes() -> None:
    """The codes of RFC 2449, section 8.1, RFC 3206 and RFC 6856, section 2."""
    assert err("busy", Code.IN_USE).status_line() == b"-ERR [IN-USE] busy\r\n"
    assert {str(code) for code in Code} == {
        "IN-USE",
        "LOGIN-DELAY",
        "SYS/TEMP",
        "SYS/PERM",
        "AUTH",
        "UTF8",
    }


def test_a_reply_without_text() -> None:
    assert ok().status_line() == b"+OK\r\n"


def test_the_empty_challenge_is_a_plus_and_a_space() -> None:
    """RFC 5034, section 4."""
    assert challenge(b"").status_line() == b"+ \r\n"


@given(st.binary(max_size=300))
def test_a_challenge_is_base64(data: bytes) -> None:
    line = challenge(data).status_line()
    assert line.startswith(b"+ ")
    assert base64.b64decode(line[2:-2], validate=True) == data
