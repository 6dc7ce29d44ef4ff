"""What clients would say of the certificate, said to the operator first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

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


def revocations(authority: trustme.CA, end: datetime) -> bytes:
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    key = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.subject)
    dated = builder.last_update(NOW - YEAR).next_update(end)
    signed = dated.sign(key, hashes.SHA256())  # type: ignore[arg-type] # trustme's are of a kind that signs
    return signed.public_bytes(serialization.Encoding.PEM)


def of_clients(tmp_path: Path, *lists: bytes, asked: str = "optional") -> tuple[Fault, ...]:
    """Of a server that checks clients' certificates with these revocation *lists*."""
    ca, crl = tmp_path / "ca.pem", tmp_path / "crl.pem"
    trustme.CA().cert_pem.write_to_path(str(ca))
    crl.write_bytes(b"".join(lists))
    tls = Tls(client_certificates=asked, client_ca=ca, client_crl=crl)  # type: ignore[arg-type] # a test's word
    return certificate_warnings(Config(tls=tls, file=tmp_path / "p.toml"), now=NOW)


def test_a_revocation_list_that_has_expired_is_said_before_clients_are_locked_out(
    tmp_path: Path,
) -> None:
    """OpenSSL refuses every certificate of an authority whose list has expired."""
    authority = trustme.CA(organization_name="People")
    good, old = (revocations(authority, NOW + days) for days in (YEAR, timedelta(hours=-1)))
    soon = revocations(authority, NOW + timedelta(days=3))
    assert of_clients(tmp_path, good) == ()
    assert of_clients(tmp_path, old, asked="off") == ()
    expired, expires = of_clients(tmp_path, good, old, soon)
    assert expired.setting == expires.setting == "tls.client_crl"
    assert expired.problem.startswith(f"{tmp_path}/crl.pem: the list of ")
    assert expired.problem.endswith("expired on 2026-03-01 11:00 UTC")
    assert "refused" in expired.hint
    assert expires.problem.endswith("expires on 2026-03-04 12:00 UTC")


def test_an_authority_that_has_expired(tmp_path: Path) -> None:
    issued = trustme.CA().issue_cert("people", not_before=NOW - YEAR, not_after=NOW - YEAR / 2)
    ca = tmp_path / "ca.pem"
    issued.cert_chain_pems[0].write_to_path(str(ca))
    (warning,) = certificate_warnings(
        Config(tls=Tls(client_certificates="required", client_ca=ca)), now=NOW
    )
    assert warning.setting == "tls.client_ca"
    assert "expired" in warning.problem


def test_authorities_and_lists_that_are_none_are_left_to_who_loads_them(tmp_path: Path) -> None:
    assert of_clients(tmp_path, b"-----BEGIN X509 CRL-----\nx\n-----END X509 CRL-----\n") == ()
    tls = Tls(client_certificates="required", client_ca=tmp_path, client_crl=tmp_path / "none")
    assert certificate_warnings(Config(tls=tls), now=NOW) == ()
