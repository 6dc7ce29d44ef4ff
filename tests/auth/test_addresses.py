"""Login names and addresses: which account they mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.auth.addresses import Domains
from tests.auth.test_names import NASTY

DOMAINS = Domains(["example.org", "Example.COM", "b\u00fccher.example"])


@pytest.mark.parametrize(
    "login",
    [
        "alice",
        "ALICE",
        "alice@example.org",
        "Alice@EXAMPLE.org",
        "alice@example.com",
        "alice@example.org.",
        "alice@b\u00fccher.example",
        "alice@xn--bcher-kva.example",
        "alice@XN--BCHER-KVA.Example",
    ],
)
def test_one_person_signs_in_by_several_names(login: str) -> None:
    assert DOMAINS.login_name(login) == "alice"


@pytest.mark.parametrize(
    "login",
    ["alice@example.net", "alice@", "@example.org", "@", "alice@example.org@example.net"],
)
def test_another_domain_is_another_person(login: str) -> None:
    assert DOMAINS.login_name(login) is None


@pytest.mark.parametrize(
    "domain", ["fa\u00df.example", "fass.ex\u200dample", "\u03c2\u03c3.example"]
)
def test_a_domain_that_idna_2003_took_for_ours_is_another_persons(domain: str) -> None:
    """RFC 5894, section 7.2: who owns fa\u00df.example need not own fass.example, and could have had an
    address there verified that opens a mailbox here.
    """
    ours = Domains(["fass.example", "\u03c3\u03c3.example"])
    assert ours.login_name(f"alice@{domain}") is None
    assert ours.mailbox_name(f"alice@{domain}") is None
    assert Domains([domain]).login_name(f"alice@{domain}") == "alice"


def test_without_domains_only_plain_names_sign_in() -> None:
    assert Domains([]).login_name("alice") == "alice"
    assert Domains([]).login_name("alice@example.org") is None
    assert Domains([]).login_name("alice@") is None


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("alice@example.org", "alice"),
        ("Alice@Example.ORG", "alice"),
        ("Alice+phone@Example.ORG", "alice"),
        ("alice+@example.org", "alice"),
        ("alice+a+b@example.org", "alice"),
        ('"alice"@example.org', "alice"),
        ('"alice+phone"@example.org', "alice"),
        ('"al\\ice"@example.org', "alice"),
        ("zo\u00eb@b\u00fccher.example", "zo\u00eb"),
        ("ZO\u00cb@xn--bcher-kva.example", "zo\u00eb"),
        ("postmaster@example.org", "postmaster"),
        ("Postmaster", "postmaster"),
        ("alice+a/b@example.org", "alice"),
    ],
)
def test_an_address_has_one_account(address: str, name: str) -> None:
    assert DOMAINS.mailbox_name(address) == name


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "alice",
        "alice@",
        "@example.org",
        "+phone@example.org",
        '""@example.org',
        '"@example.org',
        '"al ice"@example.org',
        '"alice@example.net"@example.org',
        "alice@example.net",
        "alice@[127.0.0.1]",
        "alice@sub.example.org",
        "alice@example.org.evil.test",
        "\udcff@example.org",
        "alice@\udcff",
        "alice@" + "\u00fc" * 300,
        "a" * 400 + "@example.org",
        "alice@example..org",
        "alice@\u00fc..org",
    ],
)
def test_other_addresses_have_none(address: str) -> None:
    assert DOMAINS.mailbox_name(address) is None


@pytest.mark.parametrize("name", [name for name in NASTY if "@" not in name and "+" not in name])
def test_nasty_names_are_nobody(name: str) -> None:
    assert DOMAINS.login_name(name) is None
    assert DOMAINS.mailbox_name(f"{name}@example.org") is None


@given(st.text())
def test_no_text_is_an_error(text: str) -> None:
    for attempt in (text, f"{text}@example.org", f"alice@{text}", f'"{text}"@example.org'):
        DOMAINS.login_name(attempt)
        DOMAINS.mailbox_name(attempt)
