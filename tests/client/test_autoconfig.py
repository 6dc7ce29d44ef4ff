"""Documents of config-v1.1.xml: what is understood, and what is left out."""

from __future__ import annotations

import pytest

from pillarbox.client.autoconfig import MOST_SERVERS, DescribedServer, described_servers
from pillarbox.client.endpoint import Security

ALICE = "alice@example.org"

# The example of the format's own documentation, shortened.
WHOLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="freenet.example">
    <domain>freenet.example</domain>
    <displayName>Freenet Mail</displayName>
    <incomingServer type="imap">
      <hostname>imap.freenet.example</hostname><port>993</port><socketType>SSL</socketType>
      <authentication>password-encrypted</authentication><username>%EMAILADDRESS%</username>
    </incomingServer>
    <incomingServer type="pop3">
      <hostname>pop.freenet.example</hostname>
      <port>995</port>
      <socketType>SSL</socketType>
      <authentication>OAuth2</authentication>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
      <pop3><leaveMessagesOnServer>true</leaveMessagesOnServer><port>1</port></pop3>
    </incomingServer>
    <incomingServer type="pop3">
      <hostname> POP.freenet.example. </hostname>
      <port> 110 </port>
      <socketType>STARTTLS</socketType>
      <username>%EMAILLOCALPART%</username>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname>smtp.freenet.example</hostname><port>465</port><socketType>SSL</socketType>
    </outgoingServer>
  </emailProvider>
</clientConfig>
"""


def one(**fields: str) -> bytes:
    known = {"hostname": "h.example", "port": "995", "socketType": "SSL", "username": "u"} | fields
    rows = "".join(f"<{name}>{text}</{name}>" for name, text in known.items())
    return (
        f'<clientConfig><emailProvider><incomingServer type="pop3">{rows}</incomingServer>'
        "</emailProvider></clientConfig>"
    ).encode()


def test_a_whole_document() -> None:
    tls, stls = Security.IMPLICIT_TLS, Security.STLS
    assert described_servers(WHOLE, ALICE) == [
        DescribedServer("pop.freenet.example", 995, tls, ALICE, oauth2=True),
        DescribedServer("pop.freenet.example", 110, stls, "alice", oauth2=False),
    ]


@pytest.mark.parametrize(
    ("written", "user"),
    [
        ("%EMAILADDRESS%", ALICE),
        ("%EMAILLOCALPART%", "alice"),
        ("%EMAILLOCALPART%.%EMAILDOMAIN%", "alice.example.org"),
        ("example/%EMAILLOCALPART%", "example/alice"),
        ("%REALNAME%", ALICE),
        ("", ALICE),
        ("a&#9;b", ALICE),
        ("100%", "100%"),
    ],
)
def test_names_to_sign_in_with(written: str, user: str) -> None:
    (server,) = described_servers(one(username=written), ALICE)
    assert server.user == user


def test_a_host_may_depend_on_the_domain() -> None:
    (server,) = described_servers(one(hostname="pop.%EMAILDOMAIN%"), ALICE)
    assert server.host == "pop.example.org"


def test_of_two_values_the_first_counts() -> None:
    document = one().replace(b"<port>", b"<port>1995</port><port>")
    (server,) = described_servers(document, ALICE)
    assert server.port == 1995


@pytest.mark.parametrize(
    "fields",
    [
        {"hostname": ""},
        {"hostname": "a b"},
        {"hostname": "%REALNAME%.example"},
        {"port": ""},
        {"port": "0"},
        {"port": "65536"},
        {"port": "9" * 5000},
        {"port": "-1"},
        {"port": "99x"},
        {"port": "\N{ARABIC-INDIC DIGIT ONE}"},
        {"socketType": "plain"},
        {"socketType": ""},
        {"socketType": "TLS"},
    ],
)
def test_what_makes_no_sense_is_left_out(fields: dict[str, str]) -> None:
    assert described_servers(one(**fields), ALICE) == []


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"404 Not Found",
        b"<html><body/></html>",
        b"<clientConfig>",
        one()[:-1],
        b'<!DOCTYPE html SYSTEM "about:legacy-compat"><clientConfig/>',
        b'<!DOCTYPE c [<!ENTITY a "h.example">]>' + one(hostname="&a;"),
        ('<!DOCTYPE c [<!ENTITY a "h">]>' + one(hostname="&a;").decode()).encode("utf-16"),
        one(hostname="&a;"),
        b'<?xml version="1.0" encoding="none-such"?><clientConfig/>',
        b'<?xml version="1.0" encoding="rot13"?><clientConfig/>',
        b"\xff\xfe\xfd",
    ],
)
def test_what_is_no_document(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"not well-formed XML|it declares|its root"):
        described_servers(document, ALICE)


def test_of_many_servers_some_are_taken() -> None:
    start, end = b"<clientConfig><emailProvider>", b"</emailProvider></clientConfig>"
    server = one()[len(start) : -len(end)]
    found = described_servers(start + server * (MOST_SERVERS + 1) + end, ALICE)
    assert len(found) == MOST_SERVERS
