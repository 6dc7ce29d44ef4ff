"""Random dialogues, valid and not, pipelined and cut anywhere: the core against the model."""

from __future__ import annotations

import itertools
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pillarbox.testing.transcript_player import SilenceError, canonical
from pillarbox.testing.transcript_steps import Setting
from tests.transcripts.core_stage import CoreStage
from tests.wire.rfc1939 import NAME, PASSWORD, Answer, Model

T = TypeVar("T")

MAX_WRONG = 3  # wrong passwords on one connection; a server may close after a few

text_lines = st.lists(
    st.sampled_from([b"", b".", b"..", b".x", b"Subject: x", b"one\rtwo", b"\0", b"x" * 90]),
    max_size=5,
)
content = st.tuples(text_lines, st.sampled_from([[], [b"", b"\xe4.", b".\xff", b"", b"4"]])).map(
    lambda parts: b"\r\n".join(parts[0] + parts[1])
)
good_number = st.sampled_from([b"1", b"2", b"3"])
number = st.one_of(
    good_number,
    good_number,
    good_number,
    st.sampled_from([b"4", b"9", b"0", b"-1", b"0x1", b"1,2", b"9" * 25]),
)
lines_wanted = st.sampled_from([b"0", b"1", b"2", b"100", b"-1", b"x"])
keyword = st.one_of(
    st.sampled_from(["STAT", "LIST", "RETR", "DELE", "DELE", "RSET", "TOP", "UIDL"]),
    st.sampled_from(["STAT", "LIST", "RETR", "DELE", "NOOP", "RSET", "TOP", "UIDL"]),
    st.sampled_from(["USER", "PASS", "XYZZY", ""]),
)
spelling = st.sampled_from([str.upper, str.lower, str.title, str.swapcase])


@st.composite
def commands(draw: st.DrawFn) -> bytes:
    """A command, as clients (good, bad and broken) write it."""
    name = draw(spelling)(draw(keyword)).encode()
    own: dict[str, st.SearchStrategy[list[bytes]]] = {
        "USER": st.sampled_from([[NAME], [NAME], [b"nobody"], []]),
        "PASS": st.sampled_from([[PASSWORD], [PASSWORD], [PASSWORD], [b"wrong"], []]),
        "TOP": st.tuples(number, lines_wanted).map(list),
        "RETR": st.one_of(number.map(lambda n: [n]), st.just([])),
        "DELE": st.one_of(number.map(lambda n: [n]), st.just([])),
    }
    other: st.SearchStrategy[list[bytes]] = st.one_of(
        st.just([]), st.just([]), number.map(lambda n: [n]), st.just([b"1", b"2"])
    )
    arguments = own.get(name.decode().upper(), other)
    return b" ".join([name, *draw(arguments)])


garbage = st.binary(max_size=60).map(lambda octets: b"?" + octets.replace(b"\n", b"\r"))
SIGN_IN = [b"USER " + NAME, b"PASS " + PASSWORD]
batches = st.one_of(
    st.lists(st.one_of(commands(), commands(), commands(), garbage), min_size=1, max_size=6),
    st.just([*SIGN_IN, b"STAT"]),
    st.just([b"QUIT"]),
)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("the core waited for something")


class Dialogues(RuleBasedStateMachine):
    """The server under test and the model hear the same."""

    @initialize(contents=st.lists(content, max_size=4))
    def begin(self, contents: list[bytes]) -> None:
        self.identities = itertools.count(1)
        self.stage = CoreStage()
        run(self.stage.prepare(Setting()))
        self.uids: dict[int, bytes] = {}
        self.model = Model([])
        for text in contents:
            self.arrives(text)
        self.connect(sign_in=True)

    def connect(self, *, sign_in: bool) -> None:
        run(self.stage.connect())
        self.model.connect()
        self.wrong = 0
        assert run(self.stage.receive()).startswith(b"+OK")
        if sign_in:
            self.converse(SIGN_IN, 0)

    @rule(text=content)
    def arrives(self, text: bytes) -> None:
        run(self.stage.world.store.put("mrose", text))
        self.model.maildrop.append((next(self.identities), canonical(text)))

    @rule(sign_in=st.booleans())
    def cut(self, *, sign_in: bool) -> None:
        run(self.stage.act("cut"))
        self.connect(sign_in=sign_in)

    @rule(batch=batches, chunk=st.integers(0, 9))
    def converse(self, batch: list[bytes], chunk: int) -> None:
        # CAPA is always right: a server may close on a peer that is never right.
        lines = [b"CAPA", *batch]
        self.wrong += sum(line.upper() == b"PASS WRONG" or b"nobody" in line for line in batch)
        self.stage.chunk = chunk
        run(self.stage.send(b"".join(line + b"\r\n" for line in lines)))
        self.said = self.receive()
        for line in lines:
            answer = self.model.answer(line)
            self.compare(line, answer)
            if answer.closes:
                break
        assert self.said == b"", "more replies than commands"
        assert self.closed == self.model.closed
        if self.model.closed or self.wrong >= MAX_WRONG:
            self.cut(sign_in=True)

    def receive(self) -> bytes:
        said = bytearray()
        self.closed = False
        try:
            while piece := run(self.stage.receive()):
                said += piece
        except SilenceError:
            return bytes(said)
        self.closed = True
        return bytes(said)

    def compare(self, line: bytes, answer: Answer) -> None:
        first, _, self.said = self.said.partition(b"\r\n")
        ok = first.startswith(b"+OK")
        assert ok or first.startswith(b"-ERR"), (line, first)
        assert answer.ok is None or ok == answer.ok, (line, first)
        words = first[len(b"+OK ") :]
        if answer.uids is not None and answer.text is not None:
            self.compare_uids([words], (answer.text,), answer.uids)
        elif answer.text is not None:
            assert words == answer.text or words.startswith(answer.text + b" "), (line, first)
        if answer.multiline:
            self.compare_lines(line, answer)

    def compare_lines(self, line: bytes, answer: Answer) -> None:
        body = []
        while (text := self.next_line(line)) != b".":
            body.append(text.removeprefix(b"."))
        if answer.uids is not None and answer.body is not None:
            self.compare_uids(body, answer.body, answer.uids)
        elif answer.body is not None:
            assert tuple(body) == answer.body, line

    def next_line(self, line: bytes) -> bytes:
        text, end, self.said = self.said.partition(b"\r\n")
        assert end, f"the reply to {line!r} does not end"
        return text

    def compare_uids(
        self, lines: list[bytes], numbers: tuple[bytes, ...], identities: tuple[int, ...]
    ) -> None:
        """RFC 1939, section 7: kept for ever, never the same for two."""
        assert len(lines) == len(numbers)
        for line, expected, identity in zip(lines, numbers, identities, strict=True):
            number_said, _, uid = line.partition(b" ")
            assert number_said == expected
            assert 1 <= len(uid) <= 70
            assert all(0x21 <= octet <= 0x7E for octet in uid)
            assert self.uids.setdefault(identity, uid) == uid
        assert len(set(self.uids.values())) == len(self.uids)

    @invariant()
    def the_maildrop_holds_what_it_should(self) -> None:
        if hasattr(self, "model"):
            held = [octets for _, octets in run(self.stage.holdings("mrose"))]
            assert held == [len(text) for _, text in self.model.maildrop]

    def teardown(self) -> None:
        if hasattr(self, "stage"):
            run(self.stage.act("cut"))
            run(self.stage.close())


Dialogues.TestCase.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
test_dialogues = Dialogues.TestCase
