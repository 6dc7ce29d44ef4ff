"""What is one peer: the same answer for limits, delays and trust."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox import peers
from pillarbox.peers import is_loopback, network_of, peer_of, site_of


@pytest.mark.parametrize(
    ("peername", "peer"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("::ffff:192.0.2.7", 1, 0, 0), "192.0.2.7"),
        (("2001:DB8:0::1", 1, 0, 0), "2001:db8::1"),
        (("fe80::1%eth0", 1, 0, 2), "fe80::1"),
        ("", "unix"),
        (b"\0abstract", "unix"),
        (None, "unix"),
    ],
)
def test_one_address_one_name(peername: object, peer: str) -> None:
    """An IPv4 client at a dual-stack socket is the same as at an IPv4 one."""
    assert peer_of(peername) == peer


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::192.0.2.7", "::/64"),  # not mapped: an IPv6 address like others
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", "unix"),
        ("nonsense", "nonsense"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_what_counts_as_one_client(peer: str, network: str) -> None:
    assert network_of(peer) == network


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_all_of_a_64_is_one_client_and_another_64_is_another(
    prefix: int, host: int, other: int
) -> None:
    one = network_of(str(ipaddress.IPv6Address(prefix << 64 | host)))
    if prefix:  # ::/64 holds the mapped IPv4 addresses
        assert network_of(str(ipaddress.IPv6Address(prefix << 64 | other))) == one
    assert network_of(str(ipaddress.IPv6Address((prefix ^ 1) << 64 | host))) != one


@given(st.ip_addresses(v=4))
def test_each_ipv4_address_is_a_client_however_it_comes(address: ipaddress.IPv4Address) -> None:
    assert network_of(str(address)) == network_of(f"::ffff:{address}") == str(address)


@pytest.mark.parametrize(
    ("peer", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("unix", True),
        ("192.0.2.7", False),
        ("2001:db8::1", False),
        ("::ffff:192.0.2.7", False),
        ("fe80::1%lo", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_what_is_on_this_machine(peer: str, loopback: bool) -> None:
    assert is_loopback(peer) == loopback


@given(st.text())
def test_any_text_has_an_answer(peer: str) -> None:
    assert len(network_of(peer)) <= 64
    assert is_loopback(peer) in {True, False}


def test_the_memory_of_answers_is_bounded() -> None:
    assert network_of.cache_info().maxsize == peers.KNOWN_PEERS
    assert is_loopback.cache_info().maxsize == peers.KNOWN_PEERS


@pytest.mark.parametrize(
    ("peer", "site"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:7:4::/64", "2001:db8:7::/48"),
        ("2001:db8:7:4::1", "2001:db8:7::/48"),
        ("local", "local"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
    ],
)
def test_what_one_customer_may_have(peer: str, site: str) -> None:
    assert site_of(peer) == site
