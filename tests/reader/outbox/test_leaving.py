"""Mail leaves, whatever a server says and whenever it hangs up: once, and nothing is forgotten."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pillarbox.reader.compose.drafts import KeptDrafts, open_drafts
from pillarbox.reader.errors import LibraryUnusable, TooLate
from pillarbox.reader.model import SENT, Draft, Flag, MessageKey, Outgoing, Sending
from pillarbox.reader.outbox import sender
from tests.reader.outbox.server import Cut, HostileServer, Rule, Session, says
from tests.reader.outbox.world import ALICE, BOB, CAROL, MESSAGE, World, plain

LONG = 7200.0
"""Seconds: past every pause."""


def cuts(said: bytes = b"", *, times: int = 1) -> Rule:
    """A rule that hangs up, so many times."""
    left = [times]

    def rule(_: Session, __: str) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise Cut(said)

    return rule


async def test_a_message_leaves_as_it_is(world: World, server: HostileServer) -> None:
    sent = world.put(BOB, CAROL, draft="d1", answers=MessageKey("a"), forwards=MessageKey("f"))
    await world.until_left(sent)
    assert server.taken == [(ALICE, (BOB, CAROL), MESSAGE)]
    ((folder, content, flags),) = world.library.sent.values()
    assert (folder, content, flags) == (SENT, MESSAGE, frozenset({Flag.SEEN}))
    assert world.library.marked == [("a", Flag.REPLIED), ("f", Flag.PASSED)]
    assert world.discarded == ["d1"]
    assert list(world.folder.iterdir()) == []


async def test_what_waits_in_a_copy_of_the_outbox_leaves_only_by_hand(
    world: World, server: HostileServer
) -> None:
    """A backup was made while it waited; then it left; then the backup was put back."""
    await world.stop()
    sent = world.put(BOB, CAROL, hold_seconds=60)
    backup = world.folder.with_name("backup")
    shutil.copytree(world.folder, backup)
    world.later(61)
    await world.restart()
    await world.until_left(sent)
    assert len(server.taken) == 1
    await world.stop()
    world.folder.rmdir()
    backup.rename(world.folder)
    for _ in range(2):
        await world.restart()
        found = world[sent]
        assert (found.state, found.copied, found.to) == (Sending.UNCONFIRMED, True, (BOB, CAROL))
        assert "copied or backed up" in found.problem
        await world.stop()
    world.outbox.send_again(sent)
    assert not world[sent].copied
    await world.restart()
    await world.until_left(sent)
    assert len(server.taken) == 2


async def test_who_is_hidden_stands_in_the_copy_in_sent_and_nowhere_else(
    world: World, server: HostileServer
) -> None:
    """Neither when it leaves for the first, nor after a restart, nor because somebody forgot it in the message."""
    await world.stop()
    field = "Bcc: Carol <carol@example.org>\r\n"
    sent = world.put(BOB, CAROL, bcc=field)
    forgotten = world.put(BOB, CAROL, message=field.encode() + MESSAGE)
    await world.restart()
    for one in (sent, forgotten):
        await world.until_left(one)
    assert [taken.content for taken in server.taken] == [MESSAGE, MESSAGE]
    copies = [content for _, content, _ in world.library.sent.values()]
    assert sorted(copies) == sorted([field.encode() + MESSAGE, MESSAGE])


async def test_several_messages_through_one_connection(world: World, server: HostileServer) -> None:
    await world.stop()
    sent = [world.put(subject=str(number)) for number in range(5)]
    world.start()
    for one in sent:
        await world.until_left(one)
    assert len(server.taken) == 5
    assert server.connections == 1


async def test_what_is_held_can_be_taken_back_and_leaves_when_its_time_has_come(
    world: World, server: HostileServer
) -> None:
    back, sent = world.put(hold_seconds=60), world.put(hold_seconds=60, draft="d")
    assert world[sent].state is Sending.HELD
    assert world.outbox.drafts() == {"d"}
    world.outbox.take_out(back)
    assert world.outbox.find(back) is None
    await world.restart()
    assert world[sent].state is Sending.HELD
    world.later(61)
    await world.until_left(sent)
    assert len(server.taken) == 1
    assert world.outbox.drafts() == frozenset()
    for late in (back, sent):
        with pytest.raises(TooLate):
            world.outbox.take_out(late)
        with pytest.raises(TooLate):
            world.outbox.send_again(late)
        with pytest.raises(TooLate):
            world.outbox.read(late)


async def test_what_waits_by_a_clock_that_was_ahead_leaves_when_it_is_right_again(
    world: World, server: HostileServer
) -> None:
    years = 73 * 365 * 24 * 3600
    server.instead["MAIL"] = says(b"451 later\r\n")
    world.later(years)
    put_off = world.put()
    await world.until_state(put_off, Sending.WAITING, "451")
    held = world.put(hold_seconds=60)
    server.instead.clear()
    world.later(-years)
    await world.until_left(held)
    await world.until_left(put_off)
    assert len(server.taken) == 2


async def test_what_is_held_leaves_at_once_if_the_user_says_so(
    world: World, server: HostileServer
) -> None:
    sent = world.put(hold_seconds=3600)
    world.outbox.send_again(sent)
    await world.until_left(sent)
    assert len(server.taken) == 1


async def test_a_server_that_is_away_is_waited_for(world: World, server: HostileServer) -> None:
    await server.__aexit__(None, None, None)
    sent = world.put()
    waiting = await world.until_state(sent, Sending.WAITING, "Cannot reach 127.0.0.1")
    assert waiting.next_try is not None
    assert not waiting.stopped
    async with server:
        world.outbox.nudge()
        await world.until_left(sent)
    assert len(server.taken) == 1


async def test_it_is_tried_again_by_itself(world: World, server: HostileServer) -> None:
    await server.__aexit__(None, None, None)
    sent = world.put()
    await world.until_tried(sent)
    async with server:
        world.later(LONG)
        await world.until_left(sent)


STEPS = ("GREETING", "EHLO", "MAIL", "RCPT", "DATA")


@pytest.mark.parametrize("step", STEPS)
async def test_a_connection_that_breaks_before_the_end_of_the_message_is_safe(
    world: World, server: HostileServer, step: str
) -> None:
    server.instead[step] = cuts()
    sent = world.put()
    waiting = await world.until_tried(sent)
    assert waiting.state is Sending.WAITING
    world.outbox.nudge()
    await world.until_left(sent)
    assert len(server.taken) == 1


@pytest.mark.parametrize("step", [*STEPS, "END"])
async def test_later_means_later(world: World, server: HostileServer, step: str) -> None:
    server.instead[step] = says(b"451 4.7.1 greylisted, come back\r\n", times=1)
    sent = world.put()
    waiting = await world.until_tried(sent)
    assert waiting.state is Sending.WAITING
    assert "greylisted" in waiting.problem
    assert waiting.next_try is not None
    assert server.taken == []
    world.later(LONG)
    await world.until_left(sent)
    assert len(server.taken) == 1


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "END"])
async def test_never_means_never(world: World, server: HostileServer, step: str) -> None:
    server.instead[step] = says(b"550 5.7.1 we do not\r\n want\x1b[2J this\r\n", times=1)
    sent = world.put()
    refused = await world.until_state(sent, Sending.REFUSED)
    assert "550 5.7.1 we do not" in refused.problem
    assert refused.problem.isprintable()
    assert refused.to == (BOB,)
    world.later(LONG)
    other = world.put()
    await world.until_left(other)
    assert len(server.taken) == 1
    world.outbox.send_again(sent)
    await world.until_left(sent)
    assert len(server.taken) == 2


@pytest.mark.parametrize("step", ["GREETING", "EHLO"])
async def test_a_server_that_wants_no_mail_from_here_stops_the_account(
    world: World, server: HostileServer, step: str
) -> None:
    server.instead[step] = says(b"554 5.7.1 your address is listed\r\n", times=1)
    sent = world.put()
    stopped = await world.until_tried(sent)
    assert stopped.state is Sending.WAITING
    assert stopped.next_try is None
    assert stopped.stopped
    assert "your address is listed" in stopped.problem
    world.outbox.nudge()  # the network is not what is wrong
    world.later(LONG)
    assert world[sent].problem == stopped.problem
    world.outbox.nudge("work")  # its settings have changed
    await world.until_left(sent)


async def test_an_account_that_cannot_send_says_why_and_stops_no_other(
    world: World, server: HostileServer
) -> None:
    stuck = world.put(account="home")
    sent = world.put()
    await world.until_left(sent)
    stopped = await world.until_tried(stuck)
    assert stopped.problem == "This account has no server for sending. Add one."
    assert stopped.next_try is None
    assert stopped.stopped
    world.submissions["home"] = plain(server.port)
    world.outbox.send_again(stuck)
    await world.until_left(stuck)


# What is said at the end of the message, and what is not.


@pytest.mark.parametrize("has_it", [True, False])
async def test_a_lost_answer_is_said_to_be_lost_and_nothing_is_sent_again(
    world: World, server: HostileServer, has_it: bool
) -> None:
    server.instead["END"] = cuts(b"taken" if has_it else b"")
    sent = world.put()
    unsure = await world.until_state(sent, Sending.UNCONFIRMED)
    assert "may have arrived, or not" in unsure.problem
    assert unsure.to == (BOB,)
    world.outbox.nudge()
    world.outbox.nudge("work")
    world.later(LONG)
    other = world.put()
    await world.until_left(other)
    await world.restart()
    assert world[sent].state is Sending.UNCONFIRMED
    assert len(server.taken) == 1 + has_it
    world.outbox.send_again(sent)
    await world.until_left(sent)
    assert len(server.taken) == 2 + has_it


@pytest.mark.parametrize(
    "junk",
    [b"\r\n", b"hello\r\n", b"999 what\r\n", b"354 go on\r\n", b"25\xff\r\n", b"x" * 100_000],
)
async def test_an_answer_that_says_nothing_is_as_good_as_none(
    world: World, server: HostileServer, junk: bytes
) -> None:
    server.instead["END"] = says(junk)
    sent = world.put()
    await world.until_state(sent, Sending.UNCONFIRMED)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("junk", [b"hello\r\n", b"\0\r\n", b"x" * 100_000, b"250-" * 50_000])
async def test_junk_before_the_end_of_the_message_is_safe(
    world: World, server: HostileServer, step: str, junk: bytes
) -> None:
    server.instead[step] = says(junk, times=1)
    sent = world.put()
    waiting = await world.until_tried(sent)
    assert waiting.state is Sending.WAITING
    assert waiting.problem.isprintable()
    assert len(waiting.problem) < 1000
    world.later(LONG)
    world.outbox.nudge()
    await world.until_left(sent)
    assert len(server.taken) == 1


@pytest.mark.parametrize("step", [*STEPS, "END"])
async def test_a_server_that_says_nothing(
    world: World, server: HostileServer, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.instead[step] = says(b"")
    if step == "END":  # minutes of silence are what is to be expected there
        sent = world.put()
        await world.until_state(sent, Sending.SENDING)
        monkeypatch.setattr(sender, "GRACE", 0.05)  # it would be waited for until its end
        await world.stop()
        return
    world.submissions["work"] = plain(server.port, timeout=0.2)
    sent = world.put()
    waiting = await world.until_tried(sent)
    assert "does not answer" in waiting.problem
    server.instead.clear()
    world.outbox.nudge()
    world.submissions["work"] = plain(server.port)
    world.later(LONG)
    await world.until_left(sent)
    assert len(server.taken) == 1


STRIDES = [pytest.param(1, marks=pytest.mark.long), 5]
"""Octets between two cuts."""


async def cut_at_each(
    world: World, server: HostileServer, limit: Callable[[int | None], None], stride: int
) -> list[Sending]:
    """What becomes of messages whose connections end after 0, 1, 2, … strides; the last gets through."""
    found: list[Sending] = []
    while True:
        limit(len(found) * stride)
        before, connections = len(server.taken), server.connections
        sent = world.put()
        await world.until(lambda: _is_decided(world, sent))  # noqa: B023 -- asked for in this round
        limit(None)
        outgoing = world.outbox.find(sent)
        if outgoing is None:
            assert len(server.taken) == before + 1
            if server.connections == connections:
                continue  # through the connection of the one before, which nothing cuts
            return found
        found.append(outgoing.state)
        if outgoing.state is Sending.WAITING:
            assert len(server.taken) == before, "it is there already"
            world.outbox.nudge()
            await world.until_left(sent)
            assert len(server.taken) == before + 1
        else:
            assert outgoing.state is Sending.UNCONFIRMED
            world.outbox.take_out(sent)


def _is_decided(world: World, sent: str) -> bool:
    outgoing = world.outbox.find(sent)
    return outgoing is None or (outgoing.state is not Sending.SENDING and outgoing.problem != "")


@pytest.mark.parametrize("stride", STRIDES)
async def test_cut_behind_octets_that_the_server_says(
    world: World, server: HostileServer, stride: int
) -> None:
    def limit(octets: int | None) -> None:
        server.says = octets

    found = await cut_at_each(world, server, limit, stride)
    assert Sending.WAITING in found
    assert found[-1] is Sending.UNCONFIRMED
    assert found == sorted(found, key=lambda state: state is Sending.UNCONFIRMED)


@pytest.mark.parametrize("stride", STRIDES)
async def test_cut_behind_octets_that_the_server_hears(
    world: World, server: HostileServer, stride: int
) -> None:
    def limit(octets: int | None) -> None:
        server.hears = octets

    found = await cut_at_each(world, server, limit, stride)
    assert Sending.WAITING in found


# Recipients.


async def test_who_is_refused_and_who_has_to_wait_does_not_keep_it_from_the_others(
    world: World, server: HostileServer
) -> None:
    later = [True]

    def rule(_: Session, argument: str) -> bytes | None:
        if "nobody" in argument:
            return b"550 5.1.1 no such user\r\n"
        return b"450 4.2.1 busy\r\n" if "carol" in argument and later[0] else None

    server.instead["RCPT"] = rule
    sent = world.put(BOB, CAROL, "nobody@example.org", draft="d")
    waiting = await world.until_tried(sent)
    assert waiting.state is Sending.WAITING
    assert set(waiting.to) == {CAROL, "nobody@example.org"}
    assert "450 4.2.1 busy" in waiting.problem
    assert "550 5.1.1 no such user" in waiting.problem
    assert f"It has left for {BOB}." in waiting.problem
    await world.until(lambda: len(world.library.sent) == 1)
    later[0] = False
    world.later(LONG)
    refused = await world.until_state(sent, Sending.REFUSED)
    assert refused.to == ("nobody@example.org",)
    assert f"It has left for {BOB}, {CAROL}." in refused.problem.splitlines(), "one line each"
    assert [taken.recipients for taken in server.taken] == [(BOB,), (CAROL,)]
    assert world.discarded == []
    assert world.outbox.drafts() == {"d"}
    world.outbox.take_out(sent)
    assert len(world.library.sent) == 1


@pytest.mark.parametrize("words", [b"552 5.2.2 mailbox full\r\n", b"552 full\r\n"])
async def test_a_full_mailbox_is_a_refusal(
    world: World, server: HostileServer, words: bytes
) -> None:
    """RFC 5321, section 4.5.3.1.10, speaks of 552 for those who come after others that were taken."""
    server.instead["RCPT"] = lambda _, argument: words if "carol" in argument else None
    alone, first, last = world.put(CAROL), world.put(CAROL, BOB), world.put(BOB, CAROL)
    for sent in (alone, first, last):
        refused = await world.until_state(sent, Sending.REFUSED)
        assert refused.to == (CAROL,)
        assert f"It was refused for {CAROL}: {words.decode().strip()}" in refused.problem
    assert [taken.recipients for taken in server.taken] == [(BOB,), (BOB,)]


@pytest.mark.parametrize(
    "words", [b"452 4.5.3 too many\r\n", b"552 5.5.3 too many\r\n", b"552 too many\r\n"]
)
async def test_more_recipients_than_go_into_one_transaction(
    world: World, server: HostileServer, words: bytes
) -> None:
    """RFC 5321, section 4.5.3.1.10."""

    def rule(session: Session, _: str) -> bytes | None:
        return words if len(session.recipients) >= 10 else None

    server.instead["RCPT"] = rule
    everybody = tuple(f"u{number}@example.org" for number in range(35))
    sent = world.put(*everybody)
    await world.until_left(sent)
    assert sorted(r for taken in server.taken for r in taken.recipients) == sorted(everybody)
    assert len(server.taken) == 4
    assert len(world.library.sent) == 1


async def test_an_answer_that_is_lost_for_some_does_not_keep_it_from_the_others(
    world: World, server: HostileServer
) -> None:
    def rule(session: Session, argument: str) -> bytes | None:
        return b"450 busy\r\n" if "carol" in argument and server.connections == 1 else None

    server.instead["RCPT"] = rule
    server.instead["END"] = cuts(b"taken")
    sent = world.put(BOB, CAROL)
    waiting = await world.until_tried(sent)
    assert waiting.state is Sending.WAITING
    world.later(LONG)
    unsure = await world.until_state(sent, Sending.UNCONFIRMED)
    assert unsure.to == (BOB,)
    assert [taken.recipients for taken in server.taken] == [(BOB,), (CAROL,)]


# What happens beside it.


async def test_on_its_second_try_a_message_is_not_said_to_have_left(
    world: World, server: HostileServer
) -> None:
    """Why it had waited was taken for why it is not in Sent: "has left" was said of what the server had not even heard of."""
    seen: list[Outgoing] = []

    def rule(_: Session, __: str) -> bytes | None:
        seen.append(world[sent])
        return b"451 4.7.1 greylisted\r\n" if len(seen) == 1 else None

    server.instead["MAIL"] = rule
    sent = world.put()
    assert "greylisted" in (await world.until_tried(sent)).problem
    world.later(LONG)
    await world.until_left(sent)
    assert len(seen) == 2
    for one in seen:
        assert one.state is Sending.SENDING
        assert not one.stuck
        assert not one.problem


async def test_while_some_are_refused_and_others_are_sent_to_it_is_not_said_to_have_left(
    world: World, server: HostileServer
) -> None:
    seen: list[Outgoing] = []

    def rule(_: Session, argument: str) -> bytes | None:
        if "carol" in argument:
            return b"550 5.1.1 no such user\r\n"
        seen.append(world[sent])
        return b"451 4.7.1 greylisted\r\n" if len(seen) == 1 else None

    server.instead["RCPT"] = rule
    sent = world.put(BOB, CAROL)
    await world.until_tried(sent)
    world.later(LONG)
    await world.until_state(sent, Sending.REFUSED)
    _, second = seen
    assert (second.state, second.stuck) == (Sending.SENDING, False)
    assert "550 5.1.1 no such user" in second.problem
    assert "greylisted" not in second.problem


async def test_a_message_can_be_taken_back_until_its_end_is_said(
    world: World, server: HostileServer
) -> None:
    def rule(_: Session, __: str) -> None:
        world.outbox.take_out(sent)

    server.instead["DATA"] = rule
    sent = world.put()
    await world.until_left(sent)
    server.instead.clear()
    other = world.put()
    await world.until_left(other)
    assert len(server.taken) == 1


async def test_it_is_too_late_when_its_end_is_said(world: World, server: HostileServer) -> None:
    caught: list[str] = []

    def rule(_: Session, __: str) -> None:
        assert world[sent].state is Sending.SENDING
        for act in (world.outbox.take_out, world.outbox.send_again):
            with pytest.raises(TooLate) as error:
                act(sent)
            caught.append(str(error.value))

    server.instead["END"] = rule
    sent = world.put()
    await world.until_left(sent)
    assert len(caught) == 2
    assert len(server.taken) == 1


async def test_a_copy_that_cannot_be_made_is_made_later(
    world: World, server: HostileServer
) -> None:
    world.library.full = True
    sent = world.put()
    await world.until(lambda: "The disk is full" in world[sent].problem)
    assert (world[sent].left, world[sent].unfiled, world[sent].stuck) == (True, True, True)
    assert not world[sent].may_have_left, "it certainly has"
    with pytest.raises(TooLate):
        world.outbox.send_again(sent)
    world.library.full = False
    world.later(LONG)
    await world.until_left(sent)
    assert len(server.taken) == 1
    assert len(world.library.sent) == 1


def drafts_of(world: World) -> tuple[Path, Callable[[], KeptDrafts]]:
    """Where the drafts of its messages are, and how they are opened, as at a start."""
    folder = world.folder.with_name("drafts")

    def opened() -> KeptDrafts:
        return open_drafts(
            folder, outbox=world.outbox, tell=lambda _: None, clock=lambda: datetime.now(UTC)
        )

    return folder, opened


async def test_what_has_left_while_the_drafts_cannot_be_read_stays_until_its_draft_is_gone(
    world: World, server: HostileServer
) -> None:
    """Its draft was there after the next start, as something not sent yet."""
    folder, opened = drafts_of(world)
    drafts = opened()
    draft = drafts.save(drafts.new(Draft("", subject="News")))
    away = folder.rename(folder.with_name("away"))
    folder.write_bytes(b"")
    world.discard = opened().discard
    sent = world.put(draft=draft.id)
    await world.until(lambda: world[sent].left)
    assert "It has left, and is in Sent" in world[sent].problem
    assert "Your drafts cannot be read" in world[sent].problem
    assert (world[sent].unfiled, world[sent].stuck) == (False, True)
    await world.stop()
    folder.unlink()
    away.rename(folder)
    world.outbox = world.opened()
    drafts = opened()
    world.discard = drafts.discard
    assert drafts.all() == [], "its message is in the outbox still"
    world.start()
    await world.until_left(sent)
    assert opened().all() == []
    assert len(server.taken) == len(world.library.sent) == 1


async def test_what_is_discarded_while_the_drafts_cannot_be_read_is_not_there_again_later(
    world: World, server: HostileServer
) -> None:
    """The draft was listed after the next start, as something not sent yet."""
    folder, opened = drafts_of(world)
    drafts = opened()
    draft = drafts.save(drafts.new(Draft("", subject="News")))
    sent = world.put(draft=draft.id, hold_seconds=60)
    away = folder.rename(folder.with_name("away"))
    folder.write_bytes(b"")
    world.discard = opened().discard
    world.outbox.discard(sent)
    assert (world[sent].discarded, world[sent].left, world[sent].to) == (True, True, ())
    await world.stop()
    folder.unlink()
    away.rename(folder)
    world.outbox = world.opened()
    drafts = opened()
    world.discard = drafts.discard
    assert drafts.all() == []
    world.start()
    await world.until(lambda: world.outbox.find(sent) is None)
    assert opened().all() == []
    assert server.taken == []
    assert world.library.sent == {}


async def test_what_some_have_got_is_in_sent_when_the_rest_is_discarded(
    world: World, server: HostileServer
) -> None:
    server.instead["RCPT"] = lambda _, argument: b"450 busy\r\n" if "carol" in argument else None
    sent = world.put(BOB, CAROL, draft="d1")
    await world.until_tried(sent)
    world.outbox.discard(sent)
    await world.until(lambda: world.outbox.find(sent) is None)
    assert len(world.library.sent) == 1
    assert set(world.discarded) == {"d1"}


async def test_what_is_lost_and_nobody_has_got_can_be_discarded_with_its_draft(
    world: World,
) -> None:
    sent = world.put(draft="d1", hold_seconds=60)
    unreadable(world, sent)
    world.outbox.discard(sent)
    await world.until(lambda: world.outbox.find(sent) is None)
    assert set(world.discarded) == {"d1"}


async def test_a_discard_on_a_full_disk_makes_room(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = world.put(draft="d1", hold_seconds=60)

    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("pillarbox.reader.outbox.shelf.replace_file", full)
        world.outbox.discard(sent)
    assert world.outbox.find(sent) is None
    assert list(world.folder.iterdir()) == []
    assert world.discarded == ["d1"]


def unreadable(world: World, outgoing_id: str) -> Path:
    """What it is made: as by a bad sector, for ever."""
    path = world.folder / f"{outgoing_id}.eml"
    path.unlink()
    path.symlink_to(path)
    return path


async def test_one_that_cannot_be_put_into_sent_keeps_no_other_from_it(
    world: World, server: HostileServer
) -> None:
    world.library.full = True
    bad = world.put(draft="d1")
    await world.until(lambda: "The disk is full" in world[bad].problem)
    path = unreadable(world, bad)
    world.library.full = False
    good = world.put()
    await world.until_left(good)
    await world.until(lambda: f"{path} cannot be read" in world[bad].problem)
    assert world[bad].unreadable
    later = world.put()
    await world.until_left(later)  # though the bad one waits for its next try
    assert len(world.library.sent) == 2
    world.outbox.take_out(bad)
    assert world.outbox.find(bad) is None
    assert not path.is_symlink()


async def test_one_that_cannot_be_read_keeps_no_other_from_leaving(
    world: World, server: HostileServer
) -> None:
    bad = world.put(hold_seconds=60)
    path = unreadable(world, bad)
    world.outbox.send_again(bad)
    good = world.put()
    await world.until_left(good)
    await world.until(lambda: f"{path} cannot be read" in world[bad].problem)
    assert len(server.taken) == 1
    with pytest.raises(LibraryUnusable, match="cannot be read"):
        world.outbox.read(bad)
    world.outbox.take_out(bad)
    assert world.outbox.all() == []


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM, errno.EACCES])
async def test_what_cannot_be_read_just_now_is_not_taken_out_without_a_copy(
    world: World, server: HostileServer, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Some have got it: it would be in nobody's Sent."""
    server.instead["RCPT"] = lambda _, argument: b"450 busy\r\n" if "carol" in argument else None
    world.library.full = True
    sent = world.put(BOB, CAROL)
    await world.until_tried(sent)
    await world.until(lambda: world.outbox._noting.failure(sent) is not None)
    world.library.full = False
    with monkeypatch.context() as patched:

        def fail(_: Path) -> bytes:
            raise OSError(number, os.strerror(number))

        patched.setattr(Path, "read_bytes", fail)
        with pytest.raises(LibraryUnusable, match="Put that right, and try again"):
            world.outbox.take_out(sent)
    assert world.outbox.find(sent) is not None
    world.outbox.take_out(sent)
    assert len(world.library.sent) == 1
    assert world.outbox.find(sent) is None


async def test_what_is_under_way_when_the_reader_ends_is_finished(
    world: World, server: HostileServer
) -> None:
    def rule(_: Session, __: str) -> None:
        world._running.cancel()

    server.instead["DATA"] = rule
    sent, other = world.put(), world.put()
    await world.until(lambda: len(server.taken) == 1)
    await world.stop()
    server.instead.clear()
    await world.restart()
    await world.until_left(sent)
    await world.until_left(other)
    assert len(server.taken) == 2


async def test_who_breaks_off_in_the_middle_of_a_large_message(
    world: World, server: HostileServer
) -> None:
    large = MESSAGE + b"line of text\r\n" * 400_000

    def rule(session: Session, _: str) -> None:
        session._writer.write(b"354 go on\r\n552 5.3.4 too large after all\r\n")
        raise Cut

    server.instead["DATA"] = rule
    sent = world.put(message=large)
    found = await world.until_tried(sent)
    assert found.state in {Sending.REFUSED, Sending.WAITING}
    assert server.taken == []
    server.instead.clear()
    world.outbox.send_again(sent)
    await world.until_left(sent)
    assert server.taken[0].content == large
