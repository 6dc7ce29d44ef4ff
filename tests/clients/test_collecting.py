"""Clients that other people wrote collect five hundred awkward messages, octet for octet.

Each client visits a maildrop of its own over each kind of TLS: first it keeps the mail on
the server, then it deletes it. What it gets is compared with the corpus as delivered; what
the client itself changes is written down beside its driver.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.clients.conftest import (
    DOORS,
    REFERENCE,
    WITNESS,
    Filled,
    delivered,
    without_trace,
)
from tests.clients.drivers import CLIENTS, Client, Curl, Errand, Fetchmail, Mpop
from tests.corpus import SIZE, corpus, email_test_data

EVERYBODY = ["poplib", "curl", "fetchmail", "mpop"]


def _need(client: Client) -> None:
    if not client.installed():
        pytest.skip(f"{client.name} is not installed on this machine")


def _assert_same(client: Client, got: Sequence[bytes], wanted: Iterable[bytes]) -> None:
    """Every message once, none changed, none invented."""
    left = Counter(map(client.kept, wanted))
    left.subtract(got)
    missing = [content for content, count in left.items() if count > 0]
    strange = [content for content, count in left.items() if count < 0]
    assert not missing, f"{len(missing)} not collected as sent: {[m[:300] for m in missing[:3]]}"
    assert not strange, f"{len(strange)} not sent so: {[s[:300] for s in strange[:3]]}"


def test_the_reference_is_the_corpus_in_the_order_of_delivery(filled: Filled) -> None:
    assert len(filled.messages) == SIZE
    for sample, content in zip(corpus(), filled.messages, strict=True):
        assert without_trace(content) == delivered(sample), sample.name


def test_listed_sizes_are_those_of_the_messages(filled: Filled) -> None:
    """RFC 1939, section 11: octets with CRLF counted and stuffing not."""
    with filled.office.session(REFERENCE) as client:
        listed = [int(line.split()[1]) for line in client.list()[1]]
        total = client.stat()
    sizes = [len(content) for content in filled.messages]
    assert listed == sizes
    assert total == (SIZE, sum(sizes))


def visits() -> Iterator[object]:
    """Each client by each door, of which the quick ones go by either door in turn."""
    for number, client in enumerate(CLIENTS):
        for door in DOORS:
            quick = door == DOORS[number % len(DOORS)]
            marks = [] if quick else [pytest.mark.long]
            yield pytest.param(client, door, id=f"{client.name}-{door}", marks=marks)


@pytest.mark.parametrize(("client", "door"), [*visits()])
def test_collects_all_and_then_deletes_all(
    client: Client, door: str, filled: Filled, tmp_path: Path
) -> None:
    _need(client)
    office, user = filled.office, f"{client.name}-{door}"
    before = office.unique_ids(user)

    kept = client.collect(Errand(office, user, door, tmp_path, keep=True))
    _assert_same(client, kept, filled.messages)
    assert office.unique_ids(user) == before

    last = client.collect(Errand(office, user, door, tmp_path, keep=False))
    _assert_same(client, last, filled.messages)
    assert office.unique_ids(user) == []
    assert client.collect(Errand(office, user, door, tmp_path, keep=False)) == []
    assert len(office.unique_ids(WITNESS)) == SIZE


@pytest.mark.parametrize("client", [Fetchmail(), Mpop()], ids=lambda client: client.name)
def test_leaves_out_what_it_knows_by_unique_id(
    client: Client, filled: Filled, tmp_path: Path
) -> None:
    _need(client)
    office, user = filled.office, f"{client.name}-new"
    errand = Errand(office, user, "pop3s", tmp_path, keep=True, only_new=True)
    _assert_same(client, client.collect(errand), filled.messages)
    assert client.collect(errand) == []

    office.deliver(b"Subject: one more\r\n\r\n.news\r\n", user)
    (news,) = client.collect(errand)
    assert news == client.kept(office.collect(user)[-1])
    assert client.collect(errand) == []
    assert len(office.unique_ids(user)) == SIZE + 1


def test_curl_reads_the_same_unique_ids(filled: Filled, tmp_path: Path) -> None:
    curl = Curl()
    _need(curl)
    errand = Errand(filled.office, REFERENCE, "pop3s", tmp_path, keep=True)
    found = curl.unique_ids(errand)
    assert found == filled.office.unique_ids(REFERENCE)
    assert len(set(found)) == SIZE


def test_what_curl_sends_by_smtp_is_collected_unchanged(filled: Filled, tmp_path: Path) -> None:
    """The way that ``pillarbox demo`` shows: curl sends, curl collects."""
    curl = Curl()
    _need(curl)
    filled.office.add_users(["sender"])
    samples = [s for s in corpus() if s.name.startswith(("dots", "shapes", "octets", "lines"))]
    samples = [sample for sample in samples if sample.content]  # curl has nothing to send then
    for sample in samples:
        curl.send(filled.office, sample.canonical, "sender", tmp_path)
    errand = Errand(filled.office, "sender", "stls", tmp_path, keep=False)
    found = [content.partition(b" +0000\r\n")[2] for content in curl.collect(errand)]
    assert found == [delivered(sample) for sample in samples]


def test_top_cuts_every_message_of_the_corpus(filled: Filled) -> None:
    """TOP n 3 is the header, the empty line and three lines (RFC 1939, section 7)."""
    with filled.office.session(REFERENCE) as client:
        for number, content in enumerate(filled.messages, 1):
            lines = content.split(b"\r\n")[:-1]
            end = lines.index(b"") if b"" in lines else len(lines)
            assert client.top(number, 3)[1] == lines[: end + 4], number


def test_a_session_without_quit_deletes_nothing(filled: Filled) -> None:
    with filled.office.session(REFERENCE, quits=False) as client:
        for number in range(1, SIZE + 1):
            client.dele(number)
    filled_again = filled.office.collect(REFERENCE)
    assert filled_again == list(filled.messages)


def test_pipelined_the_messages_are_the_same(filled: Filled) -> None:
    """All commands of a session in one write: the replies come in order, none mixed up."""
    with filled.office.session("curl-new") as client:
        wanted = range(1, SIZE + 1)
        client.sock.sendall(b"".join(b"RETR %d\r\n" % number for number in wanted))
        for content in filled.messages:
            lines = client._getlongresp()[1]  # type: ignore[attr-defined] # poplib has no pipelining
            assert b"".join(line + b"\r\n" for line in lines) == content


def test_no_client_is_left_out() -> None:
    """A skip must not go unnoticed where the programs can be installed."""
    if not (os.environ.get("CI") or os.geteuid() == 0):
        pytest.skip("not root and not CI: whoever runs this may lack the programs")
    assert [client.name for client in CLIENTS if client.installed()] == EVERYBODY


def test_cpython_brought_its_mail() -> None:
    if email_test_data() is None:
        pytest.skip("this Python comes without its tests: their mail is not in the corpus")
    assert sum(sample.name.startswith("msg_") for sample in corpus()) > 40


def test_corpus_imported_from_a_maildir(filled: Filled, tmp_path: Path) -> None:
    """No trace fields in front: here a dot can be the very first octet.

    (Files of nothing but white space are no messages: the import says so of each.)
    """
    messages = [sample for sample in corpus() if sample.content.strip()]
    for part in ("cur", "new", "tmp"):
        (tmp_path / part).mkdir()
    for number, sample in enumerate(messages):
        (tmp_path / "new" / f"{number:010d}.M1P1.host").write_bytes(sample.content)
    filled.office.add_users(["imported"])
    done = filled.office.run("import", str(tmp_path), "imported")
    assert done.returncode == 0, done.stderr
    found = filled.office.collect("imported")
    assert Counter(found) == Counter(sample.canonical for sample in messages)
