"""TLS settings against real servers: whom they let through, and whom not."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from pillarbox.client.errors import Insecure, InvalidSetting
from pillarbox.client.tls import TlsSettings, fingerprint_of, normal_fingerprint
from tests.client.tls_world import der_of, server_side, serving, shake_hands, write_pem

AUTHORITY = trustme.CA()
LEAF = AUTHORITY.issue_cert("localhost")
PIN = fingerprint_of(der_of(LEAF))
OTHER_PIN = fingerprint_of(der_of(AUTHORITY.issue_cert("localhost")))


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    return write_pem(tmp_path / "ca.pem", AUTHORITY.cert_pem)


async def test_an_authority_of_ones_own(ca: Path) -> None:
    async with serving(server_side(LEAF)) as port:
        tls = await shake_hands(TlsSettings(ca=ca), port)
    assert tls.selected_alpn_protocol() == "pop3"
    assert tls.version() in {"TLSv1.2", "TLSv1.3"}


def test_files_may_be_named_by_strings(ca: Path) -> None:
    assert (
        TlsSettings(ca=str(ca)).context().get_ca_certs()
        == TlsSettings(ca=ca).context().get_ca_certs()
    )
    with pytest.raises(InvalidSetting, match="none-such"):
        TlsSettings(client_certificate="none-such").context()


async def test_the_servers_own_certificate_may_be_the_one_that_is_trusted(tmp_path: Path) -> None:
    own = write_pem(tmp_path / "own.pem", LEAF.cert_chain_pems[0])
    async with serving(server_side(LEAF)) as port:
        await shake_hands(TlsSettings(ca=own), port)


@pytest.mark.parametrize("given", [TlsSettings(), TlsSettings(ca=Path("other"))])
async def test_nobody_else_is_trusted(given: TlsSettings, tmp_path: Path) -> None:
    if given.ca:
        given = TlsSettings(ca=write_pem(tmp_path / "other.pem", trustme.CA().cert_pem))
    async with serving(server_side(LEAF)) as port:
        with pytest.raises(ssl.SSLCertVerificationError):
            await shake_hands(given, port)


async def test_the_name_counts(ca: Path) -> None:
    async with serving(server_side(LEAF)) as port:
        with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
            await shake_hands(TlsSettings(ca=ca), port, name="mail.example.org")


@pytest.mark.parametrize(
    "spelling",
    [PIN, PIN.lower(), PIN.replace(":", ""), f" {PIN.replace(':', ' ')}\n"],
    ids=["openssl", "lower", "bare", "spaced"],
)
async def test_a_pin_stands_in_for_authority_and_name(spelling: str) -> None:
    async with serving(server_side(LEAF)) as port:
        await shake_hands(TlsSettings(fingerprint=spelling), port, name="mail.example.org")


async def test_another_certificate_than_the_pinned_one_is_refused() -> None:
    async with serving(server_side(LEAF)) as port:
        with pytest.raises(Insecure, match="not the pinned one") as caught:
            await shake_hands(TlsSettings(fingerprint=OTHER_PIN), port)
    assert PIN in str(caught.value)


async def test_a_pin_takes_nothing_away_from_a_given_authority(ca: Path, tmp_path: Path) -> None:
    other = write_pem(tmp_path / "other.pem", trustme.CA().cert_pem)
    async with serving(server_side(LEAF)) as port:
        await shake_hands(TlsSettings(ca=ca, fingerprint=PIN), port)
        with pytest.raises(ssl.SSLCertVerificationError):
            await shake_hands(TlsSettings(ca=other, fingerprint=PIN), port)
        with pytest.raises(Insecure):
            await shake_hands(TlsSettings(ca=ca, fingerprint=OTHER_PIN), port)


def test_a_pin_is_not_satisfied_by_no_certificate() -> None:
    with pytest.raises(Insecure, match="no certificate"):
        TlsSettings(fingerprint=PIN).check_pin(None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "64 hexadecimal digits"),
        ("AA:BB", "64 hexadecimal digits"),
        (PIN[:-1] + "g", "64 hexadecimal digits"),
        (PIN + "00", "64 hexadecimal digits"),
        ("d41d8cd98f00b204e9800998ecf8427e", "looks like MD5"),
        ("da39a3ee5e6b4b0d3255bfef95601890afd80709", "looks like SHA-1"),
    ],
    ids=["empty", "short", "no digit", "long", "md5", "sha1"],
)
def test_what_is_no_fingerprint_is_said_before_anything_is_sent(text: str, words: str) -> None:
    with pytest.raises(InvalidSetting, match=words) as caught:
        TlsSettings(fingerprint=text).context()
    assert "openssl x509" in str(caught.value)
    with pytest.raises(InvalidSetting):
        normal_fingerprint(text)


async def test_our_certificate_is_shown_to_a_server_that_wants_one(
    ca: Path, tmp_path: Path
) -> None:
    ours = AUTHORITY.issue_cert("alice@example.org")
    file = write_pem(tmp_path / "alice.pem", ours.private_key_pem, *ours.cert_chain_pems)
    async with serving(server_side(LEAF, wants=AUTHORITY)) as port:
        await shake_hands(TlsSettings(ca=ca, client_certificate=file), port)
        with pytest.raises(ssl.SSLError):
            await shake_hands(TlsSettings(ca=ca), port)


def test_tls_before_1_2_is_never_spoken() -> None:
    for settings in (TlsSettings(), TlsSettings(fingerprint=PIN)):
        assert settings.context().minimum_version is ssl.TLSVersion.TLSv1_2


def test_files_that_cannot_be_used_are_named_with_the_remedy(tmp_path: Path) -> None:
    missing, empty = tmp_path / "missing.pem", tmp_path / "empty.pem"
    empty.touch()
    for settings, words in [
        (TlsSettings(ca=missing), f"{missing}: cannot be read"),
        (TlsSettings(ca=empty), f"{empty}: holds no certificates"),
        (TlsSettings(client_certificate=missing), f"{missing}: cannot be read"),
        (TlsSettings(client_certificate=empty), f"{empty}: does not hold a certificate"),
    ]:
        with pytest.raises(InvalidSetting) as caught:
            settings.context()
        assert str(caught.value).startswith(words)


def test_pairs_that_do_not_match_and_encrypted_keys_are_told_apart(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 -- only here

    pem = LEAF.private_key_pem.bytes()
    key = serialization.load_pem_private_key(pem, None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    other = AUTHORITY.issue_cert("other").private_key_pem.bytes()
    chain = LEAF.cert_chain_pems[0].bytes()
    for found, words in [(other, "not that of its certificate"), (encrypted, "is encrypted")]:
        file = tmp_path / "pair.pem"
        file.write_bytes(found + chain)
        with pytest.raises(InvalidSetting, match=words):
            TlsSettings(client_certificate=file).context()
