"""CAPA's lines: RFC 2449 sections 5 and 6, RFC 2595 section 4, RFC 5034, RFC 6856."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from pillarbox.wire.capabilities import Offer, capabilities

offers = st.builds(
    Offer,
    mechanisms=st.sampled_from([(), ("PLAIN",), ("PLAIN", "LOGIN")]),
    user=st.booleans(),
    stls=st.booleans(),
    login_delay=st.integers(0, 3600),
    expire_days=st.none() | st.integers(0, 365),
)


@given(offers)
def test_what_is_always_true_is_always_announced(offer: Offer) -> None:
    lines = capabilities(offer)
    always = ("TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "LANG", "UTF8 USER")
    for tag in always:
        assert tag in lines


@given(offers)
def test_each_line_is_well_formed_and_each_tag_comes_once(offer: Offer) -> None:
    """RFC 2449, section 3: ``capa-tag *(SP param)``, at most 512 octets with CRLF."""
    lines = capabilities(offer)
    assert all(re.fullmatch(r"[!-,/-~][!-~]*( [!-~]+)*", line) for line in lines)
    assert all(len(line) <= 510 for line in lines)
    tags = [line.partition(" ")[0] for line in lines]
    assert len(tags) == len(set(tags))


@given(offers)
def test_what_depends_is_announced_only_when_true(offer: Offer) -> None:
    lines = capabilities(offer)
    tags = [line.partition(" ")[0] for line in lines]
    assert ("USER" in lines) == offer.user
    assert ("STLS" in lines) == offer.stls
    assert ("SASL" in tags) == bool(offer.mechanisms)
    assert ("LOGIN-DELAY" in tags) == bool(offer.login_delay)


def test_parameters() -> None:
    lines = capabilities(Offer(mechanisms=("PLAIN", "LOGIN"), login_delay=60, expire_days=0))
    assert "SASL PLAIN LOGIN" in lines
    assert "LOGIN-DELAY 60" in lines
    assert "EXPIRE 0" in lines
    assert "EXPIRE NEVER" in capabilities(Offer())
    assert "EXPIRE 30" in capabilities(Offer(expire_days=30))


def test_twisted_pipeline_is_called_pipelining() -> None:
    """Twisted announces PIPELINE; RFC 2449, section 6.6, says PIPELINING."""
    assert "PIPELINING" in capabilities(Offer())
    assert "PIPELINE" not in capabilities(Offer())
