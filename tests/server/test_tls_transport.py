"""The TLS layer between a connection and its socket, without a socket: a client's OpenSSL at the
other end, and every octet in the test's hands."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path
from typing import cast

import pytest

from pillarbox.server.limits import MAX_UNREAD
from pillarbox.server.tls import server_context
from pillarbox.server.tls_transport import MAX_RECORD, TlsTransport
from tests.server.house import AUTHORITY
from tests.transport import MemoryTransport, settle

APPLICATION_DATA, ALERT = 23, 21  # RFC 8446, section 5.1: content types
HOURS = 10_000.0


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    pem: Path = tmp_path_factory.mktemp("tls") / "server.pem"
    AUTHORITY.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
    return server_context(pem, pem)


class Application(asyncio.BufferedProtocol):
    """Notes what the transport tells it."""

    def __init__(self, room: int = 64 * 1024) -> None:
        self.heard: list[bytes] = []
        self.events: list[str] = []
        self._buffer = bytearray(room)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, octets: int) -> None:
        self.heard.append(bytes(self._buffer[:octets]))

    def eof_received(self) -> bool:
        self.events.append("eof")
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.events.append("lost")

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")


class Working(Application):
    """Has not answered yet."""

    def eof_received(self) -> bool:
        super().eof_received()
        return True


class Strict(MemoryTransport):
    """Counts what is written behind its end: uvloop raises then."""

    too_late = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.too_late += self.closed
        super().write(data)


class Line:
    """A client, a server's TLS transport, and what is between them."""

    def __init__(self, context: ssl.SSLContext, application: Application, version: str) -> None:
        self.application = application
        self.below = Strict(application, "192.0.2.1")
        self.secured = TlsTransport(self.below, application, context, asyncio.get_running_loop())
        self.handshake = asyncio.ensure_future(self._begin())
        self.greeting = b""
        """What the server says once the handshake is over."""
        self.heard_before: list[bytes] | None = None
        """What the application had heard by then."""
        trust = ssl.create_default_context()
        AUTHORITY.configure_trust(trust)
        trust.minimum_version = trust.maximum_version = ssl.TLSVersion[version]
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = trust.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")

    async def _begin(self) -> None:
        await self.secured.handshake(HOURS)
        self.heard_before = [*self.application.heard]
        self.secured.write(self.greeting)

    def takes(self) -> bytes:
        """The client takes what the server has sent: as it came."""
        sent = bytes(self.below.sent)
        self.below.sent.clear()
        self._incoming.write(sent)
        return sent

    def sealed(self, data: bytes = b"") -> bytes:
        """What the client's TLS wants to send, *data* at the end."""
        if data:
            self.tls.write(data)
        return self._outgoing.read()

    def says(self, data: bytes) -> None:
        self.below.client_sends(self.sealed(data))

    def reads(self) -> bytes:
        """What the server has written; raises what the client's OpenSSL makes of it."""
        self.takes()
        return self.tls.read(MAX_RECORD)

    async def shake_hands(self) -> None:
        """Up to the client's last flight; the server's is still to be taken."""
        for _ in range(2):  # round trips
            self.takes()
            with contextlib.suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()
            self.below.client_sends(self.sealed())
        await settle()


async def secured(
    context: ssl.SSLContext, application: Application | None = None, version: str = "TLSv1_3"
) -> Line:
    """A line whose handshake is over on both sides, and whose client has taken all."""
    line = Line(context, application or Application(), version)
    await line.shake_hands()
    await line.handshake
    line.takes()
    line.tls.do_handshake()
    with pytest.raises(ssl.SSLWantReadError):  # tickets, but nothing to read
        line.tls.read(1)
    line.below.writes.clear()
    return line


def records(sent: bytes) -> list[int]:
    """The content types of the records in *sent*, which are whole."""
    found = []
    while sent:
        found.append(sent[0])
        length = int.from_bytes(sent[3:5], "big")
        assert len(sent) >= 5 + length
        sent = sent[5 + length :]
    return found


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
async def test_the_handshake_ends_though_the_server_has_nothing_to_say(
    context: ssl.SSLContext, version: str
) -> None:
    """STLS: the client speaks first. In TLS 1.2 it waits for our Finished before it does."""
    line = await secured(context, version=version)
    line.says(b"CAPA\r\n")
    assert line.application.heard == [b"CAPA\r\n"]
    line.secured.write(b"+OK\r\n")
    assert line.reads() == b"+OK\r\n"


async def test_the_last_flight_and_the_greeting_are_one_write(context: ssl.SSLContext) -> None:
    """And there is one ticket in it (RFC 8446, section 4.6.1)."""
    line = Line(context, Application(), "TLSv1_3")

    line.greeting = b"+OK ready\r\n"
    await settle()
    await line.shake_hands()
    hello_answered, last = line.below.writes
    assert hello_answered[0] == 22  # handshake
    assert records(last) == [APPLICATION_DATA, APPLICATION_DATA]
    assert line.reads() == b"+OK ready\r\n"


async def test_what_comes_right_behind_the_handshake_finds_who_answers_it(
    context: ssl.SSLContext,
) -> None:
    """All that a client has to say, and its goodbye, in one segment with its last flight."""
    line = Line(context, Application(), "TLSv1_3")

    await settle()
    line.below.client_sends(_hello(line))
    line.takes()
    line.tls.do_handshake()
    line.tls.write(b"CAPA\r\n")
    with pytest.raises(ssl.SSLWantReadError):
        line.tls.unwrap()
    line.below.client_sends(line.sealed())
    await line.handshake
    await settle()
    assert line.heard_before == []
    assert line.application.heard == [b"CAPA\r\n"]
    assert line.application.events == ["eof", "lost"]


async def test_records_that_come_together_are_heard_together(context: ssl.SSLContext) -> None:
    """So that their answers leave together."""
    line = await secured(context)
    line.below.client_sends(b"".join([line.sealed(b"NOOP\r\n") for _ in range(100)]))
    assert line.application.heard == [b"NOOP\r\n" * 100]


async def test_a_record_may_come_in_pieces(context: ssl.SSLContext) -> None:
    line = await secured(context)
    for octet in line.sealed(b"USER mrose\r\n"):
        line.below.client_sends(bytes([octet]))
    assert line.application.heard == [b"USER mrose\r\n"]


@pytest.mark.parametrize("room", [MAX_RECORD, MAX_RECORD + 1, 3 * MAX_RECORD])
async def test_more_than_the_application_has_room_for(context: ssl.SSLContext, room: int) -> None:
    line = await secured(context, Application(room))
    said = bytes(range(256)) * 512  # eight records of the largest kind
    line.says(said)
    assert b"".join(line.application.heard) == said


async def test_a_record_is_never_left_half_read(context: ssl.SSLContext) -> None:
    """Nothing would come that has the rest handed over."""
    line = await secured(context, Application(MAX_RECORD + 1000))
    said = b"x" * 10_000
    line.below.client_sends(line.sealed(said) + line.sealed(said))
    assert b"".join(line.application.heard) == said * 2


async def test_a_reply_is_one_write_and_one_record_where_it_fits(context: ssl.SSLContext) -> None:
    line = await secured(context)
    line.secured.write(b"x" * MAX_RECORD)
    (sent,) = line.below.writes
    assert records(sent) == [APPLICATION_DATA]
    line.below.writes.clear()
    line.secured.write(b"x" * (3 * MAX_RECORD))
    (sent,) = line.below.writes
    assert records(sent) == [APPLICATION_DATA] * 3


async def test_nothing_to_write_is_no_record(context: ssl.SSLContext) -> None:
    line = await secured(context)
    line.secured.write(b"")
    assert line.below.writes == []


async def test_closing_says_so_and_waits_for_nobody(context: ssl.SSLContext) -> None:
    """RFC 8446, section 6.1: ``close_notify``, so that the client knows that it has all."""
    line = await secured(context)
    line.secured.write(b"+OK bye\r\n")
    line.secured.close()
    assert line.secured.is_closing()
    assert line.below.closed
    assert not line.below.aborted
    assert line.reads() == b"+OK bye\r\n"
    assert line.tls.read(1) == b""  # close_notify; a cut would raise
    await settle()
    assert line.application.events == ["lost"]


async def test_nothing_is_sent_behind_close_notify(context: ssl.SSLContext) -> None:
    line = await secured(context)
    line.secured.close()
    line.below.writes.clear()
    line.secured.write(b"+OK\r\n")
    line.secured.close()
    await settle()
    line.secured.write(b"+OK\r\n")
    assert line.below.too_late == 0
    assert line.below.writes == []


async def test_a_client_that_closes_is_answered(context: ssl.SSLContext) -> None:
    line = await secured(context)
    line.tls.write(b"NOOP\r\n")
    with pytest.raises(ssl.SSLWantReadError):
        line.tls.unwrap()
    line.says(b"")
    assert line.application.heard == [b"NOOP\r\n"]
    line.takes()
    line.tls.unwrap()
    assert line.below.closed
    await settle()
    assert line.application.events == ["eof", "lost"]


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
async def test_a_client_that_closes_may_have_its_answer_yet(
    context: ssl.SSLContext, version: str
) -> None:
    """RFC 8446, section 6.1; before TLS 1.3 it may not (RFC 5246, section 7.2.1)."""
    line = await secured(context, Working(), version)
    line.tls.write(b"NOOP\r\n")
    with pytest.raises(ssl.SSLWantReadError):
        line.tls.unwrap()
    line.says(b"")
    line.below.client_sends(b"what is behind the end is nobody's")
    assert line.below.closed is (version == "TLSv1_2")
    assert line.secured.eof_received()  # its FIN
    line.secured.write(b"+OK\r\n")
    line.secured.close()
    line.takes()
    if version == "TLSv1_3":
        assert line.tls.read(100) == b"+OK\r\n"
    line.tls.unwrap()
    await settle()
    assert line.application.heard == [b"NOOP\r\n"]
    assert line.application.events == ["eof", "lost"]
    assert line.below.too_late == 0


async def test_a_connection_that_is_cut_is_no_end_that_the_client_has_said(
    context: ssl.SSLContext,
) -> None:
    """Whoever sits between could have cut it (RFC 8446, section 6.1, truncation)."""
    line = await secured(context)
    line.below.client_ends()
    assert line.below.closed
    await settle()
    assert line.application.events == ["lost"]


async def test_a_forged_record_ends_the_connection_with_its_alert(context: ssl.SSLContext) -> None:
    """RFC 8446, section 5.2: bad_record_mac."""
    line = await secured(context)
    forged = bytearray(line.sealed(b"DELE 1\r\n"))
    forged[-1] ^= 1
    line.below.client_sends(line.sealed(b"NOOP\r\n") + forged)
    with pytest.raises(ssl.SSLError) as found:
        line.reads()
    assert found.value.reason == "SSLV3_ALERT_BAD_RECORD_MAC"
    assert line.below.closed
    await settle()
    assert not any(b"DELE" in heard for heard in line.application.heard)
    assert line.application.events == ["lost"]


async def test_cleartext_instead_of_a_hello(context: ssl.SSLContext) -> None:
    line = Line(context, Application(), "TLSv1_3")
    line.below.client_sends(b"CAPA\r\n")
    with pytest.raises(ssl.SSLError):
        await line.handshake
    assert line.below.closed
    await settle()
    assert line.application.heard == []
    assert line.application.events == [], "what was never secured is not lost"


@pytest.mark.parametrize("how", ["ends", "cuts"])
async def test_a_client_that_leaves_during_the_handshake(context: ssl.SSLContext, how: str) -> None:
    line = Line(context, Application(), "TLSv1_3")
    line.below.client_sends(_hello(line)[:20])
    line.below.client_ends() if how == "ends" else line.below.client_cuts()
    with pytest.raises(ConnectionAbortedError, match="left during the handshake"):
        await line.handshake
    await settle()
    assert line.application.events == []


async def test_a_handshake_that_nobody_waits_for_any_more_is_broken_off(
    context: ssl.SSLContext,
) -> None:
    line = Line(context, Application(), "TLSv1_3")
    await settle()
    line.handshake.cancel()
    with pytest.raises(asyncio.CancelledError):
        await line.handshake
    assert line.below.aborted
    await settle()
    assert line.application.events == []


async def test_who_does_not_read_is_written_to_no_more(context: ssl.SSLContext) -> None:
    line = await secured(context)
    line.secured.set_write_buffer_limits(high=1000)
    line.below.client_reads = False
    line.secured.write(b"x" * 2000)
    assert line.application.events == ["pause"]
    line.below.client_reads_again()
    assert line.application.events == ["pause", "resume"]
    assert line.reads() == b"x" * 2000


async def test_pausing_stops_the_reading_of_the_socket(context: ssl.SSLContext) -> None:
    """So that TCP holds the client back, and not our memory."""
    line = await secured(context)
    line.secured.pause_reading()
    assert not line.below.is_reading()
    line.says(b"NOOP\r\n")
    assert line.application.heard == []
    line.secured.resume_reading()
    await settle()
    assert line.application.heard == [b"NOOP\r\n"]


async def test_nothing_follows_when_the_connection_is_broken_off_at_once(
    context: ssl.SSLContext,
) -> None:
    line = Line(context, Application(), "TLSv1_3")

    async def leave() -> None:
        await line.handshake
        line.secured.abort()

    leaving = asyncio.ensure_future(leave())
    await line.shake_hands()
    await leaving
    assert line.below.too_late == 0


async def test_aborting_drops_what_waits(context: ssl.SSLContext) -> None:
    line = await secured(context)
    line.secured.abort()
    assert line.below.aborted
    line.below.writes.clear()
    line.secured.write(b"+OK\r\n")
    assert line.below.writes == []
    await settle()
    assert line.application.events == ["lost"]


class NewKeys(ssl.SSLContext):
    """Stands for OpenSSL where a client sends nothing but KeyUpdate: each is answered."""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        self._bios = incoming, outgoing
        return cast("ssl.SSLObject", self)

    def do_handshake(self) -> None:
        """At once."""

    def read(self, octets: int, buffer: memoryview) -> int:
        incoming, outgoing = self._bios
        outgoing.write(incoming.read())
        raise ssl.SSLWantReadError


async def test_new_keys_without_end_for_a_client_that_does_not_read() -> None:
    """RFC 8446, section 4.6.3: each request is answered; what nobody reads must not pile up."""
    line = Line(NewKeys(ssl.PROTOCOL_TLS_SERVER), Application(), "TLSv1_3")
    line.below.client_sends(b"hello")
    await line.handshake
    line.below.client_sends(b"k" * MAX_UNREAD)
    line.below.client_sends(b"k" * MAX_UNREAD)
    assert not line.below.closed, "this one reads"
    line.below.client_reads = False
    line.below.client_sends(b"k" * MAX_UNREAD)
    assert not line.below.closed
    line.below.client_sends(b"k")
    assert line.below.aborted
    await settle()
    assert line.application.events == ["pause", "lost"]


def _hello(line: Line) -> bytes:
    with pytest.raises(ssl.SSLWantReadError):
        line.tls.do_handshake()
    return line.sealed()
