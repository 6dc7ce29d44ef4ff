"""What can be done with an open mailbox, and that whatever is given up leaves it in order."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pillarbox
from pillarbox.client.aio import Connecting
from pillarbox.client.errors import OutOfStep, Refused, ServerTrouble, TooLarge, Unreachable
from pillarbox.client.limits import FIRST_WINDOW, MAX_LINES, MAX_UNREAD, MAX_WINDOW, READ_SIZE
from pillarbox.client.mailbox import Mailbox
from pillarbox.client.quirks import Quirk
from pillarbox.wire.replies import Code
from tests.client.scripted import MAILS, PASSWORD, Answer, Peer, Scripted, answers, multiline, retr

Step = Callable[[Mailbox], Awaitable[None]]


def opened(server: Scripted, *, pipelining: bool | None = None) -> Connecting:
    return pillarbox.connect(
        server.url(), password=PASSWORD, insecure_cleartext=True, pipelining=pipelining
    )


async def test_listings() -> None:
    script = answers(STAT=b"+OK 2 320 octets\r\n", **{"LIST 2": b"+OK 2 200\r\n"})
    script[b"UIDL 2"] = b"+OK 2  a\xe4b\r\n"
    async with Scripted(script) as server, opened(server) as box:
        assert await box.stat() == (2, 320)
        assert await box.list() == [(1, 52), (2, 30), (3, 0)]
        assert await box.list(2) == [(2, 200)]
        assert await box.uidl() == [(1, "a"), (2, "b"), (3, "c")]
        assert await box.uidl(2) == [(2, "aäb")]


async def test_a_server_without_uidl() -> None:
    for capa in (b"-ERR\r\n", multiline(b"USER")):
        async with Scripted(answers(UIDL=b"-ERR\r\n", CAPA=capa)) as server, opened(server) as box:
            assert (await box.listings()).unique_ids is None


async def test_uidl_that_fails_though_announced_is_a_failure() -> None:
    script = answers(UIDL=b"-ERR [SYS/TEMP] later\r\n")
    async with Scripted(script) as server, opened(server) as box:
        with pytest.raises(ServerTrouble):
            await box.listings()
        await box.noop()


@pytest.mark.parametrize("verb", ["LIST", "UIDL"])
async def test_a_listing_of_another_message_than_asked_for_is_out_of_step(verb: str) -> None:
    script = answers(**{f"{verb} 2": b"+OK 7 200\r\n"})
    async with Scripted(script) as server:
        box = await pillarbox.connect(server.url(), password=PASSWORD, insecure_cleartext=True)
        with pytest.raises(OutOfStep):
            await (box.list(2) if verb == "LIST" else box.uidl(2))
        await box.close()


async def test_junk_in_a_listing_is_counted() -> None:
    async with Scripted(answers(LIST=multiline(b"1 2", b"?"))) as server, opened(server) as box:
        assert (await box.listings()).scans == ([(1, 2)], 1)


@pytest.mark.parametrize("command", ["list", "uidl"])
async def test_a_listing_of_very_many_short_lines_does_not_cost_the_memory(command: str) -> None:
    endless = b"+OK\r\n" + b"1\n" * (MAX_LINES + 1) + b".\r\n"
    async with Scripted(answers(**{command.upper(): endless})) as server:
        box = await opened(server)
        with pytest.raises(OutOfStep, match="lines"):
            await getattr(box, command)()
        await box.close()


@pytest.mark.parametrize("pipelining", [True, False])
async def test_one_refused_message_does_not_keep_the_others(pipelining: bool) -> None:
    script = answers()
    script[b"RETR 2"] = b"-ERR [SYS/PERM] damaged\r\n"
    async with Scripted(script) as server, opened(server, pipelining=pipelining) as box:
        got: dict[int, object] = {}
        async for message in box.retrieve_many([1, 2, 3]):
            try:
                got[message.number] = await message.read()
            except Refused as refused:
                got[message.number] = refused.code
        assert got == {1: MAILS[1], 2: Code.SYS_PERM, 3: MAILS[3]}
        with pytest.raises(ServerTrouble):
            await box.retrieve(2).read()
        assert await box.retrieve(1).read() == MAILS[1]


async def test_pieces_of_a_message_are_the_message() -> None:
    mail = b"Received: x\r\n\r\n" + b".".join(b"%d\r\n" % n for n in range(50_000))
    script = answers()
    script[b"RETR 1"] = retr(mail)
    async with Scripted(script) as server, opened(server) as box:
        pieces = [piece async for piece in box.retrieve(1)]
        assert len(pieces) > 1
        assert all(pieces)
        assert b"".join(pieces) == mail


@pytest.mark.parametrize("second", [b"+OK\r\n", b"+OK top of message follows:\r\n", b"+OK\n"])
async def test_two_statuses_to_top(second: bytes) -> None:
    script = answers(TOP=b"+OK\r\n" + second + b"Subject: x\r\n\r\n.\r\n")
    async with Scripted(script) as server, opened(server) as box:
        assert await box.top(1) == b"Subject: x\r\n\r\n"


@pytest.mark.parametrize("field", [b"+OK: x\r\n\r\n", b"+OKAY x\r\n", b"\r\n+OK\r\n", b""])
async def test_what_only_looks_like_a_status_stays(field: bytes) -> None:
    async with Scripted(answers(TOP=retr(field))) as server, opened(server) as box:
        assert await box.top(1) == field


async def test_a_bound_on_what_is_held_in_memory() -> None:
    async with Scripted(answers()) as server, opened(server) as box:
        with pytest.raises(TooLarge):
            await box.retrieve(1).read(max_octets=len(MAILS[1]) - 1)
        assert await box.retrieve(1).read(max_octets=len(MAILS[1])) == MAILS[1]
        with pytest.raises(TooLarge):
            await box.top(1, max_octets=3)
        await box.noop()


async def test_what_was_given_up_half_way_is_never_given_out_as_if_it_were_whole() -> None:
    mail = b"Received: x\r\n\r\n" + b"".join(b"%d\r\n" % n for n in range(100_000))
    script = answers()
    script[b"RETR 1"] = retr(mail)
    async with Scripted(script) as server, opened(server) as box:
        message = box.retrieve(1)
        for again in (message.read(max_octets=100), message.read(), anext(message)):
            with pytest.raises(TooLarge):
                await again
        assert await box.retrieve(1).read() == mail


async def test_a_message_that_was_refused_is_refused_again() -> None:
    script = answers()
    script[b"RETR 2"] = b"-ERR [SYS/PERM] damaged\r\n"
    async with Scripted(script) as server, opened(server) as box:
        message = box.retrieve(2)
        for again in (message.read(), message.read(), anext(message)):
            with pytest.raises(ServerTrouble):
                await again


@pytest.mark.parametrize("said", [0, len(b"+OK here\r\nReceived: x\r\n")])
async def test_a_message_whose_reading_was_cancelled_can_be_read_no_more(said: int) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hesitate(peer: Peer) -> None:
        await peer.say(retr(MAILS[1])[:said])
        asked.set()
        await go_on.wait()
        await peer.say(retr(MAILS[1])[said:])

    script = answers()
    script[b"RETR 1"] = hesitate
    async with Scripted(script) as server, opened(server) as box:
        message = box.retrieve(1)
        reading = asyncio.create_task(message.read())
        await asked.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        go_on.set()
        with pytest.raises(RuntimeError):  # not what is left, and not nothing
            await message.read()
        assert await box.retrieve(1).read() == MAILS[1]


async def test_what_is_left_of_a_message_is_passed_over() -> None:
    async with Scripted(answers()) as server, opened(server) as box:
        left = box.retrieve(1)
        await anext(left)
        assert await box.retrieve(2).read() == MAILS[2]
        with pytest.raises(RuntimeError):  # never as if it had ended
            await left.read()
        async for message in box.retrieve_many([1, 2, 3, 1]):
            if message.number == 3:
                break
        assert await box.list() == [(1, 52), (2, 30), (3, 0)]
        kept = [message async for message in box.retrieve_many([1, 2])]
        assert await kept[1].read() == MAILS[2]
        with pytest.raises(RuntimeError):
            await kept[0].read()


@pytest.mark.parametrize("pipelining", [True, False])
async def test_each_message_may_be_deleted_as_soon_as_it_is_read(pipelining: bool) -> None:
    async with Scripted(answers()) as server, opened(server, pipelining=pipelining) as box:
        got = []
        async for message in box.retrieve_many([1, 2, 3, 2, 1]):
            got.append(await message.read())
            await box.delete(message.number)
        assert got == [MAILS[number] for number in (1, 2, 3, 2, 1)]
    said = [line for line in server.heard_in_clear if line.startswith((b"RETR", b"DELE"))]
    assert said[-8:] == [
        command % number for number in (2, 3, 2, 1) for command in (b"RETR %d", b"DELE %d")
    ]


async def test_a_call_that_is_cancelled_leaves_the_mailbox_in_order() -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hesitate(peer: Peer) -> None:
        asked.set()
        await go_on.wait()
        await peer.say(retr(MAILS[1]))

    script = answers()
    script[b"RETR 1"] = hesitate
    async with Scripted(script) as server, opened(server) as box:
        reading = asyncio.create_task(box.retrieve(1).read())
        await asked.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        go_on.set()
        assert await box.retrieve(2).read() == MAILS[2]


async def test_a_second_task_is_told_off_and_nothing_is_mixed_up() -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hesitate(peer: Peer) -> None:
        asked.set()
        await go_on.wait()
        await peer.say(retr(MAILS[1]))

    script = answers()
    script[b"RETR 1"] = hesitate
    async with Scripted(script) as server, opened(server) as box:
        reading = asyncio.create_task(box.retrieve(1).read())
        await asked.wait()
        for meddle in (box.stat, box.listings, box.in_step, box.retrieve(2).read):
            with pytest.raises(RuntimeError, match="one task"):
                await meddle()
        go_on.set()
        assert await reading == MAILS[1]
        assert await box.retrieve(2).read() == MAILS[2]


async def test_messages_of_a_batch_cannot_be_read_at_the_same_time() -> None:
    """A reader in each task: what does not come whole is an error, and none waits for ever."""
    async with Scripted(answers()) as server, opened(server) as box:
        readers = [message.read() async for message in box.retrieve_many([1, 2, 3])]
        outcomes = await asyncio.gather(*readers, return_exceptions=True)
        for number, outcome in enumerate(outcomes, 1):
            assert outcome == MAILS[number] or isinstance(outcome, RuntimeError)
        assert RuntimeError in map(type, outcomes)
        assert await box.retrieve(2).read() == MAILS[2]


async def _peek(box: Mailbox) -> None:
    assert MAILS[1].startswith(await anext(box.retrieve(1)))


async def _read(box: Mailbox) -> None:
    assert await box.retrieve(1).read() == MAILS[1]


async def _read_many(box: Mailbox) -> None:
    got = [await message.read() async for message in box.retrieve_many([3, 2, 1])]
    assert got == [MAILS[3], MAILS[2], MAILS[1]]


async def _read_some(box: Mailbox) -> None:
    async for message in box.retrieve_many([2, 1, 3]):
        assert await message.read() == MAILS[2]
        break


async def _be_refused(box: Mailbox) -> None:
    with pytest.raises(Refused):
        await box.retrieve(9).read()


async def _ask(box: Mailbox) -> None:
    assert (await box.stat()).count == 3
    assert len(await box.list()) == 3
    assert await box.top(1, 0) == b"Received: x\r\n\r\n"


async def _delete(box: Mailbox) -> None:
    assert await box.delete_many([1, 2]) == [None, None]


STEPS = (_peek, _read, _read_many, _read_some, _be_refused, _ask, _delete)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=12), st.booleans())
def test_any_order_of_calls(steps: list[Step], pipelining: bool) -> None:
    async def session() -> None:
        async with Scripted(answers()) as server, opened(server, pipelining=pipelining) as box:
            for step in steps:
                await step(box)
            await box.in_step()

    asyncio.run(session())


async def test_deleting_many() -> None:
    script = answers()
    script[b"DELE 3"] = b"-ERR no such message\r\n"
    numbers = list(range(1, FIRST_WINDOW + 5))
    for pipelining in (True, False):
        async with Scripted(script) as server, opened(server, pipelining=pipelining) as box:
            results = await box.delete_many(numbers)
        assert [number for number, result in zip(numbers, results, strict=True) if result] == [3]
        assert [line for line in server.heard_in_clear if line.startswith(b"DELE")] == [
            b"DELE %d" % number for number in numbers
        ]


# Out of step.


async def read_and_trust(box: Mailbox) -> None:
    async for message in box.retrieve_many([1, 2]):
        await message.read()
    await box.in_step()


@pytest.mark.parametrize("last", [1, 2])
async def test_a_body_that_was_cut_by_its_own_dot_is_found_out(last: int) -> None:
    """A server that does not stuff: the message looks whole, and what follows tells."""
    script = answers()
    script[b"RETR %d" % last] = b"+OK\r\nReceived: x\r\n\r\nfirst\r\n.\r\n+OK forged\r\n.\r\n"
    async with Scripted(script) as server:
        box = await opened(server)
        with pytest.raises(OutOfStep):
            await read_and_trust(box)
        with pytest.raises(OutOfStep):
            await box.delete(1)
        await box.close()
    assert not any(line.startswith((b"DELE", b"QUIT")) for line in server.heard_in_clear)


@pytest.mark.parametrize(
    "extra", [b"+OK\r\n", b"-ERR\r\n", b"more\r\n", b"+OK 3 100\r\n", b"\r\n", b"x"]
)
async def test_in_step_hears_what_comes_too_much(extra: bytes) -> None:
    async with Scripted(answers(STAT=b"+OK 3 100\r\n" + extra)) as server:
        box = await opened(server)
        await box.noop()
        with pytest.raises((OutOfStep, Unreachable)):  # -ERR is how servers hang up
            await box.in_step()
        await box.close()


@pytest.mark.parametrize("pipelining", [True, False])
async def test_in_step_in_the_middle_of_a_batch_loses_nothing(pipelining: bool) -> None:
    async with Scripted(answers()) as server, opened(server, pipelining=pipelining) as box:
        got = []
        async for message in box.retrieve_many([1, 2, 3, 1]):
            got.append(await message.read())
            await box.in_step()
            await box.in_step()
        assert got == [MAILS[1], MAILS[2], MAILS[3], MAILS[1]]
    # A good status behind a message proves nothing: its sender could have written it.
    assert server.heard_in_clear.count(b"STAT") == 8


async def test_in_step_passes_over_what_is_left_of_a_message() -> None:
    async with Scripted(answers()) as server, opened(server) as box:
        got = []
        async for message in box.retrieve_many([1, 2]):
            await anext(message)
            await box.in_step()
            with pytest.raises(RuntimeError):
                await message.read()
            got.append(message.number)
        assert got == [1, 2]
        assert (await box.stat()).count == 3


async def test_a_server_that_loses_a_reply_is_not_waited_for_longer_than_the_timeout() -> None:
    async with Scripted(answers(DELE=b"")) as server:
        box = await pillarbox.connect(server.url(), password=PASSWORD, insecure_cleartext=True)
        box._conversation.connection.timeout = 0.2
        with pytest.raises(Unreachable):
            await box.delete(1)
        await box.close()


@pytest.mark.parametrize("stale", [b"+OK bye\r\n", b"half a line", b"-ERR idle for too long\r\n"])
async def test_what_came_before_a_command_is_no_reply_to_it(stale: bytes) -> None:
    said = asyncio.Event()

    async def linger(peer: Peer) -> None:
        await peer.say(b"+OK\r\n")
        await go_on.wait()
        await peer.say(stale)
        said.set()

    go_on = asyncio.Event()
    async with Scripted(answers(DELE=linger)) as server:
        box = await opened(server)
        await box.delete(1)
        go_on.set()
        await said.wait()
        connection = box._conversation.connection
        await connection.more(connection.deadline())
        expected = Unreachable if stale.startswith(b"-ERR") else OutOfStep
        with pytest.raises(expected):
            await box.quit()  # not as if it had been confirmed
    assert b"QUIT" not in server.heard_in_clear


# Endings.


async def fail_inside(server: Scripted) -> None:
    async with opened(server) as box:
        await box.delete(1)
        raise ZeroDivisionError


async def test_leaving_by_an_exception_hangs_up() -> None:
    async with Scripted(answers()) as server:
        with pytest.raises(ZeroDivisionError):
            await fail_inside(server)
    assert b"DELE 1" in server.heard_in_clear
    assert b"QUIT" not in server.heard_in_clear


async def test_a_mailbox_that_was_awaited_may_be_entered() -> None:
    async with Scripted(answers()) as server:
        async with await opened(server) as box:
            await box.noop()
        with pytest.raises(ZeroDivisionError):
            async with await opened(server):
                raise ZeroDivisionError
    assert server.heard_in_clear.count(b"QUIT") == 1


async def test_quit_twice_is_quit_once() -> None:
    async with Scripted(answers()) as server:
        async with opened(server) as box:
            await box.quit()
        with pytest.raises(Unreachable):
            await box.noop()
    assert server.heard_in_clear.count(b"QUIT") == 1


async def test_a_quit_that_is_refused_or_lost_is_told() -> None:
    async with Scripted(answers(QUIT=b"-ERR some were not removed\r\n")) as server:
        with pytest.raises(Refused):
            async with opened(server):
                pass
    async with Scripted(answers(QUIT=b"+OK by")) as server:
        with pytest.raises(Unreachable):
            async with opened(server):
                pass


# How much at a time.


class Crowd:
    """Many small messages, and how many RETRs had come before each answer."""

    def __init__(self) -> None:
        self.reads: list[int] = []

    def answers(self) -> dict[bytes, Answer]:
        usual = answers(RETR=self.serve)
        return {keyword: usual[keyword] for keyword in usual if not keyword.startswith(b"RETR ")}

    async def serve(self, peer: Peer) -> None:
        """Takes all that the client has written, then answers all of it: one round trip."""
        lines = 1
        while b"\n" in peer.reader._buffer:  # type: ignore[attr-defined] # no public way to see
            await peer.hear()
            lines += 1
        self.reads.append(lines)
        await peer.say(retr(b"Received: x\r\n\r\nsmall\r\n") * lines)


async def test_the_window_doubles_with_each_round_trip() -> None:
    crowd = Crowd()
    async with Scripted(crowd.answers()) as server, opened(server) as box:
        got = [await message.read() async for message in box.retrieve_many(range(1, 501))]
    assert len(got) == 500
    assert crowd.reads[0] == FIRST_WINDOW
    assert max(crowd.reads) <= MAX_WINDOW
    writes = len(crowd.reads)
    assert writes < 30, crowd.reads


async def test_the_next_batch_begins_where_the_last_one_ended() -> None:
    crowd = Crowd()
    async with Scripted(crowd.answers()) as server, opened(server) as box:
        for _ in range(2):
            async for message in box.retrieve_many(range(1, 101)):
                await message.read()
    second = list(itertools.accumulate(crowd.reads)).index(100) + 1
    assert crowd.reads[0] == FIRST_WINDOW
    assert crowd.reads[second] > 4 * FIRST_WINDOW


async def test_without_pipelining_each_command_waits_for_the_reply_before() -> None:
    crowd = Crowd()
    async with Scripted(crowd.answers()) as server, opened(server, pipelining=False) as box:
        assert len([await m.read() async for m in box.retrieve_many(range(1, 21))]) == 20
    assert crowd.reads == [1] * 20


async def test_large_messages_are_not_all_asked_for_at_once() -> None:
    crowd = Crowd()
    sizes = dict.fromkeys(range(1, 21), 5 * 1024 * 1024)
    async with Scripted(crowd.answers()) as server, opened(server) as box:
        async for message in box.retrieve_many(range(1, 21), sizes=sizes):
            await message.read()
    assert crowd.reads == [1] * 20


async def test_a_slow_consumer_holds_the_server_back() -> None:
    octets = 64 * 1024 * 1024
    line = b"x" * 1022 + b"\r\n"
    stalled = asyncio.Event()

    async def pour(peer: Peer) -> None:
        await peer.say(b"+OK\r\nReceived: x\r\n\r\n")
        for _ in range(octets // len(line) // 64):
            peer.writer.write(line * 64)
            if peer.writer.transport.get_write_buffer_size() > 0:
                stalled.set()
            await peer.writer.drain()
        await peer.say(b".\r\n")

    script = answers()
    script[b"RETR 1"] = pour
    async with Scripted(script) as server, opened(server) as box:
        message = box.retrieve(1)
        got = len(await anext(message))
        await stalled.wait()
        connection = box._conversation.connection
        async for piece in message:
            got += len(piece)
            unread = connection._unread
            assert unread <= MAX_UNREAD + READ_SIZE
        assert got == octets + len(b"Received: x\r\n\r\n")


async def test_quirks_of_microsoft() -> None:
    greeting = b"+OK The Microsoft Exchange POP3 service is ready. [x]\r\n"
    async with Scripted(answers(), greeting=greeting) as server, opened(server) as box:
        assert box.quirks == {Quirk.TWO_STEP_AUTH, Quirk.IMPATIENT}
