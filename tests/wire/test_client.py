"""The client's machine: dialogues at every chunk size, and what it refuses."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.wire.client import (
    ClientMachine,
    Content,
    End,
    Event,
    Greeting,
    Status,
    decode_challenge,
)
from pillarbox.wire.commands import RULES
from pillarbox.wire.errors import LocalProtocolError, OutOfStep
from pillarbox.wire.lines import MAX_LINE
from pillarbox.wire.replies import Code
from pillarbox.wire.states import Outcome, State
from pillarbox.wire.verbs import Verb

Asked = tuple[Verb, *tuple[str | int, ...]]

HELLO = b"+OK hello\r\n"


def hear(machine: ClientMachine, data: bytes, chunk: int | None = None) -> list[Event]:
    """What the machine makes of *data*; pieces of a content are joined."""
    heard: list[Event] = []
    size = chunk or max(1, len(data))
    for start in range(0, len(data), size):
        machine.receive(data[start : start + size])
        while (event := machine.next_event()) is not None:
            if isinstance(event, Content) and heard and isinstance(heard[-1], Content):
                heard[-1] = Content(heard[-1].data + event.data)
            else:
                heard.append(event)
    return heard


def greeted(state: State = State.TRANSACTION) -> ClientMachine:
    machine = ClientMachine()
    hear(machine, HELLO)
    machine.state = state
    return machine


def ok(verb: Verb, text: str = "") -> Status:
    return Status(verb, Outcome.OK, text, None, text.encode())


def err(verb: Verb, text: str = "", code: Code | None = None) -> Status:
    return Status(verb, Outcome.ERR, text, code, text.encode())


# What was asked in one write, what came, and what it means.
DIALOGUES: dict[str, tuple[list[Asked], bytes, list[Event]]] = {
    "RFC 1939, section 10": (
        [(Verb.STAT,), (Verb.LIST,), (Verb.RETR, 1), (Verb.DELE, 1), (Verb.QUIT,)],
        (
            b"+OK 2 320\r\n"
            b"+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n"
            b"+OK 120 octets\r\nSubject: x\r\n\r\n..\r\n.\r\n"
            b"+OK message 1 deleted\r\n"
            b"+OK dewey POP3 server signing off (maildrop empty)\r\n"
        ),
        [
            ok(Verb.STAT, "2 320"),
            ok(Verb.LIST, "2 messages (320 octets)"),
            Content(b"1 120\r\n2 200\r\n"),
            End(),
            ok(Verb.RETR, "120 octets"),
            Content(b"Subject: x\r\n\r\n.\r\n"),
            End(),
            ok(Verb.DELE, "message 1 deleted"),
            ok(Verb.QUIT, "dewey POP3 server signing off (maildrop empty)"),
        ],
    ),
    "a refused command has no content, the others go on": (
        [(Verb.RETR, 1), (Verb.RETR, 2), (Verb.TOP, 9, 0)],
        b"-ERR [SYS/TEMP] later\r\n+OK\r\na\r\n.\r\n-ERR no such message\r\n",
        [
            err(Verb.RETR, "later", Code.SYS_TEMP),
            ok(Verb.RETR),
            Content(b"a\r\n"),
            End(),
            err(Verb.TOP, "no such message"),
        ],
    ),
    "with a number a listing is one line": (
        [(Verb.LIST, 2), (Verb.UIDL, 2), (Verb.LANG, "en"), (Verb.NOOP,)],
        b"+OK 2 200\r\n+OK 2 abc\r\n+OK en\r\n+OK\r\n",
        [ok(Verb.LIST, "2 200"), ok(Verb.UIDL, "2 abc"), ok(Verb.LANG, "en"), ok(Verb.NOOP)],
    ),
    "empty contents": (
        [(Verb.LIST,), (Verb.UIDL,), (Verb.CAPA,), (Verb.LANG,), (Verb.RETR, 1), (Verb.TOP, 1, 0)],
        b"+OK\r\n.\r\n" * 6,
        [
            event
            for verb in (Verb.LIST, Verb.UIDL, Verb.CAPA, Verb.LANG, Verb.RETR, Verb.TOP)
            for event in (ok(verb), End())
        ],
    ),
    "a server that says LF": (
        [(Verb.STAT,), (Verb.UIDL,), (Verb.RETR, 1), (Verb.NOOP,)],
        b"+OK 1 3\n+OK\n1 a\n.\n+OK\nx\n..\n.\n+OK\n",
        [
            ok(Verb.STAT, "1 3"),
            ok(Verb.UIDL),
            Content(b"1 a\n"),
            End(),
            ok(Verb.RETR),
            Content(b"x\n.\n"),
            End(),
            ok(Verb.NOOP),
        ],
    ),
    "mail cannot forge a reply with bare LFs": (
        [(Verb.RETR, 1), (Verb.NOOP,)],
        b"+OK\r\nReceived: x\r\n\r\n\n.\n+OK forged\n.\n\r\n.\r\n+OK true\r\n",
        [
            ok(Verb.RETR),
            Content(b"Received: x\r\n\r\n\n.\n+OK forged\n.\n\r\n"),
            End(),
            ok(Verb.NOOP, "true"),
        ],
    ),
    "indicators with a spelling of their own": (
        [(Verb.NOOP,), (Verb.NOOP,), (Verb.NOOP,)],
        b"+ok a\r\n-Err b\r\n+ERR c\r\n",
        [ok(Verb.NOOP, "a"), err(Verb.NOOP, "b"), err(Verb.NOOP, "c")],
    ),
}


@pytest.mark.parametrize("title", DIALOGUES)
def test_dialogues_at_every_chunk_size(title: str) -> None:
    asked, said, meant = DIALOGUES[title]
    for chunk in range(1, len(said) + 1):
        machine = greeted()
        for verb, *arguments in asked:
            machine.send(verb, *arguments)
        assert machine.outstanding == len(asked)
        assert hear(machine, said, chunk) == meant, chunk
        assert machine.outstanding == 0
        assert machine.buffered == 0
        assert not machine.eof()


@pytest.mark.parametrize("title", DIALOGUES)
def test_a_connection_that_is_cut_anywhere_ends_in_the_middle(title: str) -> None:
    asked, said, meant = DIALOGUES[title]
    ends = meant.count(End())
    for cut in range(len(said)):
        machine = greeted()
        for verb, *arguments in asked:
            machine.send(verb, *arguments)
        heard = hear(machine, said[:cut], 7)
        assert machine.eof()
        assert heard.count(End()) < ends or machine.outstanding


def test_commands_as_they_are_written() -> None:
    machine = greeted()
    assert machine.send(Verb.RETR, 12) == b"RETR 12\r\n"
    assert machine.send(Verb.TOP, 1, 0) == b"TOP 1 0\r\n"
    assert machine.send(Verb.NOOP) == b"NOOP\r\n"
    assert machine.send(Verb.USER, "jürgen x") == "USER jürgen x\r\n".encode()
    assert machine.send(Verb.PASS, " \udcff ") == b"PASS  \xff \r\n"


@pytest.mark.parametrize("argument", ["a\r\nDELE 1", "a\n", "\ra", "a\0", "x" * MAX_LINE])
def test_an_argument_cannot_become_a_second_command(argument: str) -> None:
    machine = greeted()
    with pytest.raises(LocalProtocolError) as caught:
        machine.send(Verb.PASS, argument)
    assert argument not in str(caught.value)
    assert machine.outstanding == 0


@pytest.mark.parametrize(
    ("line", "greeting"),
    [
        (b"+OK", Greeting(True, "", None)),
        (b"+OK POP3 ready", Greeting(True, "POP3 ready", None)),
        (b"+OK x <1896.697170952@dbc.mtview.ca.us>",
         Greeting(True, "x <1896.697170952@dbc.mtview.ca.us>", "<1896.697170952@dbc.mtview.ca.us>")),
        (b"+OK <no-at-sign>", Greeting(True, "<no-at-sign>", None)),
        (b"+OK <a\xff@b>", Greeting(True, "<a\ufffd@b>", None)),
        (b"+OK <a\x01@b>", Greeting(True, "<a\ufffd@b>", None)),
        (b"-ERR [SYS/TEMP] full", Greeting(False, "full", None, Code.SYS_TEMP)),
    ],
)  # fmt: skip
def test_greetings(line: bytes, greeting: Greeting) -> None:
    for end in (b"\r\n", b"\n"):
        for chunk in range(1, len(line) + 2):
            assert hear(ClientMachine(), line + end, chunk) == [greeting]


@pytest.mark.parametrize(
    "line", [b"220 mail ESMTP", b"* OK IMAP4rev1", b"", b"HTTP/1.1 400 Bad Request", b"+ hello"]
)
def test_what_does_not_greet_is_no_pop3_server(line: bytes) -> None:
    with pytest.raises(OutOfStep):
        hear(ClientMachine(), line + b"\r\n")


def test_nothing_is_sent_before_the_greeting() -> None:
    with pytest.raises(LocalProtocolError):
        ClientMachine().send(Verb.CAPA)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ([], b"+OK\r\n"),
        ([], b"-ERR Disconnected for inactivity\r\n"),
        ([Verb.NOOP], b"+OK\r\n+OK\r\n"),
        ([Verb.NOOP], b"\r\n"),
        ([Verb.NOOP], b"+ go on\r\n"),
        ([Verb.NOOP], b"Subject: the rest of a mail\r\n"),
        ([Verb.NOOP], b"+OKAY\r\n"),
        ([Verb.NOOP], b"A" * MAX_LINE),
        ([Verb.NOOP], b"+OK " + b"A" * MAX_LINE + b"\r\n"),
        ([Verb.QUIT], b"+OK bye\r\nmore\r\n"),
        ([Verb.RETR], b"-ERR no\r\nFrom: somebody\r\n.\r\n"),
    ],
)
def test_out_of_step_is_the_end(asked: list[Verb], said: bytes) -> None:
    for chunk in {1, 2, 3, 7, len(said)}:
        machine = greeted()
        for verb in asked:
            machine.send(verb)
        with pytest.raises(OutOfStep):
            hear(machine, said, chunk)
        with pytest.raises(OutOfStep):
            machine.next_event()
        with pytest.raises(LocalProtocolError):
            machine.send(Verb.DELE, 1)


def test_a_dot_that_was_not_stuffed_is_found_out_by_the_next_reply() -> None:
    machine = greeted()
    machine.send(Verb.RETR, 1)
    machine.send(Verb.NOOP)
    machine.receive(b"+OK\r\none\r\n.\r\nthe rest, with a password\r\n.\r\n+OK\r\n")
    heard = [machine.next_event() for _ in range(3)]
    assert heard == [ok(Verb.RETR), Content(b"one\r\n"), End()]  # looks whole, and is not
    with pytest.raises(OutOfStep) as caught:
        machine.next_event()
    assert "password" not in str(caught.value)  # what a body says is nobody's business


# STLS: RFC 2595, section 4.


@pytest.mark.parametrize("behind", [b"+OK forged\r\n", b"\r\n", b"\x16\x03\x01"])
def test_cleartext_behind_the_reply_to_stls_is_an_attack(behind: bytes) -> None:
    said = b"+OK begin TLS\r\n" + behind
    for chunk in range(1, len(said) + 1):
        machine = greeted(State.AUTHORIZATION)
        machine.send(Verb.STLS)
        with pytest.raises(OutOfStep):
            hear(machine, said, chunk)
        with pytest.raises(LocalProtocolError):
            machine.secured()


def test_nothing_is_sent_behind_stls_and_everything_after_the_handshake() -> None:
    machine = greeted(State.AUTHORIZATION)
    machine.send(Verb.STLS)
    with pytest.raises(LocalProtocolError):
        machine.send(Verb.CAPA)
    hear(machine, b"+OK\r\n")
    with pytest.raises(LocalProtocolError):
        machine.send(Verb.CAPA)
    machine.secured()
    assert machine.send(Verb.CAPA) == b"CAPA\r\n"
    assert machine.state is State.AUTHORIZATION


def test_a_refused_stls_leaves_everything_as_it_was() -> None:
    machine = greeted(State.AUTHORIZATION)
    machine.send(Verb.STLS)
    assert hear(machine, b"-ERR no\r\n") == [err(Verb.STLS, "no")]
    with pytest.raises(LocalProtocolError):
        machine.secured()
    assert machine.send(Verb.QUIT)


# AUTH: RFC 5034, section 4.


def test_an_exchange() -> None:
    machine = greeted(State.AUTHORIZATION)
    assert machine.send(Verb.AUTH, "LOGIN") == b"AUTH LOGIN\r\n"
    for said, response, line in (
        (b"+ VXNlcm5hbWU6\r\n", b"tim", b"dGlt\r\n"),
        (b"+\r\n", b"", b"\r\n"),
        (b"+ \r\n", None, b"*\r\n"),
    ):
        with pytest.raises(LocalProtocolError):
            machine.send(Verb.NOOP)
        (status,) = hear(machine, said, 3)
        assert isinstance(status, Status)
        assert status[:2] == (Verb.AUTH, Outcome.CHALLENGE)
        assert machine.state is State.SASL
        assert machine.respond(response) == line
    assert hear(machine, b"-ERR cancelled\r\n") == [err(Verb.AUTH, "cancelled")]
    assert machine.state is State.AUTHORIZATION
    with pytest.raises(LocalProtocolError):
        machine.respond(b"")


def test_ok_in_the_place_of_a_challenge_may_be_responded_to() -> None:
    machine = greeted(State.AUTHORIZATION)
    machine.send(Verb.AUTH, "PLAIN")
    assert hear(machine, b"+OK go on\r\n") == [ok(Verb.AUTH, "go on")]
    assert machine.respond(b"\0tim\0secret") == base64.b64encode(b"\0tim\0secret") + b"\r\n"
    assert hear(machine, b"+OK welcome\r\n") == [ok(Verb.AUTH, "welcome")]
    assert machine.state is State.TRANSACTION


def test_a_response_to_nothing_is_a_bug() -> None:
    with pytest.raises(LocalProtocolError):
        greeted().respond(b"x")


@pytest.mark.parametrize(
    ("text", "challenge"),
    [(b"", b""), (b"QUJD", b"ABC"), (b"send your name", b"send your name"), (b"QUJ", b"QUJ")],
)
def test_challenges(text: bytes, challenge: bytes) -> None:
    assert decode_challenge(text) == challenge


def test_nothing_is_sent_behind_quit() -> None:
    machine = greeted()
    machine.send(Verb.QUIT)
    with pytest.raises(LocalProtocolError):
        machine.send(Verb.NOOP)
    hear(machine, b"-ERR some were not deleted\r\n")
    assert machine.state is State.CLOSED
    with pytest.raises(LocalProtocolError):
        machine.send(Verb.NOOP)


def test_which_replies_have_a_content() -> None:
    """RFC 1939, sections 5 and 7; RFC 2449, section 5; RFC 6856, section 3."""
    with_content = {
        (rule.verb, arguments)
        for rule in RULES.values()
        for arguments in (False, True)
        if rule.has_content(arguments=arguments)
    }
    always = {(verb, given) for verb in (Verb.RETR, Verb.TOP, Verb.CAPA) for given in (False, True)}
    assert with_content == always | {(Verb.LIST, False), (Verb.UIDL, False), (Verb.LANG, False)}


@given(st.lists(st.sampled_from([*Verb]), max_size=8), st.binary(max_size=80), st.integers(1, 20))
def test_whatever_comes_is_understood_or_refused(
    verbs: list[Verb], data: bytes, chunk: int
) -> None:
    machine = greeted()
    for verb in verbs:
        try:
            machine.send(verb)
        except LocalProtocolError:
            break
    try:
        hear(machine, data, chunk)
    except OutOfStep:
        return
    assert machine.buffered < MAX_LINE
