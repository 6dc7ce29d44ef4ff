import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.app.config import TcpAddress, UnixAddress, parse_address

ports = st.integers(0, 65535)


@given(st.ip_addresses(v=4), ports)
def test_ipv4_addresses_round_trip(
    host: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    address = parse_address(f"{host}:{port}")
    assert address == TcpAddress(str(host), port)
    assert parse_address(str(address)) == address


@given(st.ip_addresses(v=6), ports)
def test_ipv6_addresses_round_trip_in_brackets(
    host: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    address = parse_address(f"[{host}]:{port}")
    assert isinstance(address, TcpAddress)
    assert (ipaddress.ip_address(address.host), address.port) == (host, port)
    assert parse_address(str(address)) == address


@given(
    st.from_regex(r"[a-z][a-z0-9]{0,20}(\.[a-z][a-z0-9-]{0,10}[a-z0-9]){0,3}", fullmatch=True),
    ports,
)
def test_host_names_round_trip(host: str, port: int) -> None:
    assert parse_address(f"{host}:{port}") == TcpAddress(host, port)


@given(st.from_regex(r"/[a-z0-9._/-]{1,60}", fullmatch=True))
def test_socket_files_round_trip(path: str) -> None:
    address = parse_address(f"unix:{path}")
    assert address == UnixAddress(Path(path))
    assert parse_address(str(address)) == address


@given(st.text() | st.text().map("unix:{}".format) | st.text("0123456789abcdef:[].", min_size=1))
def test_any_text_is_an_address_or_is_refused_as_a_value(text: str) -> None:
    try:
        address = parse_address(text)
    except ValueError:
        return
    assert isinstance(address, TcpAddress | UnixAddress)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "HOST:PORT"),
        ("995", "HOST:PORT"),
        ("localhost", "HOST:PORT"),
        ("localhost:", "no port number"),
        ("localhost:pop3", "no port number"),
        ("localhost:-1", "no port number"),
        ("localhost: 995", "no port number"),
        ("localhost:٩٩٥", "no port number"),
        ("localhost:65536", "largest is 65535"),
        ("localhost:99999999999999999999", "no port number"),
        (":995", '"[::]:995"'),
        ("*:995", '"[::]:995"'),
        ("::1:995", "brackets"),
        ("::", "brackets"),
        ("[::1]", "brackets"),
        ("[]:995", "not an IPv6 address"),
        ("[127.0.0.1]:995", "not an IPv6 address"),
        ("[::g]:995", "not an IPv6 address"),
        ("127.0.0:995", "not an IPv4 address"),
        ("127.0.0.256:995", "not an IPv4 address"),
        ("a b:995", "not a host name"),
        ("a..b:995", "not a host name"),
        ("-a:995", "not a host name"),
        ("http://a:995", "brackets"),
        ("unix:", "unix:/PATH"),
        ("unix:~nobody-of-that-name/x", "no home folder"),
        ("unix:@abstract", "unix:/PATH"),
        ("unix:/a\0b", "unix:/PATH"),
        (f"unix:/{'x' * 103}", "at most 103"),
    ],
)
def test_garbage_is_refused_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_address(text)
    assert hint in str(caught.value)


def test_port_0_is_left_to_the_system() -> None:
    assert parse_address("127.0.0.1:0") == TcpAddress("127.0.0.1", 0)


def test_a_scoped_ipv6_address_keeps_its_zone() -> None:
    assert parse_address("[fe80::1%eth0]:110") == TcpAddress("fe80::1%eth0", 110)


def test_a_relative_socket_path_starts_from_the_base() -> None:
    assert parse_address("unix:run/lmtp", base=Path("/srv")) == UnixAddress(Path("/srv/run/lmtp"))
