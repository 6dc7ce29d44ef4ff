from __future__ import annotations

import ssl
from collections.abc import AsyncIterator

import pytest
import trustme

from tests.delivery.office import Office, office


@pytest.fixture
async def lmtp() -> AsyncIterator[Office]:
    async with office("lmtp") as place:
        yield place


@pytest.fixture
async def smtp() -> AsyncIterator[Office]:
    async with office("smtp") as place:
        yield place


@pytest.fixture(params=["lmtp", "smtp"])
async def either(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    async with office(request.param) as place:
        yield place


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("mail.example.org").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def trust(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
