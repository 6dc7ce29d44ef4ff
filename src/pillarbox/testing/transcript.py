r"""The transcript format: a POP3 dialogue that one can read aloud, and a machine can check.

A file holds one or more transcripts. Each opens with a title, which quotes the sentence
it checks, then says what is *given*, then who says what::

    == RFC 1939, section 5: "DELE: The POP3 server marks the message as deleted."
    given: a message of 120 octets
    given: a message of 200 octets
    S: +OK *
    C: USER mrose
    S: +OK*
    C: PASS tanstaaf
    S: +OK*
    C: DELE 1
    S: +OK*
    C: <cut>
    then maildrop holds: 1, 2

**Client.** ``C: text`` sends the line with CRLF; ``C (bytes): text`` sends exactly what
is written, with the escapes ``\0 \r \n \t \s`` (a space that must be seen) ``\xHH``
and ``\\``. Lines of the client that follow each other go out in one piece: pipelining.
``{base64 …}`` encodes, ``{A*300}`` repeats, ``{apop SECRET}`` answers the greeting's
timestamp, ``{name}`` says what the server was heard to say under that name.
``{cram NAME SECRET challenge}`` answers a challenge of CRAM-MD5 that was heard under a name;
``{scram MESSAGE}`` begins with SCRAM, ``{proof HASH PASSWORD first}`` proves the password in
answer to what was heard as ``{first}`` (text behind that is what the channel is bound to), and
``S: + {signature}`` is then the server's own proof.
``C: <tls>`` shakes hands, ``C: <cut>`` breaks the connection, ``C: <end>`` closes the
client's half, ``C: <connect>`` comes again.

**Server.** ``S: text`` expects that line; ``*`` stands for anything (``\*`` for a star),
``{name}`` for a word that must be the same each time it comes. ``S (bytes):`` is the same
with escapes and without the CRLF. ``S: <message 2>`` expects a whole body, dot-stuffed as
on the line, without the final ``.``; ``S: <message 2, 3 lines>`` what TOP sends.
``S: <lines with TOP; SASL *PLAIN*; without STLS>`` reads up to the final ``.`` and looks
for lines in any order. ``S: <close>`` expects the end of the connection,
``S: <silence>`` that nothing is said.

**Settings.** ``given:`` lines are listed in :data:`GIVENS`, ``meanwhile:`` lines in
:data:`EVENTS`. Without an account there is ``mrose`` with the password ``tanstaaf`` of
RFC 1939. ``given:`` lines above the first title hold for the whole file. A line with
``#`` is a remark.

Errors: :class:`TranscriptSyntaxError`, with file and line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from pillarbox.testing.transcript_steps import (
    DEFAULT_ACCOUNT,
    Act,
    Arrives,
    BodyLost,
    Event,
    GivenMessage,
    Hear,
    HearEnd,
    HearLines,
    HearMessage,
    Say,
    Setting,
    Step,
    StorageFails,
    StorageMends,
    Then,
    TimePasses,
    Transcript,
    Unlocked,
    What,
)


class TranscriptSyntaxError(Exception):
    """A line that the format does not know."""


_LINE = b"The post goes out at nine in the morning and comes back at four.\r\n"


def message_of(octets: int, number: int) -> bytes:
    """A message of exactly *octets* octets, CRLF counted, with nothing to stuff.

    Raises:
        ValueError: so short a message has no room for its header.
    """
    head = b"Subject: Message %d\r\n\r\n" % number
    room = octets - len(head)
    if room < 0 or room == 1:
        raise ValueError(f"a made-up message has at least {len(head) + 2} octets, not {octets}")
    whole = max(0, room - 2) // len(_LINE)  # at least two octets stay for the last line
    rest = room - whole * len(_LINE)
    last = b"x" * (rest - 2) + b"\r\n" if rest else b""
    return head + _LINE * whole + last


def _messages(setting: Setting, count: int, octets: int) -> Setting:
    user = (setting.accounts or (DEFAULT_ACCOUNT,))[-1][0]
    first = len(setting.messages) + 1
    made = tuple(
        GivenMessage(user, message_of(octets, number)) for number in range(first, first + count)
    )
    return replace(setting, messages=setting.messages + made)


def _literal(setting: Setting, content: bytes) -> Setting:
    user = (setting.accounts or (DEFAULT_ACCOUNT,))[-1][0]
    return replace(setting, messages=(*setting.messages, GivenMessage(user, content)))


_Given = Callable[[Setting, re.Match[str]], Setting]

GIVENS: dict[str, _Given] = {
    r"account (\S+), password (.+)": lambda s, m: replace(
        s, accounts=(*s.accounts, (m[1], unescape(m[2]).decode()))
    ),
    r"a message of (\d+) octets": lambda s, m: _messages(s, 1, int(m[1])),
    r"(\d+) messages of (\d+) octets": lambda s, m: _messages(s, int(m[1]), int(m[2])),
    r"a message \(bytes\): ?(.*)": lambda s, m: _literal(s, unescape(m[1])),
    r"the (pop3s?) port": lambda s, m: replace(s, port=m[1]),
    r"cleartext (never|loopback|always)": lambda s, m: replace(s, cleartext=m[1], port="pop3"),
    r"a client at (\S+)": lambda s, m: replace(s, client=m[1], stages=("core", "memory")),
    r"no certificate": lambda s, _: replace(s, certificate=False, port="pop3"),
    r"apop": lambda s, _: replace(s, apop=True),
    r"login delay (\d+) seconds": lambda s, m: replace(s, login_delay=int(m[1])),
    r"mechanisms (.+)": lambda s, m: replace(s, mechanisms=tuple(m[1].split())),
    r"access tokens are checked": lambda s, _: replace(s, tokens=True, stages=("core", "memory")),
    r"a client certificate for (\S+)": lambda s, m: replace(
        s, client_identities=(m[1],), stages=("core", "memory")
    ),
    r"no mechanisms": lambda s, _: replace(s, mechanisms=()),
    r"signed in": lambda s, _: replace(s, signed_in=True),
    r"another session has the maildrop": lambda s, _: replace(s, held=True),
    r"only on (.+)": lambda s, m: replace(s, stages=tuple(re.split(r",\s*", m[1]))),
}
"""What ``given:`` can say. A message belongs to the account named last."""

EVENTS: dict[str, Callable[[re.Match[str]], Event]] = {
    r"a message of (\d+) octets arrives": lambda m: Arrives(message_of(int(m[1]), 0)),
    r"the body of message (\d+) is lost": lambda m: BodyLost(int(m[1])),
    r"the storage fails (for a while|for good)": lambda m: StorageFails(m[1] == "for a while"),
    r"the storage works again": lambda _: StorageMends(),
    r"the maildrop is unlocked by hand": lambda _: Unlocked(),
    r"(\d+) seconds pass": lambda m: TimePasses(float(m[1])),
}
"""What ``meanwhile:`` can say."""

_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_ESCAPES = {"0": 0, "r": 13, "n": 10, "t": 9, "s": 32, "\\": 92, "*": 42}


def unescape(text: str) -> bytes:
    """*text* as bytes (UTF-8), with the escapes of ``(bytes)`` lines resolved."""
    parts = bytearray()
    position = 0
    for match in _ESCAPE.finditer(text):
        parts += text[position : match.start()].encode()
        code = match[1]
        parts.append(int(code[1:], 16) if len(code) == 3 else _ESCAPES[code])
        position = match.end()
    return bytes(parts + text[position:].encode())


def _client(text: str, *, exact: bool) -> What:
    action = re.fullmatch(r"<(tls|cut|end|connect)>", text)
    return Act(action[1]) if action and not exact else Say(text, exact)


def _server(text: str, *, exact: bool) -> What:
    if exact:
        return Hear(text, exact=True)
    if match := re.fullmatch(r"<(close|silence)>", text):
        return HearEnd(match[1])
    if match := re.fullmatch(r"<message (\d+)(?:, (\d+) lines?)?>", text):
        return HearMessage(int(match[1]), None if match[2] is None else int(match[2]))
    if match := re.fullmatch(r"<lines(?: with (.*?))?(?:;? ?without (.*))?>", text):
        return HearLines(_items(match[1]), _items(match[2]))
    return Hear(text, exact=False)


def _items(text: str | None) -> tuple[str, ...]:
    return tuple(item.strip() for item in (text or "").split(";") if item.strip())


def _then(text: str) -> What:
    return Then(() if text == "nothing" else tuple(int(n) for n in text.split(",")))


def _event(text: str) -> What | None:
    for pattern, build in EVENTS.items():
        if match := re.fullmatch(pattern, text):
            return build(match)
    return None


_STEPS: dict[str, Callable[[str], What | None]] = {
    r"C: ?(.*)": lambda text: _client(text, exact=False),
    r"C \(bytes\): ?(.*)": lambda text: _client(text, exact=True),
    r"S: ?(.*)": lambda text: _server(text, exact=False),
    r"S \(bytes\): ?(.*)": lambda text: _server(text, exact=True),
    r"meanwhile: (.*)": _event,
    r"then maildrop holds: (nothing|\d+(?:, ?\d+)*)": _then,
}


def _sign_in(setting: Setting, line: int) -> Iterator[Step]:
    """The steps that ``given: signed in`` stands for."""
    if setting.signed_in:
        user, password = setting.credentials[0]
        for source in ("S: +OK*", f"C: USER {user}", "S: +OK*", f"C: PASS {password}", "S: +OK*"):
            what = _step(source)
            assert what is not None
            yield Step(what, source, line)


def _step(line: str) -> What | None:
    for pattern, build in _STEPS.items():
        if match := re.fullmatch(pattern, line):
            return build(match[1])
    return None


@dataclass
class _Draft:
    """A transcript being read."""

    setting: Setting
    title: list[str] = field(default_factory=list)
    line: int = 1
    steps: list[Step] = field(default_factory=list)


class _Reader:
    """Reads one file, line by line; one method a kind of line."""

    def __init__(self, text: str, file: str) -> None:
        self._lines = list(enumerate(text.splitlines(), start=1))
        self._file = file
        self._common = Setting()
        self._draft: _Draft | None = None

    def transcripts(self) -> Iterator[Transcript]:
        position = 0
        while position < len(self._lines):
            number, line = self._lines[position]
            position += 1
            if line.startswith("=="):
                yield from self._finish()
                self._draft = _Draft(self._common, [line[2:].strip()], number)
            elif line == "given: a message:":
                position = self._block(position)
            elif line.startswith("given: "):
                self._given(line[len("given: ") :], number)
            elif line.startswith("  ") and self._draft and not self._draft.steps:
                self._draft.title.append(line.strip())
            elif line.strip() and not line.startswith("#"):
                self._add(line, number)
        yield from self._finish()

    def _finish(self) -> Iterator[Transcript]:
        if draft := self._draft:
            title = " ".join(draft.title)
            steps = (*_sign_in(draft.setting, draft.line), *draft.steps)
            yield Transcript(title, self._file, draft.line, draft.setting, steps)

    def _block(self, position: int) -> int:
        """A literal message: the lines after ``    |``."""
        content = b""
        while position < len(self._lines):
            match = re.fullmatch(r"\s+\|(?: (.*))?", self._lines[position][1])
            if match is None:
                break
            content += (match[1] or "").encode() + b"\r\n"
            position += 1
        self._change(_literal(self._setting, content))
        return position

    @property
    def _setting(self) -> Setting:
        return self._draft.setting if self._draft else self._common

    def _change(self, setting: Setting) -> None:
        if self._draft:
            self._draft.setting = setting
        else:
            self._common = setting

    def _given(self, text: str, number: int) -> None:
        for pattern, change in GIVENS.items():
            if match := re.fullmatch(pattern, text):
                self._change(change(self._setting, match))
                return
        raise self._unknown(text, number)

    def _add(self, line: str, number: int) -> None:
        what = _step(line)
        if what is None or self._draft is None:
            raise self._unknown(line, number)
        self._draft.steps.append(Step(what, line, number))

    def _unknown(self, line: str, number: int) -> TranscriptSyntaxError:
        return TranscriptSyntaxError(f"{self._file}, line {number}: not understood: {line!r}")


def parse(text: str, file: str = "<text>") -> list[Transcript]:
    """The transcripts in *text*.

    Raises:
        TranscriptSyntaxError: a line is none of the format's.
    """
    return list(_Reader(text, file).transcripts())


def read(path: Path) -> list[Transcript]:
    """The transcripts in the file at *path*.

    Raises:
        TranscriptSyntaxError: as :func:`parse`.
        OSError: the file cannot be read.
    """
    return parse(path.read_text(encoding="utf-8"), str(path))
