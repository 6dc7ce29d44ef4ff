"""The day itself: polls and deliveries, several at once, and all that they show held against the
ledger.
"""

from __future__ import annotations

import ssl
import time
from collections import deque
from collections.abc import Iterable
from contextlib import closing

from bench.day.ledger import Ledger
from bench.day.plan import Letter, Plan, Poll, number_in
from bench.day.talks import Line, Talk, drive
from bench.peers.contract import DOMAIN, PASSWORD, Peer

_WIDTH = 16
"""Conversations at once."""


class Provider:
    """One server on its day."""

    def __init__(self, peer: Peer, plan: Plan) -> None:
        self._peer = peer
        self._letters = plan.letters
        self._ledger = Ledger()
        self._busy: set[str] = set()
        """Who has a session: another one would be refused, or see the same mail."""
        self._doors: list[Line] = []
        """Connections for LMTP."""
        self._free: list[Line] = []
        """Those of them that nobody uses just now."""
        self._tickets: dict[str, ssl.SSLSession] = {}
        self.times: dict[type[Poll | Letter], list[float]] = {Poll: [], Letter: []}
        """Seconds that each took."""
        self.handshakes = 0
        self.resumed = 0

    def spend(self, events: Iterable[Poll | Letter]) -> None:
        """Have these happen, as soon as may be and about in this order.

        Raises:
            AssertionError: the server did or said something wrong.
        """
        waiting = deque(events)
        try:
            drive(lambda: self._begin(waiting), _WIDTH)
        finally:
            for door in self._doors:
                door.close()
            self._doors.clear()
            self._free.clear()

    def evening(self) -> list[Poll]:
        """A poll of everyone who has mail."""
        return [Poll(user, tls=False) for user in self._ledger.waiting()]

    def settled(self) -> int:
        """How many letters were collected: all, each once, and by everyone it was for.

        Raises:
            AssertionError: not so.
        """
        return self._ledger.all_collected()

    def _begin(self, waiting: deque[Poll | Letter]) -> Talk[None] | None:
        for _ in range(len(waiting)):
            event = waiting.popleft()
            if isinstance(event, Letter):
                return self._timed(event, self._deliver(event))
            if event.user not in self._busy:
                self._busy.add(event.user)
                return self._timed(event, self._poll(event))
            waiting.append(event)
        return None

    def _timed(self, event: Poll | Letter, talk: Talk[None]) -> Talk[None]:
        began = time.perf_counter()
        yield from talk
        self.times[type(event)].append(time.perf_counter() - began)

    def _deliver(self, letter: Letter) -> Talk[None]:
        door = self._free.pop() if self._free else (yield from self._open_door())
        envelope = [
            f"MAIL FROM:<a@{DOMAIN}>",
            *(f"RCPT TO:<{self._peer.address(user)}>" for user in letter.users),
            "DATA",
        ]
        self._ledger.sent(letter.number, letter.users)
        yield from door.say("".join(f"{line}\r\n" for line in envelope).encode())
        for _ in envelope[1:]:
            yield from door.line(b"250")
        yield from door.line(b"354")
        yield from door.say(letter.text() + b".\r\n")
        for user in letter.users:
            yield from door.line(b"250")
            self._ledger.taken(letter.number, [user])
        self._free.append(door)

    def _open_door(self) -> Talk[Line]:
        assert self._peer.lmtp is not None
        door = Line(self._peer.lmtp)
        self._doors.append(door)
        yield from door.line(b"220")
        yield from door.say(b"LHLO localhost\r\n")
        while (yield from door.line(b"250"))[3:4] == b"-":
            pass
        return door

    def _poll(self, poll: Poll) -> Talk[None]:
        port = self._peer.pop3s if poll.tls else self._peer.pop3
        assert port is not None
        with closing(Line(port)) as line:
            if poll.tls:
                ticket = self._tickets.get(poll.user)
                self.handshakes += 1
                self.resumed += yield from line.start_tls(self._peer.tls, ticket)
            yield from line.line(b"+OK")
            yield from line.command(b"USER " + poll.user.encode())
            due = self._ledger.due(poll.user)
            yield from line.command(b"PASS " + PASSWORD.encode())
            count = int((yield from line.command(b"STAT")).split()[1])
            if (yield from line.content(b"UIDL")).count(b"\n") != count + 1:
                raise AssertionError("STAT and UIDL do not agree")
            numbers = []
            for place in range(1, count + 1):
                message = yield from line.content(b"RETR %d" % place)
                numbers.append(self._whole(message))
                yield from line.command(b"DELE %d" % place)
            yield from line.command(b"QUIT")
            self._ledger.collected(poll.user, numbers, due)
            if isinstance(line.socket, ssl.SSLSocket) and line.socket.session:
                self._tickets[poll.user] = line.socket.session
        self._busy.remove(poll.user)

    def _whole(self, message: bytes) -> int:
        """Which letter it is; it must be all there, behind what the server has put in front."""
        number = number_in(message)
        letter = self._letters.get(number)
        if letter is None or not message.endswith(b"%s.\r\n" % letter.text()):
            raise AssertionError(f"letter {number} is not what was sent: {message[:200]!r}")
        return number
