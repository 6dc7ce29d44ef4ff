"""POP URLs: what they mean, what is refused, and that no password gets out of one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.client.endpoint import Endpoint, Security
from pillarbox.client.errors import InvalidUrl

TLS, STLS, CLEARTEXT = Security.IMPLICIT_TLS, Security.STLS, Security.CLEARTEXT

# fmt: off
UNDERSTOOD = [
    # URL                                     host, port, security, user, mechanism
    ("pop3s://alice@mail.example.org",        ("mail.example.org", 995, TLS, "alice", None)),
    ("pop3://alice@mail.example.org",         ("mail.example.org", 110, STLS, "alice", None)),
    ("pop://alice@mail.example.org",          ("mail.example.org", 110, STLS, "alice", None)),
    ("POP3S://alice@MAIL.Example.ORG./",      ("mail.example.org", 995, TLS, "alice", None)),
    ("pop3s://alice@mail.example.org:9995",   ("mail.example.org", 9995, TLS, "alice", None)),
    ("pop3s://alice@mail.example.org:",       ("mail.example.org", 995, TLS, "alice", None)),
    ("pop3s://alice@localhost:1",             ("localhost", 1, TLS, "alice", None)),
    ("pop3s://alice@192.0.2.7:65535",         ("192.0.2.7", 65535, TLS, "alice", None)),
    ("pop3s://alice@[2001:DB8::0:1]",         ("2001:db8::1", 995, TLS, "alice", None)),
    ("pop3s://alice@[::1]:2995",              ("::1", 2995, TLS, "alice", None)),
    ("pop3s://alice@[fe80::1%25eth0]",        ("fe80::1%eth0", 995, TLS, "alice", None)),
    ("pop3s://alice@bücher.example",          ("xn--bcher-kva.example", 995, TLS, "alice", None)),
    ("pop3s://alice@b%C3%BCcher.example",     ("xn--bcher-kva.example", 995, TLS, "alice", None)),
    ("pop3s://alice@xn--bcher-kva.example",   ("xn--bcher-kva.example", 995, TLS, "alice", None)),
    ("pop3s://a@example.org@mail.example.org", ("mail.example.org", 995, TLS, "a@example.org", None)),
    ("pop3s://a%40example.org@mail.example.org", ("mail.example.org", 995, TLS, "a@example.org", None)),
    ("pop3s://a%3Ab%2Fc%3Bd%25@h",            ("h", 995, TLS, "a:b/c;d%", None)),
    ("pop3s://j%C3%B6rg@h",                   ("h", 995, TLS, "jörg", None)),
    ("pop3s://recent%3Aalice@h",               ("h", 995, TLS, "recent:alice", None)),
    (" pop3s://alice@h\n",                    ("h", 995, TLS, "alice", None)),
    # RFC 2384, section 7, and the same in the other schemes
    ("pop://rg;AUTH=*@mail.eudora.com:110",   ("mail.eudora.com", 110, STLS, "rg", None)),
    ("pop://rg;AUTH=+APOP@mail.eudora.com:8110", ("mail.eudora.com", 8110, STLS, "rg", "APOP")),
    ("pop://baz;AUTH=SCRAM-MD5@foo.bar",      ("foo.bar", 110, STLS, "baz", "SCRAM-MD5")),
    ("pop3s://baz;auth=scram-sha-256@foo.bar", ("foo.bar", 995, TLS, "baz", "SCRAM-SHA-256")),
]

REFUSED = [
    # URL                                     what the sentence says
    ("",                                      "scheme"),
    ("alice@mail.example.org",                "scheme"),
    ("//alice@mail.example.org",              "scheme"),
    ("imap://alice@mail.example.org",         "pop3s://"),
    ("https://alice@mail.example.org",        "pop3s://"),
    ("pop3s://mail.example.org",              "no user"),
    ("pop3s://@mail.example.org",             "no user"),
    ("pop3s://;AUTH=PLAIN@mail.example.org",  "no user"),
    ("pop3s://alice@",                        "no host"),
    ("pop3s://alice@:995",                    "no host"),
    ("pop3s://",                              "no host"),
    ("pop3s://alice@mail example.org",        "not a name of a host"),
    ("pop3s://alice@mail..example.org",       "not a name of a host"),
    ("pop3s://alice@-mail.example.org",       "not a name of a host"),
    ("pop3s://alice@mail\r\nQUIT",            "not a name of a host"),
    ("pop3s://alice@" + "a" * 64,             "not a name of a host"),
    ("pop3s://alice@" + "a." * 127 + "org",   "not a name of a host"),
    ("pop3s://alice@2001:db8::1",             "brackets"),
    ("pop3s://alice@[2001:db8::1",            "["),
    ("pop3s://alice@[2001:db8::1]995",        "["),
    ("pop3s://alice@[mail.example.org]",      "not an IPv6 address"),
    ("pop3s://alice@[fe80::1%25]",            "zone"),
    ("pop3s://alice@h:0",                     "port"),
    ("pop3s://alice@h:65536",                 "port"),
    ("pop3s://alice@h:9950000000000000000",   "port"),
    ("pop3s://alice@h:-1",                    "port"),
    ("pop3s://alice@h:pop3s",                 "port"),
    ("pop3s://alice@h:\N{ARABIC-INDIC DIGIT ONE}", "port"),
    ("pop3s://alice@h/INBOX",                 "%2F"),
    ("pop3s://alice@h?x",                     "%3F"),
    ("pop3s://alice@h#x",                     "%23"),
    ("pop3s://al%zzice@h",                    "%25"),
    ("pop3s://al%ice@h",                      "%25"),
    ("pop3s://al%FFice@h",                    "UTF-8"),
    ("pop3s://alice%0D%0ADELE%201@h",         "printed"),
    ("pop3s://alice%00@h",                    "printed"),
    ("pop3s://alice;@h",                      "AUTH="),
    ("pop3s://alice;AUTH=@h",                 "AUTH="),
    ("pop3s://alice;AUTH=+KPOP@h",            "AUTH="),
    ("pop3s://alice;AUTH=PL%20AIN@h",         "AUTH="),
    ("pop3s://alice;TYPE=i@h",                "AUTH="),
]

WITH_PASSWORD = [
    "pop3s://alice:hunter2@mail.example.org",
    "pop3s://alice:@mail.example.org",
    "pop3://alice:hunter2;AUTH=PLAIN@mail.example.org",
    "pop3s://alice@example.org:hunter2@mail.example.org",
    "pop3s://alice:hun@ter2@mail.example.org",
]

MANGLED = [
    "alice:hunter2@mail.example.org",
    "//alice:hunter2@mail.example.org",
    "alice:hunter2@pop3s://mail.example.org",
    "imap://alice:hunter2@mail.example.org",
    "pop3s://alice:hunter2",
    "pop3s://alice:hunter2/",
    "pop3s://alice:hunter2/x@mail.example.org",
    "pop3s://alice:x/hunter2@mail.example.org",
    "pop3s://alice:1/hunter2@mail.example.org",
    "pop3s://alice:x?hunter2@mail.example.org",
    "pop3s://alice:x#hunter2@mail.example.org",
    "pop3s://alice:x@hunter2/@mail.example.org",
    "pop3s://alice:x://hunter2@mail.example.org",
    "pop3s://alice:hunter2@mail.example.org:port",
    "pop3s://alice:hunter2%zz@mail.example.org",
    "pop3s://alice:hunter2@",
    "pop3s://[::1]:hunter2",
]
# fmt: on


@pytest.mark.parametrize(("url", "meaning"), UNDERSTOOD)
def test_what_a_url_means(url: str, meaning: tuple[str, int, Security, str, str | None]) -> None:
    assert Endpoint.parse(url) == meaning


@pytest.mark.parametrize(("url", "word"), REFUSED)
def test_each_fault_is_a_sentence_that_shows_what_a_right_url_looks_like(
    url: str, word: str
) -> None:
    with pytest.raises(InvalidUrl) as caught:
        Endpoint.parse(url)
    assert word in str(caught.value)
    assert "pop3s://alice@mail.example.org" in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("url", WITH_PASSWORD)
def test_a_password_in_a_url_is_refused_with_the_reason_and_the_alternatives(url: str) -> None:
    with pytest.raises(InvalidUrl, match="password in it, where others can see it") as caught:
        Endpoint.parse(url)
    for alternative in ("--password-stdin", "--password-command", "keyring", "%3A"):
        assert alternative in str(caught.value)
    assert "hun" not in str(caught.value)
    assert "ter2" not in str(caught.value)
    assert "alice" in str(caught.value)


@pytest.mark.parametrize("url", MANGLED)
def test_a_password_never_gets_into_a_sentence_however_the_url_is_mangled(url: str) -> None:
    with pytest.raises(InvalidUrl) as caught:
        Endpoint.parse(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_cleartext_only_on_demand() -> None:
    for url in ("pop3://alice@h", "pop://alice@h"):
        assert Endpoint.parse(url).security is STLS
        assert Endpoint.parse(url, insecure_cleartext=True) == ("h", 110, CLEARTEXT, "alice", None)


def test_tls_and_none_at_once_is_refused() -> None:
    with pytest.raises(InvalidUrl, match="--insecure-cleartext"):
        Endpoint.parse("pop3s://alice@h", insecure_cleartext=True)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("pop3s://alice@mail.example.org:995", "pop3s://alice@mail.example.org"),
        ("pop://alice@mail.example.org", "pop3://alice@mail.example.org"),
        ("pop3://alice@mail.example.org:995", "pop3://alice@mail.example.org:995"),
        ("pop3s://alice@h:1995", "pop3s://alice@h:1995"),
        ("pop3s://a@example.org@H", "pop3s://a%40example.org@h"),
        ("pop://rg;AUTH=+APOP@h:110", "pop3://rg;AUTH=+APOP@h"),
        ("pop3s://alice@[0:0::1]:995", "pop3s://alice@[::1]"),
        ("pop3s://alice@[fe80::1%25eth0]:1", "pop3s://alice@[fe80::1%25eth0]:1"),
        ("pop3s://alice@bücher.example", "pop3s://alice@xn--bcher-kva.example"),
    ],
)
def test_the_canonical_url(url: str, canonical: str) -> None:
    assert str(Endpoint.parse(url)) == canonical


NAMES = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.isprintable)
LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
HOSTS = (
    st.lists(LABELS, min_size=1, max_size=3).map(".".join)
    | st.ip_addresses(v=4).map(str)
    | st.sampled_from(["::1", "2001:db8::1", "fe80::1%eth0"])
)
MECHANISMS = st.none() | st.from_regex(r"[A-Z0-9_-]{1,20}", fullmatch=True)
ENDPOINTS = st.builds(
    Endpoint, HOSTS, st.integers(1, 65535), st.sampled_from(Security), NAMES, MECHANISMS
)


@given(ENDPOINTS)
def test_a_canonical_url_means_the_same_endpoint(endpoint: Endpoint) -> None:
    cleartext = endpoint.security is CLEARTEXT
    assert Endpoint.parse(str(endpoint), insecure_cleartext=cleartext) == endpoint


@given(st.text())
def test_any_text_is_a_url_or_refused_with_one(text: str) -> None:
    try:
        endpoint = Endpoint.parse(text)
    except InvalidUrl as error:
        assert str(error).isprintable()  # noqa: PT017 -- both outcomes are right
    else:
        assert Endpoint.parse(str(endpoint)) == endpoint
