"""DATA on the wire: RFC 5321, sections 2.3.8, 4.1.1.4, 4.5.2; RFC 1870."""

from __future__ import annotations

import asyncio
from threading import current_thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.delivery import intake
from pillarbox.delivery.admission import Room
from pillarbox.delivery.content import Arrival, Endless
from pillarbox.delivery.intake import prepare
from pillarbox.delivery.replies import Refused
from pillarbox.model import StoredForm
from pillarbox.wire.canonical import smuggled_dot
from tests.delivery.office import Office, body_of, office

HEADER = b"Subject: x\r\n\r\n"


def stuffed(content: bytes) -> bytes:
    """What a correct client sends for *content*, which ends in CRLF or is empty."""
    lines = content.split(b"\r\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines) + b".\r\n"


async def arrive(pieces: list[bytes], most: int = 10**6, buffer: int = 2**16) -> bytes:
    """Read a message that comes in these pieces; what follows it must be left in the stream."""
    reader = asyncio.StreamReader(limit=buffer)

    async def feed() -> None:
        for piece in pieces:
            reader.feed_data(piece)
            await asyncio.sleep(0)
        reader.feed_eof()

    feeding = asyncio.create_task(feed())
    room = Room(10 * most)
    try:
        with Arrival(most, room, lambda: None) as arrival:
            return await arrival.read(reader)
    finally:
        await feeding
        assert room.free == 10 * most
        if pieces[-1].endswith(b"NOOP\r\n"):
            assert await reader.read() == b"NOOP\r\n"


CONTENTS = [
    b"",
    b"\r\n",
    b"\r\n\r\n\r\n",
    b".\r\n",
    b"..\r\n.\r\n",
    b".a\r\n",
    b"a\r\n.\r\n",
    b"a\r\n.\r\n.\r\n\r\n.",
    b"a\r\n\r\n.b\r\n",
    b"\r\r\n",
    b"a\r\r\n.\r\n",
    b"a" * 3000 + b"\r\n",
    b"\x00\xff\r\n",
    b"a\nb\r\n",
    b"a\n.b\r\n",
    b"a\n..b\r\n",
    b"a\r.b\r\n",
]


@pytest.mark.parametrize("content", CONTENTS)
async def test_every_piece_size_gives_the_same_content(content: bytes) -> None:
    if not content.endswith(b"\r\n") and content:
        content += b"\r\n"
    wire = stuffed(content) + b"NOOP\r\n"
    for size in range(1, min(len(wire), 40) + 1):
        for buffer in (1, 7, 2**16):
            pieces = [wire[n : n + size] for n in range(0, len(wire), size)]
            assert await arrive(pieces, buffer=buffer) == content, (size, buffer)


lines = st.lists(
    st.one_of(
        st.binary(max_size=20), st.sampled_from([b"", b".", b"..", b".x", b"\r", b"x\r", b"x\n.x"])
    ),
    max_size=12,
).map(lambda rows: b"".join(row + b"\r\n" for row in rows))


@settings(deadline=None)
@given(content=lines, size=st.integers(1, 30), buffer=st.integers(1, 50))
def test_arbitrary_bytes_arrive_whole_or_are_refused_for_smuggling(
    content: bytes, size: int, buffer: int
) -> None:
    # Bare CRs and LFs may make a line that the client ended with CRLF seem to begin elsewhere.
    wire = stuffed(content)
    pieces = [wire[n : n + size] for n in range(0, len(wire), size)]
    try:
        got = asyncio.run(arrive(pieces, buffer=buffer))
    except Refused:
        assert smuggled_dot(b"\r\n" + wire)
    else:
        assert got == content
        assert not smuggled_dot(b"\r\n" + wire)


async def test_over_the_wire_arbitrary_bytes_come_out_as_they_came_in(lmtp: Office) -> None:
    """DATA to store to RETR: octet for octet, bare LF being a line end."""
    line = await lmtp.call()
    loop = asyncio.get_running_loop()

    async def round_trip(content: bytes) -> None:
        await line.send(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.org>\r\nDATA\r\n")
        for _ in range(3):
            await line.reply()
        await line.send(stuffed(HEADER + content))
        answer = await line.reply()
        if answer.startswith("250"):
            canonical = (HEADER + content).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            assert body_of((await lmtp.mail("alice"))[-1]) == canonical
        else:
            assert answer.startswith("550 5.6.0")

    @settings(max_examples=100, deadline=None)
    @given(content=lines)
    def every(content: bytes) -> None:
        asyncio.run_coroutine_threadsafe(round_trip(content), loop).result(30)

    await asyncio.to_thread(every)


SMUGGLED = [
    b"a\n.\n",
    b"a\n.\r\n",
    b"a\r\n.\n",
    b"a\r.\r",
    b"a\r.\r\n",
    b"a\r\n.\r",
    b"a\n.\r",
    b"a\r.\n",
]


@pytest.mark.parametrize("fence", SMUGGLED)
async def test_cve_2023_51764_a_smuggled_dot_ends_nothing_and_is_refused(
    either: Office, fence: bytes
) -> None:
    line = await either.addressed("alice@example.org")
    second = (
        b"MAIL FROM:<evil@x.example>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: 2\r\n\r\n"
    )
    (answer,) = await line.message(HEADER + fence + second + b".\r\n")
    assert answer.startswith("550 5.6.0")
    assert (await line.say("NOOP")).startswith("250")
    assert await either.mail("alice") == await either.mail("bob") == []


async def test_a_bare_line_end_away_from_dots_is_accepted(either: Office) -> None:
    line = await either.addressed("alice@example.org")
    (answer,) = await line.message(HEADER + b"a\nb\rc\n\r\n.\r\n")
    assert answer.startswith("250")
    (message,) = await either.mail("alice")
    assert body_of(message) == HEADER + b"a\r\nb\rc\r\n\r\n"


async def test_a_long_line_is_accepted(either: Office) -> None:
    content = HEADER + b"x" * 1_000_000 + b"\r\n"
    line = await either.addressed("alice@example.org")
    assert (await line.message(content + b".\r\n"))[0].startswith("250")
    assert [body_of(m) for m in await either.mail("alice")] == [content]


@pytest.mark.parametrize("door", ["lmtp", "smtp"])
async def test_a_large_message_is_treated_as_a_small_one(
    door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only that its treatment is in a thread."""
    names: set[str] = set()

    def noted(*facts: Any) -> StoredForm:
        names.add(current_thread().name)
        return prepare(*facts)

    monkeypatch.setattr(intake, "prepare", noted)
    content = HEADER + b".dots\r\n" * 500_000
    async with office(door) as place:
        line = await place.addressed("alice@example.org")
        assert (await line.message(stuffed(content)))[0].startswith("250")
        assert [body_of(m) for m in await place.mail("alice")] == [content]
        assert names == {"large-message_0"}
        for bad in (content + b"a\n.\r\n", b"Received: x\r\n" * 101 + content):
            await line.say("MAIL FROM:<a@b.example>")
            await line.say("RCPT TO:<alice@example.org>")
            assert (await line.message(bad + b".\r\n"))[0][:3] in {"550", "554"}
        assert len(await place.mail("alice")) == 1


async def test_one_octet_a_write(either: Office) -> None:
    line = await either.addressed("alice@example.org")
    assert (await line.say("DATA")).startswith("354")
    content = HEADER + b"..\r\n.x\r\n"
    for octet in stuffed(content):
        await line.send(bytes((octet,)))
        await asyncio.sleep(0)
    assert (await line.reply()).startswith("250")
    assert [body_of(m) for m in await either.mail("alice")] == [content]


async def test_an_empty_message(either: Office) -> None:
    line = await either.addressed("alice@example.org")
    assert (await line.message(b".\r\n"))[0].startswith("250")
    assert [body_of(m) for m in await either.mail("alice")] == [b""]


def sized(octets: int) -> bytes:
    """A message of so many octets, of dots where possible: stuffing does not count."""
    filler = b".\r\n" * ((octets - len(HEADER)) // 3)
    return HEADER + b"a" * (octets - len(HEADER) - len(filler)) + filler


@pytest.mark.parametrize("door", ["lmtp", "smtp"])
async def test_the_size_limit_to_the_octet(door: str) -> None:
    """RFC 1870, section 4: CRLFs count; the final dot and stuffing do not."""
    async with office(door, max_message_octets=5000) as place:
        line = await place.addressed("alice@example.org")
        assert len(sized(5000)) == 5000
        assert (await line.message(stuffed(sized(5000))))[0].startswith("250 2.0.0")
        await line.say("MAIL FROM:<a@b.example>")
        await line.say("RCPT TO:<alice@example.org>")
        assert (await line.message(stuffed(sized(5001))))[0].startswith("552 5.3.4")
        assert [body_of(m) for m in await place.mail("alice")] == [sized(5000)]


async def test_lmtp_answers_once_per_recipient_when_the_message_is_too_large() -> None:
    async with office("lmtp", max_message_octets=5000) as place:
        line = await place.addressed("alice@example.org", "bob@example.org")
        answers = await line.message(HEADER + b"x" * 9000 + b"\r\n.\r\n", answers=2)
        assert [a[:9] for a in answers] == ["552 5.3.4"] * 2
        assert (await line.say("NOOP")).startswith("250"), "in step"
        assert place.ledger.deliveries == [("lmtp", "refused")] * 2


@pytest.mark.parametrize("door", ["lmtp", "smtp"])
async def test_size_is_announced_and_honoured_at_mail(door: str) -> None:
    async with office(door, max_message_octets=5000) as place:
        line = await place.call()
        assert (await line.say("MAIL FROM:<a@b.example> SIZE=5001")).startswith("552 5.3.4")
        assert (await line.say("MAIL FROM:<a@b.example> SIZE=5000")).startswith("250 2.1.0")


@pytest.mark.parametrize("size", ["", "-1", "x", "\u00b2", "1x"])
async def test_a_size_that_is_no_number(either: Office, size: str) -> None:
    line = await either.call()
    assert (await line.say(f"MAIL FROM:<a@b.example> SIZE={size}")).startswith("501 5.5.4")
    assert (await line.say("RCPT TO:<alice@example.org>")).startswith("503 5.5.1")


@pytest.mark.parametrize("door", ["lmtp", "smtp"])
async def test_a_message_without_end_is_cut_off(door: str) -> None:
    async with office(door, max_message_octets=5000) as place:
        line = await place.addressed("alice@example.org")
        await line.say("DATA")
        await line.send(b"x" * 200_000)
        assert (await line.reply()).startswith("421 4.7.0")
        assert await line.ended()


async def test_endless_is_noticed_without_keeping_it() -> None:
    with pytest.raises(Endless):
        await arrive([b"x" * 1000] * 100, most=1000)


async def test_a_connection_lost_during_data_delivers_nothing(either: Office) -> None:
    line = await either.addressed("alice@example.org")
    await line.say("DATA")
    await line.send(HEADER + b"half a mess")
    line.writer.write_eof()
    assert await line.ended()
    assert either.store.calls == []


async def test_a_client_that_half_closes_gets_its_answers(either: Office) -> None:
    line = await either.addressed("alice@example.org")
    await line.send(b"DATA\r\n" + HEADER + b".\r\nNOOP\r\n")
    line.writer.write_eof()
    assert (await line.reply()).startswith("354")
    assert (await line.reply()).startswith("250 2.0.0")
    assert (await line.reply()).startswith("250 2.0.0")
    assert await line.ended()
    assert len(await either.mail("alice")) == 1


async def test_the_end_of_input_does_not_break_off_a_delivery(either: Office) -> None:
    either.store.gate.clear()
    line = await either.addressed("alice@example.org")
    await line.send(b"DATA\r\n" + HEADER + b".\r\nQUIT\r\n")
    line.writer.write_eof()
    await either.store.entered.wait()
    await (await either.call()).say("NOOP")  # by now the end has been seen as well
    either.store.gate.set()
    codes = [(await line.reply())[:3] for _ in range(3)]
    assert codes == ["354", "250", "221"]


async def test_250_waits_for_the_store(either: Office) -> None:
    """Nothing is delivered until the commit has returned."""
    either.store.gate.clear()
    line = await either.addressed("alice@example.org")
    await line.say("DATA")
    await line.send(HEADER + b".\r\n")
    await either.store.entered.wait()
    answer = asyncio.create_task(line.reply())
    other = await either.addressed("bob@example.org")
    assert not answer.done(), "no answer before the store's"
    other.close()
    either.store.gate.set()
    assert (await answer).startswith("250")


async def test_memory_in_flight_is_bounded() -> None:
    async with office("lmtp", max_message_octets=50_000, messages_in_flight=1) as place:
        holder = await place.addressed("alice@example.org")
        await holder.say("DATA")
        place.store.gate.clear()
        await holder.send(HEADER + b"x" * 40_000 + b"\r\n.\r\n")
        await place.store.entered.wait()
        late = await place.addressed("bob@example.org")
        (answer,) = await late.message(HEADER + b"x" * 40_000 + b"\r\n.\r\n")
        assert answer.startswith("452 4.3.1")
        place.store.gate.set()
        assert (await holder.reply()).startswith("250")
        await late.say("MAIL FROM:<a@b.example>")
        await late.say("RCPT TO:<bob@example.org>")
        (answer,) = await late.message(HEADER + b"x" * 40_000 + b"\r\n.\r\n")
        assert answer.startswith("250")


async def test_32_connections_at_once(either: Office) -> None:
    async def one(number: int) -> None:
        line = await either.call()
        for n in range(5):
            await line.say(f"MAIL FROM:<a{number}@b.example>")
            await line.say("RCPT TO:<alice@example.org>")
            content = b"Subject: %d\r\n\r\n" % (number * 5 + n) + b"body\r\n" * number
            assert (await line.message(content + b".\r\n"))[0].startswith("250")
        assert (await line.say("QUIT")).startswith("221")

    async with asyncio.TaskGroup() as group:
        for number in range(32):
            group.create_task(one(number))
    subjects = {body_of(m).split(b"\r\n")[0] for m in await either.mail("alice")}
    assert subjects == {b"Subject: %d" % n for n in range(160)}
