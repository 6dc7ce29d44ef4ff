"""Every fault names its place, the value and the remedy; and all are shown at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pillarbox.app.config import ConfigError, load


def faults_of(
    path: Path,
    text: str = "",
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    *,
    serving: bool = False,
) -> list[str]:
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path, overrides, environ or {}, serving=serving)
    return [str(fault).replace(f"{path}", "FILE") for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Unknown names
        ("[server]\nhostnam = 'a'", "FILE:2: server.hostnam: there is no such setting; did you mean server.hostname?"),
        ("[sever]\nhostname = 'a'", "FILE:1: sever: there is no such section; did you mean [server]?"),
        ("[server]\nidle_timeout = 60", "FILE:2: server.idle_timeout: there is no such setting; did you mean limits.idle_timeout?"),
        ("hostname = 'a'", "FILE:1: hostname: there is no such section; did you mean server.hostname?"),
        ("[zzz]", "FILE:1: zzz: there is no such section; the sections are server, listen, tls, auth, store, delivery, retention, limits"),
        ("[tls]\nzzz = 1", "FILE:2: tls.zzz: there is no such setting; [tls] has certificate, key, minimum, sni, strict_sni, client_certificates, client_ca, client_crl, client_identity"),
        ("server = 1", "FILE:1: server: is a section, not a value; write [server] on a line of its own"),
        # Types
        ("[server]\nworkers = '2'", 'FILE:2: server.workers: "2" will not do; write a whole number from 1 to 1024'),
        ("[server]\nworkers = true", "FILE:2: server.workers: true will not do; write a whole number from 1 to 1024"),
        ("[server]\nworkers = 1.5", "FILE:2: server.workers: 1.5 will not do; write a whole number from 1 to 1024"),
        ("[server]\nhostname = 1", "FILE:2: server.hostname: 1 will not do; write a text in quotes"),
        ("[server]\nhostname = { a = 1 }", "FILE:2: server.hostname: a table will not do; write a text in quotes"),
        ("[auth]\napop = 'yes'", 'FILE:2: auth.apop: "yes" will not do; write true or false'),
        ("[listen]\nsmtp = '[::]:25'", 'FILE:2: listen.smtp: "[::]:25" will not do; write a list, each "HOST:PORT", "[::1]:PORT" or "unix:/PATH"'),
        ("[listen]\nsmtp = [25]", 'FILE:2: listen.smtp: [25] will not do; write a list, each "HOST:PORT", "[::1]:PORT" or "unix:/PATH"'),
        ("[tls]\ncertificate = 1", "FILE:2: tls.certificate: 1 will not do; write a path in quotes"),
        ("[tls]\ncertificate = ''", 'FILE:2: tls.certificate: "" is not a path'),
        ("[tls]\ncertificate = '~nobody-of-that-name/x'", 'FILE:2: tls.certificate: "~nobody-of-that-name/x" names no home folder; write the path in full'),
        # Values
        ("[auth]\ncleartext = 'allways'", 'FILE:2: auth.cleartext: "allways" is not known here; did you mean "always"?'),
        ("[auth]\nmechanisms = ['plain']", 'FILE:2: auth.mechanisms: "plain" is not known here; did you mean "PLAIN"?'),
        ("[auth]\nmechanisms = ['GSSAPI']", 'FILE:2: auth.mechanisms: ["GSSAPI"] will not do; write a list, each "CRAM-MD5" or "EXTERNAL" or "LOGIN" or "OAUTHBEARER" or "PLAIN" or "SCRAM-SHA-1" or "SCRAM-SHA-1-PLUS" or "SCRAM-SHA-256" or "SCRAM-SHA-256-PLUS" or "XOAUTH2"'),
        ("[auth]\nmechanisms = ['SCRAM-SHA256']", 'FILE:2: auth.mechanisms: "SCRAM-SHA256" is not known here; did you mean "SCRAM-SHA-256"?'),
        ("[auth]\nmechanisms = ['PLAIN', 'PLAIN']", 'FILE:2: auth.mechanisms: "PLAIN" stands there twice; once is enough'),
        ("[tls]\nminimum = '1.1'", 'FILE:2: tls.minimum: "1.1" will not do; write "1.2" or "1.3"'),
        ("[store]\nengine = 'sqlite'", 'FILE:2: store.engine: "sqlite" will not do; write "cluster" or "embedded"'),
        ("[server]\nhostname = 'a b'", 'FILE:2: server.hostname: "a b" is not a host name; write one like "mail.example.org"'),
        ("[server]\nuser = ''", 'FILE:2: server.user: "" is not a user name; name the system user that the server becomes'),
        ("[listen]\npop3 = ['::1:110']", 'FILE:2: listen.pop3: "::1:110" is not an address; an IPv6 address goes in brackets: "[::1]:995"'),
        ("[delivery]\ndomains = ['@a.org']", 'FILE:2: delivery.domains: "@a.org" is not a domain; a name like "example.org", without @'),
        ("[delivery]\ndomains = ['bücher.example']", 'FILE:2: delivery.domains: "bücher.example" is not a domain; write it as "xn--bcher-kva.example"'),
        ("[delivery]\ndomains = ['a.org', 'A.org']", 'FILE:2: delivery.domains: "a.org" stands there twice; once is enough'),
        # Ranges
        ("[server]\nworkers = 0", "FILE:2: server.workers: 0 will not do; write a whole number from 1 to 1024"),
        ("[limits]\nconnections = -1", "FILE:2: limits.connections: -1 will not do; write a whole number from 1 to 10000000"),
        ("[limits]\nidle_timeout = 0", "FILE:2: limits.idle_timeout: 0 will not do; write a number of seconds from 1 to 604800"),
        ("[limits]\nidle_timeout = nan", "FILE:2: limits.idle_timeout: nan will not do; write a number of seconds from 1 to 604800"),
        ("[limits]\nstop_grace = inf", "FILE:2: limits.stop_grace: inf will not do; write a number of seconds from 0 to 604800"),
        ("[delivery]\nmax_message_octets = 0", "FILE:2: delivery.max_message_octets: 0 will not do; write a whole number from 1024 to 2147483647"),
        ("[delivery]\nquota_octets = 99999999999999999999", "FILE:2: delivery.quota_octets: 99999999999999999999 will not do; write a whole number from 0 to 9007199254740992"),
        # Later capabilities
        ("[store]\nengine = 'maildir'", 'FILE:2: store.engine: "maildir" is not available yet in this version: serving Maildir folders; write "embedded"'),
        ("[store]\npath = '/home/{user}/Maildir'", 'FILE:2: store.path: "/home/{user}/Maildir" is not available yet in this version: serving Maildir folders; write one folder for all mail'),
        ("[tls]\ncertificate = 'a'\n[[tls.sni]]\nnames = ['a.b']", "FILE:4: tls.sni.certificate: is missing; each table needs it"),
        ("[tls]\ncertificate = 'a'\n[[tls.sni]]\nnames = ['a.b']\ncertificate = 'b'\n[[tls.sni]]\nnames = []\ncertificate = 'c'", "FILE:7: tls.sni.names: [] will not do; write a list, each a text in quotes"),
        ("[tls]\ncertificate = 'a'\n[[tls.sni]]\nname = ['a.b']\nnames = ['b']\ncertificate = 'b'", "FILE:4: tls.sni.name: there is no such setting; did you mean tls.sni.names?"),
        ("[tls]\ncertificate = 'a'\n[tls.sni]\nkey = 'x'", "FILE:3: tls.sni: is a list of tables; write [[tls.sni]] in the file, once for each"),
        ("[tls]\nsni = 'x'", "FILE:2: tls.sni: is a list of tables; write [[tls.sni]] in the file, once for each"),
        ("[tls]\ncertificate = 'a'\nsni = [{ names = ['a.b'], certificate = 1 }]", "FILE:3: tls.sni.certificate: 1 will not do; write a path in quotes"),
        ("[tls]\ncertificate = 'a'\n[[tls.sni]]\nnames = ['a.*.b']\ncertificate = 'b'", 'FILE:4: tls.sni: "a.*.b" is not a host name; write one like "mail.example.org" or "*.example.org"'),
        ("[tls]\ncertificate = 'a'\n[[tls.sni]]\nnames = ['a.b', 'A.b.']\ncertificate = 'b'", 'FILE:4: tls.sni: "a.b" stands there twice; once is enough'),
        ("[[tls.sni]]\nnames = ['a.b']\ncertificate = 'b'", "FILE:2: tls.sni: needs a certificate for clients that ask for none of its names; set tls.certificate"),
        ("[tls]\ncertificate = 'a'\nclient_certificates = 'required'", 'FILE:3: tls.client_certificates: "required" needs the authorities to accept; set tls.client_ca to their PEM file'),
        ("[tls]\nclient_ca = 'a'\nclient_certificates = 'optional'", 'FILE:3: tls.client_certificates: "optional" needs TLS; set tls.certificate'),
        ("[tls]\nclient_crl = 'a'", "FILE:2: tls.client_crl: is a revocation list without its authorities; set tls.client_ca, too"),
        ("[tls]\nclient_identity = ['mail']", 'FILE:2: tls.client_identity: "mail" is not known here; did you mean "email"?'),
        ("[listen]\nproxy_from = ['10.0.0.1/8']", 'FILE:2: listen.proxy_from: "10.0.0.1/8" is an address within a network; did you mean "10.0.0.0/8"?'),
        ("[limits]\ndeny = ['eve']", 'FILE:2: limits.deny: "eve" is not a network; write "10.0.0.0/8", "2001:db8::/32", one address, or "unix"'),
        ("[limits]\ndeny = '10.0.0.0/8'", 'FILE:2: limits.deny: "10.0.0.0/8" will not do; write a list, each "10.0.0.0/8", "2001:db8::/32", one address, or "unix"'),
        ("[listen]\nproxy_doors = ['http']", 'FILE:2: listen.proxy_doors: ["http"] will not do; write a list, each "lmtp" or "pop3" or "pop3s" or "smtp"'),
        ("[auth]\nmechanisms = ['PLAIN', 'XOAUTH2']", 'FILE:2: auth.mechanisms: "XOAUTH2" needs something that checks access tokens; set up [auth.oauth], or leave it out'),
        ("[auth]\nmechanisms = ['EXTERNAL']", 'FILE:2: auth.mechanisms: "EXTERNAL" needs client certificates, and none is asked for; set tls.client_certificates, or leave it out'),
        ("[retention]\nexpire_days = -1", "FILE:2: retention.expire_days: -1 will not do; write a whole number from 0 to 36525"),
        ("[retention]\nunread_by_device_days = 0.5", "FILE:2: retention.unread_by_device_days: 0.5 will not do; write a whole number from 0 to 36525"),
        ("[limits]\nsessions_per_user = 2", "FILE:2: limits.sessions_per_user: 2 is not available yet in this version: several sessions of one maildrop; write 1"),
        # Rules between settings
        ("[tls]\nkey = 'k.pem'", "FILE:2: tls.key: is a key without its certificate; set tls.certificate, too"),
        ("[listen]\npop3 = ['[::1]:110']\nsmtp = ['[::1]:110']", 'FILE:3: listen.smtp: "[::1]:110" is already taken by listen.pop3; give each door its own address'),
        # TOML itself
        ("[server\n", "FILE:1: is not TOML: expected ']' at the end of a table declaration"),
        ("[server]\n\nhostname = mail", 'FILE:3: is not TOML: invalid value; texts stand in quotes: key = "value"'),
        ("[server]\nuser = 'a'\nuser = 'b'", "FILE:3: is not TOML: cannot overwrite a value"),
        ("[server]\nuser = 'a", "FILE:2: is not TOML:"),
    ],
)  # fmt: skip
def test_a_fault_in_the_file(tmp_path: Path, text: str, expected: str) -> None:
    (fault,) = faults_of(tmp_path / "p.toml", text)
    assert fault.startswith(expected) if expected.endswith(":") else fault == expected


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("workers=2", '--set: "workers=2" sets nothing; write --set section.key=value'),
        ("server.workers", '--set: "server.workers" sets nothing; write --set section.key=value'),
        ("server.worker=2", "--set: server.worker: there is no such setting; did you mean server.workers?"),
        ("server.workers=two", '--set: server.workers: "two" will not do; write a whole number from 1 to 1024'),
        ("limits.stop_grace=1 min", '--set: limits.stop_grace: "1 min" will not do; write a number of seconds from 0 to 604800'),
        ("limits.login_delay=1.5", '--set: limits.login_delay: "1.5" will not do; write a whole number from 0 to 604800'),
        ("auth.apop=maybe", '--set: auth.apop: "maybe" will not do; write true or false'),
        ("tls.sni=x", "--set: tls.sni: is a list of tables; write [[tls.sni]] in the file, once for each"),
        ("tls.sni.key=x", "--set: tls.sni.key: is a list of tables; write [[tls.sni]] in the file, once for each"),
        ("limits.deny=10.0.0.1/8", '--set: limits.deny: "10.0.0.1/8" is an address within a network; did you mean "10.0.0.0/8"?'),
        ("listen.pop3=110", '--set: listen.pop3: "110" is not an address; write "HOST:PORT" or "unix:/PATH"'),
        ("store.engine=maildir", '--set: store.engine: "maildir" is not available yet in this version: serving Maildir folders; write "embedded"'),
        ("a=b.c=d", '--set: "a=b.c=d" sets nothing; write --set section.key=value'),
    ],
)  # fmt: skip
def test_a_fault_on_the_command_line(tmp_path: Path, override: str, expected: str) -> None:
    assert faults_of(tmp_path / "p.toml", overrides=[override]) == [expected]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("PILLARBOX_SERVER__WORKER", "PILLARBOX_SERVER__WORKER: server.worker: there is no such setting; did you mean server.workers?"),
        ("PILLARBOX_SERVER__WORKERS", 'PILLARBOX_SERVER__WORKERS: server.workers: "x" will not do; write a whole number from 1 to 1024'),
        ("PILLARBOX_SERVER_WORKERS", "PILLARBOX_SERVER_WORKERS: server.workers: has one underscore; write PILLARBOX_SERVER__WORKERS"),
    ],
)  # fmt: skip
def test_a_fault_in_the_environment(tmp_path: Path, name: str, expected: str) -> None:
    assert faults_of(tmp_path / "p.toml", environ={name: "x"}) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "listen.pop3s: a door with TLS needs a certificate; set tls.certificate and tls.key to its PEM files, or close the door: pop3s = []"),
        ("[listen]\npop3s = ['[::]:995']", "FILE:2: listen.pop3s: a door with TLS needs a certificate; set tls.certificate and tls.key to its PEM files, or close the door: pop3s = []"),
        ("[listen]\npop3s = []\n[auth]\nmechanisms = ['SCRAM-SHA-256-PLUS']", 'FILE:4: auth.mechanisms: "SCRAM-SHA-256-PLUS" binds a sign-in to TLS, and there is none; set tls.certificate, or leave it out'),
        ("[listen]\npop3s = []\n[auth]\ncleartext = 'never'", 'listen.pop3: hardly anybody can sign in: no TLS, and no password without; set tls.certificate, or auth.cleartext = "loopback"'),
        ("[listen]\npop3s = []\npop3 = []\nlmtp = []", 'FILE:2: listen.pop3s: every door is closed; open one: pop3s = ["[::]:995"]'),
    ],
)  # fmt: skip
def test_what_only_a_server_needs_is_asked_for_only_then(
    tmp_path: Path, text: str, expected: str
) -> None:
    path = tmp_path / "p.toml"
    assert faults_of(path, text, serving=True) == [expected]
    load(path, environ={})


def test_all_faults_are_shown_at_once_and_none_twice(tmp_path: Path) -> None:
    text = "[server]\nhostnam = 'a'\nworkers = 0\n[listen]\npop3s = ['x']\n[auth]\napop = 1\n"
    faults = faults_of(
        tmp_path / "p.toml",
        text,
        overrides=["limits.connections=none"],
        environ={"PILLARBOX_TLS__MINIMUM": "1.0"},
        serving=True,
    )
    settings = [fault.split(": ")[1] for fault in faults]
    assert settings == [
        "server.hostnam",
        "server.workers",
        "listen.pop3s",
        "auth.apop",
        "tls.minimum",
        "limits.connections",
    ]


def test_a_fault_in_a_value_that_is_overridden_is_shown_too(tmp_path: Path) -> None:
    faults = faults_of(tmp_path / "p.toml", "[server]\nworkers = 0", ["server.workers=1"])
    assert faults == ["FILE:2: server.workers: 0 will not do; write a whole number from 1 to 1024"]


def test_the_error_itself_reads_as_its_faults_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text("[a]\n[b]\n")
    with pytest.raises(ConfigError) as caught:
        load(path, environ={})
    lines = str(caught.value).split("\n")
    assert [line.split(": ")[0] for line in lines] == [f"{path}:1", f"{path}:2"]


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path / "p.toml", f"[server]\nworkers = '{'9' * 500}'")
    assert len(fault) < 200


def test_a_missing_file_that_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none.toml", environ={})
    assert str(caught.value) == (
        f"{tmp_path}/none.toml: cannot be read: No such file or directory; name another with --config"
    )


@pytest.mark.parametrize("text", [None, "[server\n"])
def test_a_file_that_cannot_be_read_is_the_only_fault(tmp_path: Path, text: str | None) -> None:
    """What stands in it is not known: nobody is told to set a certificate that may be set there."""
    path = tmp_path / "p.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path, environ={}, serving=True)
    assert len(caught.value.faults) == 1


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, environ={})
    assert str(caught.value) == f"{tmp_path}: cannot be read: Is a directory"


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(b"[server]\n# \xff\n")
    with pytest.raises(ConfigError) as caught:
        load(path, environ={})
    assert str(caught.value) == f"{path}:2: is not UTF-8 text; save the file as UTF-8"


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(ConfigError) as caught:
        load(path, environ={})
    assert "larger than a configuration can be" in str(caught.value)


def test_windows_line_ends_and_a_byte_order_mark_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(b'\xef\xbb\xbf[server]\r\nhostname = "a.example"\r\nworker = 1\r\n')
    with pytest.raises(ConfigError) as caught:
        load(path, environ={})
    assert str(caught.value).startswith(f"{path}:3: server.worker:")
