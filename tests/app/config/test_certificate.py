"""What clients would say of the certificate, said to the operator first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from pillarbox.app.config import Config, Fault
from pillarbox.app.config.certificate import certificate_warnings
from pillarbox.app.config.settings import Server, Sni, Tls

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
YEAR = timedelta(days=365)


def warnings(
    tmp_path: Path,
    *names: str,
    hostname: str = "mail.example.org",
    begin: datetime = NOW - YEAR,
    end: datetime = NOW + YEAR,
    common_name: str | None = None,
) -> tuple[Fault, ...]:
    """Of a server of that *hostname*, with a certificate for *names*."""
    issued = trustme.CA().issue_cert(
        *names, common_name=common_name, not_before=begin, not_after=end
    )
    file = tmp_path / "cert.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(file)  # the key is in the same file
    config = Config(
        server=Server(hostname=hostname), tls=Tls(certificate=file), file=tmp_path / "p.toml"
    )
    return certificate_warnings(config, now=NOW)


def test_a_good_certificate(tmp_path: Path) -> None:
    assert warnings(tmp_path, "mail.example.org") == ()


def test_no_certificate() -> None:
    assert certificate_warnings(Config(), now=NOW) == ()


def test_an_expired_certificate(tmp_path: Path) -> None:
    end = NOW - timedelta(hours=1)
    (warning,) = warnings(tmp_path, "mail.example.org", end=end)
    assert str(warning) == (
        f"{tmp_path}/p.toml: tls.certificate: {tmp_path}/cert.pem expired on 2026-03-01 11:00 UTC; "
        "clients refuse it: renew it"
    )


def test_a_certificate_that_is_not_valid_yet(tmp_path: Path) -> None:
    begin = NOW + timedelta(days=2)
    (warning,) = warnings(tmp_path, "mail.example.org", begin=begin)
    assert warning.problem == f"{tmp_path}/cert.pem is not valid before 2026-03-03 12:00 UTC"
    assert "clock" in warning.hint


@pytest.mark.parametrize(("left", "warned"), [(13, True), (15, False)])
def test_a_certificate_that_expires_within_14_days(
    tmp_path: Path, left: int, *, warned: bool
) -> None:
    end = NOW + timedelta(days=left)
    found = warnings(tmp_path, "mail.example.org", end=end)
    assert [f.problem for f in found] == (
        [f"{tmp_path}/cert.pem expires on 2026-03-14 12:00 UTC"] if warned else []
    )


@pytest.mark.parametrize(("left", "warned"), [(47, True), (49, False)])
def test_of_a_certificate_for_6_days_the_last_third_counts(
    tmp_path: Path, left: int, *, warned: bool
) -> None:
    """Those are renewed every few days; 14 days would always be a warning."""
    end = NOW + timedelta(hours=left)
    found = warnings(tmp_path, "mail.example.org", begin=end - timedelta(days=6), end=end)
    assert bool(found) is warned


@pytest.mark.parametrize(
    ("hostname", "names"),
    [
        ("mail.example.org", ["example.org", "Mail.Example.ORG"]),
        ("mail.example.org", ["*.example.org"]),
        ("xn--bcher-kva.example", ["xn--bcher-kva.example"]),
        ("192.0.2.7", ["192.0.2.7"]),
    ],
)
def test_a_certificate_for_the_hostname(tmp_path: Path, hostname: str, names: list[str]) -> None:
    assert warnings(tmp_path, *names, hostname=hostname) == ()


@pytest.mark.parametrize(
    ("hostname", "names"),
    [
        ("mail.example.org", ["example.org"]),
        ("a.mail.example.org", ["*.example.org"]),
        ("example.org", ["*.example.org"]),
        ("192.0.2.7", ["192.0.2.8"]),
        ("mail.example.org", []),
    ],
)
def test_a_certificate_for_another_name(tmp_path: Path, hostname: str, names: list[str]) -> None:
    """RFC 6125, section 6.4: one label for the star; a common name does not count."""
    (warning,) = warnings(tmp_path, *names, hostname=hostname, common_name="mail.example.org")
    shown = ", ".join(names) or "no name at all"
    assert warning.setting == "server.hostname"
    assert warning.problem == (
        f'"{hostname}" is not a name of the certificate {tmp_path}/cert.pem (it is for {shown})'
    )


def test_certificates_by_name(tmp_path: Path) -> None:
    """Each is for the names for which it is shown, and lives long enough."""
    issued = trustme.CA().issue_cert("mail.example.org", "*.example.net", not_after=NOW + YEAR)
    old = trustme.CA().issue_cert("b.example.com", not_after=NOW - timedelta(hours=1))
    for name, leaf in {"good": issued, "old": old}.items():
        leaf.private_key_and_cert_chain_pem.write_to_path(tmp_path / name)
    names = ("pop.example.net", "*.example.net", "*.example.com")
    tables = (
        Sni(names=names, certificate=tmp_path / "good"),
        Sni(names=("b.example.com",), certificate=tmp_path / "old"),
        Sni(names=("c.example.com",), certificate=tmp_path / "missing"),
    )
    tls = Tls(certificate=tmp_path / "good", sni=tables)
    config = Config(server=Server(hostname="mail.example.org"), tls=tls)
    another, expired = certificate_warnings(config, now=NOW)
    assert another.setting == expired.setting == "tls.sni"
    assert another.problem == (
        f'"*.example.com" is not a name of the certificate {tmp_path}/good '
        "(it is for mail.example.org, *.example.net)"
    )
    assert expired.problem == f"{tmp_path}/old expired on 2026-03-01 11:00 UTC"


def test_a_file_that_is_no_certificate_is_left_to_who_loads_it(tmp_path: Path) -> None:
    for content in (
        None,
        b"garbage",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ):
        file = tmp_path / "cert.pem"
        if content is not None:
            file.write_bytes(content)
        assert certificate_warnings(Config(tls=Tls(certificate=file)), now=NOW) == ()
