"""Settings that work, but that nobody wants without knowing."""

from pathlib import Path

import pytest

from pillarbox.app.config import load


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[limits]\nidle_timeout = 60", "FILE:2: limits.idle_timeout: 60 seconds are fewer than RFC 1939 asks for; slow clients want 600 or more"),
        ("[auth]\ncleartext = 'always'", 'FILE:2: auth.cleartext: passwords may cross the network in the clear; "loopback" is safer'),
        ("[auth]\nmechanisms = ['PLAIN', 'CRAM-MD5']", "FILE:2: auth.mechanisms: CRAM-MD5 rests on MD5 and on readable secrets; SCRAM-SHA-256 is safer, and so is PLAIN within TLS"),
        ("[auth]\napop = true", "FILE:2: auth.apop: APOP rests on MD5 and on readable secrets; PLAIN within TLS is safer"),
        ("[limits]\nconnections = 10", "limits.connections_per_address: is larger than limits.connections, so it limits nothing"),
        ("[delivery]\nquota_octets = 1000", "FILE:2: delivery.quota_octets: is smaller than one message of delivery.max_message_octets"),
        ("[listen]\nproxy_from = ['::/0']", 'FILE:2: listen.proxy_from: "::/0" lets everybody write the address that limits and logs go by; name the load balancers'),
        ("[listen]\nproxy_from = ['unix']\nproxy_doors = ['lmtp']", 'FILE:2: listen.proxy_from: "unix" lets everybody on this machine write the address that limits and logs go by; set listen.socket_mode to "0660"'),
        ("[listen]\nproxy_tls = true", "FILE:2: listen.proxy_tls: has no effect; name the load balancers in listen.proxy_from"),
        ("[limits]\ndeny = ['0.0.0.0/0']", 'FILE:2: limits.deny: "0.0.0.0/0" keeps everybody out'),
        ("[tls]\nclient_ca = 'x'", 'FILE:2: tls.client_ca: has no effect: clients are not asked for a certificate; set tls.client_certificates to "optional" or "required"'),
        ("[tls]\ncertificate = 'a'\nclient_ca = 'x'\nclient_certificates = 'required'", 'FILE:4: tls.client_certificates: does not hold without TLS, and passwords are taken from this machine without it; auth.cleartext = "never" closes that way'),
    ],
)  # fmt: skip
def test_a_warning(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text)
    (warning,) = load(path, environ={}).warnings
    assert str(warning).replace(str(path), "FILE") == expected


@pytest.mark.parametrize(
    "text",
    [
        "[limits]\nidle_timeout = 600",
        "[auth]\ncleartext = 'never'",
        "[auth]\napop = false",
        "[listen]\nproxy_from = ['10.0.0.0/8']\nproxy_tls = true",
        "[listen]\nproxy_from = ['unix']\nproxy_doors = ['lmtp']\nsocket_mode = '0660'",
        "[listen]\nproxy_from = ['unix']",
        "[limits]\ndeny = ['10.0.0.0/8']\nallow = ['0.0.0.0/0', '::/0']",
        "[tls]\ncertificate = 'a'\nclient_ca = 'x'\nclient_certificates = 'required'\n[listen]\npop3 = []",
    ],
)
def test_no_warning(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text)
    assert load(path, environ={}).warnings == ()
