"""Client certificates: which of their names opens what."""

import pytest

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.auth.proofs.certificate import MOST_IDENTITIES
from pillarbox.model import Identity
from pillarbox.sasl.claims import CertificateClaim
from tests.auth.conftest import CountingPasswords
from tests.auth.proofs.conftest import known, opened, refused


@pytest.mark.parametrize(
    ("name", "identities", "user", "view"),
    [
        ("", ("alice",), "alice", "default"),
        ("", ("Alice@Example.org",), "alice", "default"),
        ("", ("mail.example.net", "nobody@example.org", "alice@example.org"), "alice", "default"),
        ("", ("bob", "alice"), "alice", "default"),  # bob is disabled
        ("", ("carol", "alice"), "carol", "default"),  # app passwords only, and certificates
        ("alice", ("carol", "alice"), "alice", "default"),
        ("alice+phone", ("alice",), "alice", "phone"),
        ("alice+phone@example.org", ("alice@example.org",), "alice", "phone"),
        ("", ("alice+phone@example.org",), "alice", "phone"),
        ("alice+phone", ("alice+phone",), "alice", "phone"),
        ("", ("alice+tablet", "alice+phone"), "alice", "phone"),
    ],
)
async def test_a_certificate_opens_what_it_stands_for(
    door: LocalAuthenticator,
    passwords: CountingPasswords,
    name: str,
    identities: tuple[str, ...],
    user: str,
    view: str,
) -> None:
    claim = CertificateClaim(name, identities)
    assert await known(door, claim) == Identity(user, view)
    assert passwords.work == []


@pytest.mark.parametrize(
    ("name", "identities", "reason"),
    [
        ("", (), "the certificate names no user"),
        ("", ("a/b", "alice@example.net"), "the certificate names no user"),
        ("", ("nobody",), "unknown user"),
        ("", ("bob",), "the account is disabled"),
        ("alice", (), "the certificate is not that user's"),
        ("alice", ("carol",), "the certificate is not that user's"),
        ("a/b", ("alice",), "the certificate is not that user's"),
        ("alice@example.net", ("alice",), "the certificate is not that user's"),
        ("alice+tablet", ("alice",), "no such device"),
        ("alice", ("alice+phone",), "the certificate is not that user's"),
        ("alice+laptop", ("alice+phone",), "the certificate is not that user's"),
        ("bob", ("bob", "alice"), "the account is disabled"),
        ("", ("x",) * MOST_IDENTITIES + ("alice",), "unknown user"),
    ],
)
async def test_everything_else_is_refused(
    door: LocalAuthenticator, name: str, identities: tuple[str, ...], reason: str
) -> None:
    assert await refused(door, CertificateClaim(name, identities)) == reason


async def test_changes_count_at_once(door: LocalAuthenticator, accounts: Accounts) -> None:
    claim = CertificateClaim("alice+phone", ("alice",))
    await opened(door, claim)
    accounts.remove_device("alice", "phone")
    await refused(door, claim)
    await opened(door, CertificateClaim("", ("alice",)))
    accounts.disable("alice")
    await refused(door, CertificateClaim("", ("alice",)))
