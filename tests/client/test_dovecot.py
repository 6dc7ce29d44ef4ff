"""Against Dovecot: every way to sign in, and the corpus byte for byte."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import pillarbox
from pillarbox.client.errors import OutOfStep, SignInRefused
from pillarbox.client.tls import TlsSettings
from tests.corpus import corpus
from tests.postoffice import PASSWORD
from tests.realservers.dovecot import dovecot as open_dovecot
from tests.realservers.dovecot import why_not
from tests.realservers.server import MaildirServer

REASON = why_not()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN", "APOP", "USER")
OFFERED = "plain login cram-md5 scram-sha-1 scram-sha-256 apop"

# As every server that takes mail in does it. (A dot that is the very first octet of a mail
# Dovecot does not stuff; see the last test.)
MAILS = [b"Received: by a server\r\n" + sample.canonical for sample in corpus()]


@pytest.fixture(scope="module")
def dovecot() -> Iterator[MaildirServer]:
    with open_dovecot(OFFERED) as server:
        server.put(MAILS)
        yield server


def trust(server: MaildirServer) -> TlsSettings:
    return TlsSettings(ca=server.authority)


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("scheme", ["pop3s", "pop3"])
async def test_the_corpus(scheme: str, pipelining: bool, dovecot: MaildirServer) -> None:
    async with pillarbox.connect(
        dovecot.url(scheme), password=PASSWORD, tls=trust(dovecot), pipelining=pipelining
    ) as box:
        assert box.mechanism == "SCRAM-SHA-256"
        assert box.capabilities.pipelining
        scans, unique_ids = await box.listings()
        assert unique_ids is not None
        assert len({unique_id for _, unique_id in unique_ids.entries}) == len(MAILS)
        sizes = dict(scans.entries)
        got = [await m.read() async for m in box.retrieve_many(sizes, sizes=sizes)]
        assert got == MAILS
        await box.in_step()


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_every_way_to_sign_in(mechanism: str, dovecot: MaildirServer) -> None:
    with pillarbox.sync.connect(
        dovecot.url("pop3"), password=PASSWORD, tls=trust(dovecot), mechanism=mechanism
    ) as box:
        assert box.mechanism == mechanism
        assert box.stat().count == len(MAILS)


def test_a_wrong_password(dovecot: MaildirServer) -> None:
    with pytest.raises(SignInRefused):
        pillarbox.sync.connect(dovecot.url("pop3s"), password="wrong", tls=trust(dovecot))


def test_a_body_that_is_cut_by_its_own_dot_is_found_out() -> None:
    mails = [b".\r\nwhat comes behind the dot\r\n", b"Received: x\r\n\r\ny\r\n"]
    with open_dovecot() as server:
        server.put(mails)
        box = pillarbox.sync.connect(server.url("pop3s"), password=PASSWORD, tls=trust(server))
        first = box.retrieve(1)
        assert first.read() == b""  # looks whole
        with pytest.raises(OutOfStep):
            box.in_step()
        box.close()
