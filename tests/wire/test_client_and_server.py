"""The client's machine talks to the server's, in memory: pipelined, cut anywhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pillarbox.wire.canonical import original, stored_form
from pillarbox.wire.client import ClientMachine, Content, End, Status
from pillarbox.wire.commands import Command
from pillarbox.wire.replies import Code, Reply, err, ok
from pillarbox.wire.server import Refusal, SaslResponse, ServerMachine
from pillarbox.wire.states import Outcome, State
from pillarbox.wire.verbs import Verb
from tests.wire.test_multiline import awkward

GONE = 3
"""Every message with this number has been taken away."""


class Server:
    """Answers from a list of messages."""

    def __init__(self, messages: list[bytes]) -> None:
        self.machine = ServerMachine()
        self.messages = messages

    def answer(self, data: bytes) -> bytes:
        self.machine.receive(data)
        said = b""
        while (event := self.machine.next_event()) is not None:
            assert not isinstance(event, Refusal | SaslResponse), event
            for segment in self.machine.answer(self._reply(event)):
                assert isinstance(segment, bytes)
                said += segment
        return said

    def _reply(self, command: Command) -> Reply:
        if command.verb is Verb.RETR:
            assert command.number is not None
            if command.number == GONE:
                return err("the body is damaged", Code.SYS_PERM)
            return ok("here", stored_form(self.messages[command.number - 1]).data)
        if command.verb is Verb.UIDL:
            lines = [f"{place} id{place}\r\n" for place in range(1, len(self.messages) + 1)]
            return ok("", "".join(lines).encode())
        return ok("done")


@given(
    messages=st.lists(st.one_of(awkward, st.binary(max_size=200)), min_size=1, max_size=6),
    chunk=st.integers(1, 90),
)
def test_a_window_of_commands(messages: list[bytes], chunk: int) -> None:
    client, server = ClientMachine(), Server(messages)
    client.receive(server.machine.greeting("hello"))
    client.next_event()
    asked = client.send(Verb.USER, "tim") + client.send(Verb.PASS, "secret")
    asked += client.send(Verb.UIDL)
    for number in range(1, len(messages) + 1):
        asked += client.send(Verb.RETR, number)
    asked += client.send(Verb.QUIT)
    contents: list[bytes] = []
    outcomes: list[Outcome] = []
    for start in range(0, len(asked), 11):
        said = server.answer(asked[start : start + 11])
        for begin in range(0, len(said), chunk):
            client.receive(said[begin : begin + chunk])
            while (event := client.next_event()) is not None:
                if isinstance(event, Status):
                    outcomes.append(event.outcome)
                    contents.append(b"")
                elif isinstance(event, Content):
                    contents[-1] += event.data
                else:
                    assert isinstance(event, End)
    refused = [number == GONE for number in range(1, len(messages) + 1)]
    assert [outcome is Outcome.ERR for outcome in outcomes] == [*[False] * 3, *refused, False]
    whole = [original(stored_form(message).data) for message in messages]
    expected = [b"" if gone else text for text, gone in zip(whole, refused, strict=True)]
    assert contents[3:-1] == expected
    assert client.state is server.machine.state is State.CLOSED
    assert not client.eof()
