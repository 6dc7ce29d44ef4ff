"""One post office with the whole corpus in many maildrops, one for each test that wants it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pytest

from tests.clients.drivers import CLIENTS
from tests.corpus import Sample, corpus
from tests.postoffice import PostOffice, send

DOORS = ("pop3s", "stls")
REFERENCE = "reference"
WITNESS = "witness"
"""A maildrop that nobody visits."""
EVERY_NTH_BY_SMTP = 7

_TRACE = re.compile(
    rb"Return-Path: <sender@example\.net>\r\n"
    rb"Received: from client\.test \(\[127\.0\.0\.1\]\)\r\n"
    rb"(?:\t[^\r\n]+\r\n)+?"
    rb"\t[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}\r\n"
)
_RETURN_PATH = re.compile(rb"(?im)^Return-Path:.*\r\n(?:[ \t].*\r\n)*")


class Filled(NamedTuple):
    """A running post office and what is in its maildrops."""

    office: PostOffice
    messages: Sequence[bytes]
    """As they must be collected, in order."""


def maildrops() -> Iterator[str]:
    """All maildrops that hold the corpus."""
    yield from (REFERENCE, WITNESS)
    for client in CLIENTS:
        yield from (f"{client.name}-{door}" for door in DOORS)
        yield f"{client.name}-new"


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """The corpus, delivered to everybody: mostly by LMTP, some of it by SMTP."""
    users = list(maildrops())
    with PostOffice(tmp_path_factory.mktemp("clients"), users=users) as office:
        with office.lmtp() as lmtp, office.smtp() as smtp:
            for number, sample in enumerate(corpus()):
                client = lmtp if number % EVERY_NTH_BY_SMTP else smtp
                answers = send(client, sample.canonical, users)
                assert {code for code, _ in answers} == {250}, (sample.name, answers)
        yield Filled(office, office.collect(REFERENCE))


def without_trace(content: bytes) -> bytes:
    """A collected message without the fields that delivery has put in front of it."""
    found = _TRACE.match(content)
    assert found, content[:500]
    return content[found.end() :]


def delivered(sample: Sample) -> bytes:
    """What delivery keeps of *sample*: all but its Return-Path (RFC 5321, section 4.4)."""
    if sample.canonical.startswith(b"\r\n"):
        return sample.canonical
    header, end, body = sample.canonical.partition(b"\r\n\r\n")
    return _RETURN_PATH.sub(b"", header + b"\r\n").removesuffix(b"\r\n") + end + body
