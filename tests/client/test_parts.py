"""The small parts: the window, capabilities, quirks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.client.capabilities import NONE_KNOWN, Capabilities
from pillarbox.client.limits import ASSUMED_SIZE, FIRST_WINDOW, MAX_UNDER_WAY, MAX_WINDOW
from pillarbox.client.quirks import Quirk, quirks_of
from pillarbox.client.window import Window

# The window.


def test_the_window_doubles_while_all_of_it_is_used() -> None:
    window = Window()
    sizes = []
    for _ in range(12):
        sizes.append(window.size)
        while window.has_room(1):
            window.sent(1)
        for _ in range(window.count):
            window.landed(1)
    assert sizes == [min(FIRST_WINDOW * 2**n, MAX_WINDOW) for n in range(12)]


@given(st.lists(st.integers(0, 2 * MAX_UNDER_WAY), max_size=80), st.integers(1, 2 * MAX_WINDOW))
def test_the_window_is_never_overrun_and_never_stuck(sizes: list[int], most: int) -> None:
    window = Window(most)
    under_way: list[int] = []
    for octets in sizes:
        while not window.has_room(octets):
            window.landed(under_way.pop(0))  # there is one, or nothing would move any more
        window.sent(octets)
        under_way.append(octets)
        assert window.count == len(under_way) <= min(most, MAX_WINDOW)
        assert len(under_way) == 1 or sum(under_way) <= MAX_UNDER_WAY


def test_a_window_of_one_stays_one() -> None:
    window = Window(1)
    for _ in range(5):
        assert window.is_low
        window.sent(ASSUMED_SIZE)
        assert not window.has_room(0)
        assert not window.is_low
        window.landed(ASSUMED_SIZE)


# Capabilities: RFC 2449, section 6.


def test_capabilities() -> None:
    some = Capabilities({"SASL": ("plain", "XOAUTH2"), "PIPELINING": (), "LOGIN-DELAY": ("300",)})
    assert some.mechanisms == ("PLAIN", "XOAUTH2")
    assert some.pipelining
    assert some.login_delay == 300
    assert some.offers("PIPELINING")
    assert not some.offers("UIDL")
    assert not some.may("UIDL")
    assert NONE_KNOWN.may("UIDL")
    assert not NONE_KNOWN.pipelining
    assert NONE_KNOWN.implementation == ""


@pytest.mark.parametrize("words", [(), ("",), ("soon",), ("-1",), ("²",), ("1.5",), ("9" * 5000,)])
def test_a_login_delay_that_is_none(words: tuple[str, ...]) -> None:
    assert Capabilities({"LOGIN-DELAY": words}).login_delay == 0


# Quirks.


@pytest.mark.parametrize(
    ("host", "greeting", "quirk"),
    [
        ("outlook.office365.com", "", Quirk.TWO_STEP_AUTH),
        ("pop-mail.outlook.com", "", Quirk.IMPATIENT),
        ("mail.example.org", "The Microsoft Exchange POP3 service is ready.", Quirk.TWO_STEP_AUTH),
        ("pop.gmail.com", "", Quirk.PORTIONS),
        ("proxy.example.org", "Gpop ready for requests from 192.0.2.1 x", Quirk.READ_IS_GONE),
    ],
)
def test_quirks(host: str, greeting: str, quirk: Quirk) -> None:
    assert quirk in quirks_of(host, greeting)


@pytest.mark.parametrize("host", ["mail.example.org", "gmail.com.example.org", "notoutlook.com"])
def test_others_have_none(host: str) -> None:
    assert quirks_of(host, "Dovecot ready.") == frozenset()
