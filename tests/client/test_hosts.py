"""Names and addresses of hosts."""

from __future__ import annotations

import pytest

from pillarbox.client.hosts import authority, host_name, ipv6_address, is_address


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Mail.Example.ORG", "mail.example.org"),
        ("mail.example.org.", "mail.example.org"),
        ("MÜNCHEN.example", "xn--mnchen-3ya.example"),
        ("_odd_.example.org", "_odd_.example.org"),
        ("192.0.2.1", "192.0.2.1"),
    ],
)
def test_one_spelling(text: str, name: str) -> None:
    assert host_name(text) == name
    assert host_name(name) == name


@pytest.mark.parametrize(
    "text", ["", ".", "a b", "a/b", "a@b", "a\0b", "*.example.org", "a_-.example", "ü\u2028.org"]
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not a name of a host"):
        host_name(text)


@pytest.mark.parametrize("text", ["", "1.2.3.4", "::g", "::1%", "::1%a b", "%eth0"])
def test_what_is_no_ipv6_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"IPv6|zone"):
        ipv6_address(text)


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("192.0.2.1", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("1.2.3", False),
        ("mail.example.org", False),
        ("", False),
    ],
)
def test_which_hosts_need_no_looking_up(host: str, answer: bool) -> None:
    assert is_address(host) is answer


def test_only_ipv6_has_brackets() -> None:
    assert authority("::1", 995) == "[::1]:995"
    assert authority("mail.example.org", 995) == "mail.example.org:995"
