"""Plays a transcript on a stage, and shows where the dialogue went another way.

A :class:`Stage` is whatever a POP3 server can be played on: the pure core stepped without
an event loop, a connection on a memory transport, a process behind a socket. The player
knows none of them. It sends the client's lines, reads the server's strictly (every line
ends in CRLF, the first line of a reply has at most 512 octets: RFC 2449, section 4), and
raises :class:`TranscriptMismatch` at the first difference.

What a message looks like on the line is worked out here from RFC 1939 alone, not with the
functions of ``wire``: the test must not share the mistakes of what it tests.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Coroutine
from typing import Protocol

from pillarbox.testing.transcript import unescape
from pillarbox.testing.transcript_scram import ScramDialogue
from pillarbox.testing.transcript_steps import (
    Act,
    Event,
    GivenMessage,
    Hear,
    HearEnd,
    HearLines,
    HearMessage,
    Say,
    Setting,
    Step,
    Then,
    Transcript,
    What,
)

FIRST_LINE_LIMIT = 512
"""RFC 2449, section 4: the first line of a reply, CRLF included."""


class SilenceError(Exception):
    """The server has nothing to say, and will not before it hears something."""


class Stage(Protocol):
    """Where a transcript is played: one server with its maildrops, one client at a time."""

    async def prepare(self, setting: Setting) -> None:
        """Build the world that is given. Called once, first."""

    async def connect(self) -> None:
        """A client connects (after the first time: when the session before is over)."""

    async def send(self, data: bytes) -> None:
        """The client sends *data*."""

    async def receive(self) -> bytes:
        """What the server sends next, in any portions; empty when it has closed.

        Raises:
            SilenceError: nothing will come.
        """

    async def act(self, what: str) -> None:
        """``tls``: shake hands; ``cut``: break the connection; ``end``: half-close."""

    async def meanwhile(self, event: Event) -> None:
        """Something happens beside the dialogue."""

    async def holdings(self, user: str) -> list[tuple[str, int]]:
        """What the maildrop lists now: unique-id and octets, in order."""

    async def close(self) -> None:
        """Take everything down. Called once, last, whatever happened."""


class TranscriptMismatch(AssertionError):
    """The server said something else than the transcript."""


class _DifferentError(Exception):
    def __init__(self, expected: str, got: str) -> None:
        self.expected = expected
        self.got = got


def without_a_loop(coroutine: Coroutine[object, object, None]) -> None:
    """Run a coroutine that never has to wait: how the pure core is played.

    Raises:
        RuntimeError: it waited for something after all.
    """
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("the stage waited for an event loop, and there is none")


def canonical(content: bytes) -> bytes:
    """A message as RFC 1939 sends it before stuffing: CRLF line ends, the last one too."""
    lines = re.sub(rb"\r?\n", b"\r\n", content)
    return lines if not lines or lines.endswith(b"\r\n") else lines + b"\r\n"


def body_on_the_line(content: bytes, lines: int | None = None) -> bytes:
    """What RETR (or ``TOP n lines``) sends between the first line and the final dot."""
    every = canonical(content).split(b"\r\n")[:-1]
    if lines is not None and b"" in every:
        every = every[: every.index(b"") + 1 + lines]
    return b"".join((b"." + x if x.startswith(b".") else x) + b"\r\n" for x in every)


async def play(transcript: Transcript, stage: Stage) -> None:
    """Play *transcript* on *stage*, from its setting to its last line.

    Raises:
        TranscriptMismatch: at the first line that is different.
    """
    try:
        await stage.prepare(transcript.setting)
        await _Player(transcript, stage).play()
    finally:
        await stage.close()


class _Player:
    """One performance."""

    def __init__(self, transcript: Transcript, stage: Stage) -> None:
        self._transcript = transcript
        self._stage = stage
        self._heard = bytearray()
        self._closed = False
        self._names: dict[str, bytes] = {}
        self._timestamp = b""
        self._scram = ScramDialogue()
        self._makers: dict[str, Callable[[str], bytes]] = {
            "apop": self._apop,
            "base64": self._base64,
            "cram": self._cram,
            "proof": self._proof,
            "scram": self._first_of_scram,
        }
        self._unsent = bytearray()
        self._first: list[tuple[str, int]] = []

    async def play(self) -> None:
        steps = self._transcript.steps
        self._first = await self._stage.holdings(self._transcript.setting.first_user)
        await self._connect()
        for index, step in enumerate(steps):
            try:
                await self._step(step.what)
                if not (index + 1 < len(steps) and isinstance(steps[index + 1].what, Say)):
                    await self._flush()
            except _DifferentError as different:
                raise self._mismatch(step, different) from None
        if self._heard:
            raise self._mismatch(steps[-1], _DifferentError("nothing more", _shown(self._heard)))

    async def _step(self, what: What) -> None:
        match what:
            case Say():
                self._unsent += self._resolve(what)
            case Act("connect"):
                await self._connect()
            case Act():
                await self._flush()
                await self._stage.act(what.what)
            case Hear() | HearMessage() | HearLines() | HearEnd():
                await self._hear(what)
            case Then():
                await self._then(what)
            case _:
                await self._stage.meanwhile(what)

    async def _hear(self, what: Hear | HearMessage | HearLines | HearEnd) -> None:
        match what:
            case Hear(exact=True):
                await self._hear_bytes(unescape(what.text))
            case Hear():
                await self._hear_line(what.text)
            case HearMessage():
                await self._hear_message(what)
            case HearLines():
                await self._hear_lines(what)
            case HearEnd("close"):
                await self._hear_close()
            case _:
                await self._hear_nothing()

    # -- the client ---------------------------------------------------------------

    async def _connect(self) -> None:
        self._heard.clear()
        self._closed = False
        await self._stage.connect()

    async def _flush(self) -> None:
        if self._unsent:
            data = bytes(self._unsent)
            self._unsent.clear()
            await self._stage.send(data)

    def _resolve(self, say: Say) -> bytes:
        """The bytes of a client's line: braces first, then escapes."""
        parts = bytearray()
        for part in re.split(r"(\{[^}]*\})", say.text):
            if part.startswith("{") and part.endswith("}"):
                parts += self._brace(part[1:-1])
            else:
                parts += unescape(part) if say.exact else part.encode()
        return bytes(parts if say.exact else parts + b"\r\n")

    def _brace(self, text: str) -> bytes:
        word, space, rest = text.partition(" ")
        if space and (makes := self._makers.get(word)):
            return makes(rest)
        if match := re.fullmatch(r"(.+)\*(\d+)", text):
            return unescape(match[1]) * int(match[2])
        return self._names[text]

    def _base64(self, text: str) -> bytes:
        return base64.b64encode(unescape(text))

    def _apop(self, secret: str) -> bytes:
        digest = hashlib.md5(self._timestamp + secret.encode(), usedforsecurity=False)
        return digest.hexdigest().encode()  # RFC 1939, section 7: lower-case hexadecimal

    def _cram(self, text: str) -> bytes:
        """RFC 2195, section 2."""
        name, secret, challenge = text.split(" ")
        heard = base64.b64decode(self._names[challenge])
        digest = hmac.new(secret.encode(), heard, "md5").hexdigest()
        return base64.b64encode(f"{name} {digest}".encode())

    def _first_of_scram(self, message: str) -> bytes:
        return self._scram.first(unescape(message))

    def _proof(self, text: str) -> bytes:
        """Client-final. From now on ``{signature}`` is what the server has to prove itself by."""
        hash_name, password, said, *channel = text.split(" ", 3)
        final, self._names["signature"] = self._scram.final(
            hash_name, password, self._names[said], unescape("".join(channel))
        )
        return final

    # -- the server ---------------------------------------------------------------

    async def _more(self) -> bool:
        """Read on; False at the end of the connection."""
        if self._closed:
            return False
        data = await self._stage.receive()
        self._heard += data
        self._closed = not data
        return bool(data)

    async def _line(self, expected: str) -> bytes:
        while (end := self._heard.find(b"\n")) < 0:
            await self._more_for(expected)
        line = bytes(self._heard[: end + 1])
        if not line.endswith(b"\r\n"):
            raise _DifferentError(expected, f"a line that does not end in CRLF: {_shown(line)}")
        del self._heard[: end + 1]
        return line[:-2]

    async def _more_for(self, expected: str) -> None:
        try:
            if await self._more():
                return
        except SilenceError:
            raise _DifferentError(expected, "silence; " + _shown(self._heard)) from None
        raise _DifferentError(expected, "the end of the connection; " + _shown(self._heard))

    async def _hear_bytes(self, wanted: bytes) -> None:
        while len(self._heard) < len(wanted) and wanted.startswith(self._heard):
            await self._more_for(_shown(wanted))
        if not self._heard.startswith(wanted):
            raise _DifferentError(_shown(wanted), _shown(self._heard[: len(wanted) + 80]))
        del self._heard[: len(wanted)]

    async def _hear_line(self, text: str) -> None:
        line = await self._line(text)
        if not self._fits(text, line):
            raise _DifferentError(text, _shown(line))
        if text.startswith(("+OK", "-ERR", "+ ")) and len(line) + 2 > FIRST_LINE_LIMIT:
            raise _DifferentError("a first line of at most 512 octets", f"{len(line) + 2} octets")
        if text.startswith("+OK") and not self._timestamp:
            stamp = re.search(rb"<[^<>]+@[^<>]+>", line)
            self._timestamp = stamp[0] if stamp else b""

    def _fits(self, text: str, line: bytes) -> bool:
        """Whether *line* is what *text* asks for; keeps what its names stand for."""
        pattern = rb""
        names: list[str] = []
        for part in re.split(r"(\\\*|\*|\{[\w-]+\})", text):
            if part.startswith("{"):
                names.append(part[1:-1])
                known = self._names.get(part[1:-1])
                pattern += rb"(\S+)" if known is None else b"(" + re.escape(known) + b")"
            else:
                pattern += {"*": rb".*", "\\*": rb"\*"}.get(part) or re.escape(part.encode())
        match = re.fullmatch(pattern, line, re.DOTALL)
        if match:
            self._names.update(zip(names, match.groups(), strict=True))
        return match is not None

    async def _hear_message(self, what: HearMessage) -> None:
        given = self._transcript.setting.messages[what.number - 1]
        await self._hear_bytes(body_on_the_line(given.content, what.lines))

    async def _hear_lines(self, what: HearLines) -> None:
        lines = []
        while (line := await self._line("lines up to a single dot")) != b".":
            lines.append(line)
        said = "\n".join(_shown(line) for line in lines)
        for text in what.present:
            if not any(self._fits(text, line) for line in lines):
                raise _DifferentError(f"a line {text}", said)
        for text in what.absent:
            if any(self._fits(text, line) for line in lines):
                raise _DifferentError(f"no line {text}", said)

    async def _hear_close(self) -> None:
        expected = "the end of the connection"
        try:
            while not self._heard and await self._more():
                pass
        except SilenceError:
            raise _DifferentError(expected, "silence, and the connection is open") from None
        if self._heard:
            raise _DifferentError(expected, _shown(self._heard))

    async def _hear_nothing(self) -> None:
        try:
            while not self._heard and await self._more():
                pass
        except SilenceError:
            return
        got = _shown(self._heard) if self._heard else "the end of the connection"
        raise _DifferentError("silence", got)

    # -- the maildrop -------------------------------------------------------------

    async def _then(self, then: Then) -> None:
        setting = self._transcript.setting
        mine = [m for m in setting.messages if m.user == setting.first_user]
        now = await self._stage.holdings(setting.first_user)
        expected = [self._first[number - 1] for number in then.numbers]
        if now != expected:
            raise _DifferentError(
                _listed(self._first, mine, expected), _listed(self._first, mine, now)
            )

    def _mismatch(self, at: Step, different: _DifferentError) -> TranscriptMismatch:
        """The dialogue, with the line that differs marked."""
        lines = [f"{self._transcript.title}", f"({self._transcript.file}, line {at.line})", ""]
        for step in self._transcript.steps:
            lines.append(("  > " if step is at else "    ") + step.source)
            if step is at:
                lines += [f"      expected: {different.expected}"]
                lines += [f"      got:      {line}" for line in different.got.splitlines() or [""]]
        return TranscriptMismatch("\n".join(lines))


def _listed(
    first: list[tuple[str, int]], mine: list[GivenMessage], now: list[tuple[str, int]]
) -> str:
    """A maildrop's holdings in the transcript's numbers."""
    names = [
        str(first.index(entry) + 1) if entry in first else f"another of {entry[1]} octets"
        for entry in now
    ]
    return f"{', '.join(names) or 'nothing'} (of {len(mine)} given)"


def _shown(data: bytes | bytearray) -> str:
    """Bytes as a reader can take them in: text, with escapes for what is not."""
    text = bytes(data[:600]).decode("ascii", "backslashreplace")
    return text.replace("\r", "\\r").replace("\n", "\\n").replace("\0", "\\0") or "nothing"
