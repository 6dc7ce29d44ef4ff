"""Against our own server, as a process of its own: the corpus, byte for byte."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

import pillarbox
from pillarbox.client.errors import InUse, SignInRefused
from pillarbox.client.tls import TlsSettings
from pillarbox.wire.replies import Code
from tests.corpus import Sample, corpus
from tests.postoffice import DOMAIN, PASSWORD, PostOffice, send, send_content

DOORS = {"pop3s": "pop3s", "stls": "pop3"}
"""The scheme by the kind of TLS."""
USER = "alice"
LEAVER = "bob"
READER = "carol"


SENDERS = 4


class Filled(NamedTuple):
    office: PostOffice
    messages: Sequence[bytes]

    def url(self, door: str, user: str = USER) -> str:
        scheme = DOORS[door]
        host, port = self.office.addresses[scheme]
        return f"{scheme}://{user}@{host}:{port}"

    @property
    def tls(self) -> TlsSettings:
        return TlsSettings(ca=self.office.authority)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with PostOffice(tmp_path_factory.mktemp("office"), users=[USER, LEAVER, READER]) as office:
        with ThreadPoolExecutor(SENDERS) as senders:  # several share a sync to the disk

            def deliver(samples: Sequence[Sample]) -> None:
                with office.lmtp() as lmtp:
                    for sample in samples:
                        answers = send(lmtp, sample.canonical, [USER, LEAVER])
                        assert {code for code, _ in answers} == {250}, sample.name

            samples = [*corpus()]
            list(senders.map(deliver, [samples[n::SENDERS] for n in range(SENDERS)]))
        yield Filled(office, office.collect(USER))  # by poplib


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("door", DOORS)
async def test_the_corpus(door: str, pipelining: bool, filled: Filled) -> None:
    async with pillarbox.connect(
        filled.url(door), password=PASSWORD, tls=filled.tls, pipelining=pipelining
    ) as box:
        assert box.capabilities.pipelining
        assert box.capabilities.implementation.startswith("Pillarbox")
        scans, unique_ids = await box.listings()
        assert (scans.junk, unique_ids and unique_ids.junk) == (0, 0)
        assert [octets for _, octets in scans.entries] == [len(text) for text in filled.messages]
        sizes = dict(scans.entries)
        got = [await m.read() async for m in box.retrieve_many(sizes, sizes=sizes)]
        assert got == filled.messages
        await box.in_step()
        header = filled.messages[0].partition(b"\r\n\r\n")[0]
        assert (await box.top(1)).startswith(header)


@pytest.mark.parametrize("door", DOORS)
def test_the_corpus_blocking(door: str, filled: Filled) -> None:
    with pillarbox.sync.connect(filled.url(door), password=PASSWORD, tls=filled.tls) as box:
        sizes = dict(box.list())
        got = [message.read() for message in box.retrieve_many(sizes, sizes=sizes)]
        assert got == filled.messages
        largest = max(sizes, key=lambda number: sizes[number])
        assert b"".join(box.retrieve(largest)) == filled.messages[largest - 1]
        box.in_step()
        assert [number for number, _ in box.uidl()] == list(sizes)
        assert box.stat() == (len(sizes), sum(sizes.values()))


def test_leaving_with_and_without_quit(filled: Filled) -> None:
    url = filled.url("pop3s", LEAVER)

    def count() -> int:
        with pillarbox.sync.connect(url, password=PASSWORD, tls=filled.tls) as box:
            return box.stat().count

    everything = count()
    box = pillarbox.sync.connect(url, password=PASSWORD, tls=filled.tls)
    box.delete(1)
    box.close()
    assert count() == everything
    with pillarbox.sync.connect(url, password=PASSWORD, tls=filled.tls) as box:
        assert box.delete_many(range(1, everything + 1)) == [None] * everything
        box.reset()
        results = box.delete_many([1, 2, 3, 3])
        assert [result is None for result in results] == [True, True, True, False]
    assert count() == everything - 3


async def test_an_international_message_comes_as_it_was_sent(filled: Filled) -> None:
    """RFC 6856: our server refuses it to a client that did not ask for UTF8."""
    content = "Subject: Grüße\r\n\r\nx\r\n".encode()
    with filled.office.lmtp() as lmtp:
        lmtp.mail("sender@example.net", ["SMTPUTF8"])
        lmtp.rcpt(f"{READER}@{DOMAIN}")
        assert send_content(lmtp, content, 1)[0][0] == 250
    url = filled.url("pop3s", READER)
    async with pillarbox.connect(url, password=PASSWORD, tls=filled.tls) as box:
        assert (await box.retrieve(1).read()).endswith(content)


async def test_refusals_of_a_real_server(filled: Filled) -> None:
    async with pillarbox.connect(filled.url("pop3s"), password=PASSWORD, tls=filled.tls):
        with pytest.raises(InUse):
            await pillarbox.connect(filled.url("pop3s"), password=PASSWORD, tls=filled.tls)
    with pytest.raises(SignInRefused) as caught:
        await pillarbox.connect(filled.url("stls"), password="wrong", tls=filled.tls)
    assert caught.value.code is Code.AUTH


def test_the_blocking_client_does_not_run_inside_a_loop(filled: Filled) -> None:
    async def inside() -> None:
        pillarbox.sync.connect(filled.url("pop3s"), password=PASSWORD, tls=filled.tls)

    with pytest.raises(RuntimeError, match="await"):
        asyncio.run(inside())
