"""Who counts as one at the door, and that nobody shows a secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.auth.applicant import LOCAL, Applicant


def key_of(peer: str, user: str | None) -> str:
    return Applicant(peer, user).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::"),
        ("2001:DB8:1:2::1", "2001:db8:1:2::1"),
        ("fe80::1%eth0", "fe80::2%eth0"),
    ],
)
def test_one_address_or_one_network(one: str, other: str) -> None:
    assert key_of(one, "alice") == key_of(other, "bob")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.7", "192.0.2.8"),
        ("2001:db8:1:2::1", "2001:db8:1:3::1"),
        ("192.0.2.7", "::c000:207"),
        ("nonsense", "192.0.2.7"),
    ],
)
def test_different_addresses(one: str, other: str) -> None:
    assert key_of(one, "alice") != key_of(other, "alice")


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "unix"])
def test_a_peer_on_this_machine_speaks_for_many_so_each_name_counts_apart(peer: str) -> None:
    assert key_of(peer, "alice") == key_of("unix", "alice")
    assert key_of(peer, "alice") != key_of(peer, "bob")
    assert key_of(peer, None) != key_of(peer, "alice")


@given(st.text(), st.none() | st.text())
def test_any_peer_has_a_short_key(peer: str, name: str) -> None:
    assert len(key_of(peer, name)) <= 70 + len(name or "")


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "unix"])
def test_peers_on_this_machine_are_one_network(peer: str) -> None:
    assert Applicant(peer, "alice").network is LOCAL


def test_a_client_of_ipv6_is_its_network_of_64_bits() -> None:
    one, other = Applicant("2001:db8::1", "alice"), Applicant("2001:db8::2:1", "bob")
    assert one.key == other.key == one.network == other.network == "2001:db8::/64"


def test_no_repr_shows_the_secret() -> None:
    assert "hunter2" not in repr(Applicant("192.0.2.7", "alice", b"hunter2"))
