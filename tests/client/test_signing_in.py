"""How one signs in, and what a refusal means."""

from __future__ import annotations

import base64

import pytest

import pillarbox
from pillarbox.client import opening
from pillarbox.client.errors import (
    ClientError,
    Insecure,
    InUse,
    InvalidSetting,
    LoginDelayed,
    OutOfStep,
    Refused,
    ServerTrouble,
    SignInFailed,
    SignInRefused,
    UnknownMechanism,
    Unreachable,
)
from pillarbox.client.limits import MAX_CAPABILITIES, MAX_CHALLENGES
from pillarbox.client.mailbox import Mailbox
from pillarbox.wire.replies import Code
from tests.client.scripted import PASSWORD, Answer, Peer, Scripted, answers, multiline
from tests.sasl.scram_server import ScramRefused, ScramServer

PLAIN = base64.b64encode(b"\0alice\0" + PASSWORD.encode())
TOKEN = "ya29." + "x" * 300


def b64(data: bytes) -> bytes:
    return base64.b64encode(data)


def sasl(*mechanisms: bytes, **others: Answer) -> dict[bytes, Answer]:
    return answers(CAPA=multiline(b"SASL " + b" ".join(mechanisms), b"USER"), **others)


async def open_box(server: Scripted, **options: object) -> Mailbox:
    settings: dict[str, object] = {"password": PASSWORD, "insecure_cleartext": True} | options
    return await pillarbox.connect(server.url(), **settings)  # type: ignore[arg-type] # from tables


async def signed_in(server: Scripted, **options: object) -> str:
    """Signs in and leaves; returns the way that was taken."""
    box = await open_box(server, **options)
    await box.quit()
    return box.mechanism


async def test_user_and_pass_where_no_mechanism_is_announced() -> None:
    async with Scripted(answers()) as server:
        assert await signed_in(server) == "USER"
    expected = [b"CAPA", b"USER alice", b"PASS " + PASSWORD.encode(), b"CAPA", b"QUIT"]
    assert server.heard_in_clear == expected


async def test_user_and_pass_where_capa_is_unknown() -> None:
    async with Scripted(answers(CAPA=b"-ERR unknown\r\n")) as server:
        box = await open_box(server)
        assert not box.capabilities.asked
        assert not box.pipelining
        await box.quit()
    assert server.heard_in_clear.count(b"CAPA") == 1


async def test_plain_in_one_step() -> None:
    async with Scripted(sasl(b"PLAIN", b"LOGIN", AUTH=b"+OK\r\n")) as server:
        assert await signed_in(server) == "PLAIN"
    assert server.heard_in_clear[1] == b"AUTH PLAIN " + PLAIN


def conversation(*steps: tuple[bytes, bytes]) -> Answer:
    """Says each first part and wants each second one; then welcomes."""

    async def talk(peer: Peer) -> None:
        for said, wanted in steps:
            await peer.say(said)
            heard = (await peer.hear()).rstrip(b"\r\n")
            if heard != wanted:
                await peer.say(b"-ERR not what was to be said\r\n")
                return
        await peer.say(b"+OK welcome\r\n")

    return talk


NAME = b64(b"alice")
SECRET = b64(PASSWORD.encode())
DIALOGUES: list[tuple[str, bytes, Answer]] = [
    ("PLAIN", b"AUTH PLAIN " + PLAIN, b"+OK\r\n"),
    # a server that ignores the initial response and asks for it again
    ("PLAIN", b"AUTH PLAIN " + PLAIN, conversation((b"+ \r\n", PLAIN))),
    ("LOGIN", b"AUTH LOGIN", conversation((b"+ VXNlcm5hbWU6\r\n", NAME), (b"+ UGFzc3dvcmQ6\r\n", SECRET))),
    # prompts in plain text, and none at all
    ("LOGIN", b"AUTH LOGIN", conversation((b"+ your name\r\n", NAME), (b"+\r\n", SECRET))),
    # +OK where + belongs
    ("LOGIN", b"AUTH LOGIN", conversation((b"+OK\r\n", NAME), (b"+ \r\n", SECRET))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "line", "answer"), DIALOGUES)
async def test_exchanges(name: str, line: bytes, answer: Answer) -> None:
    async with Scripted(sasl(name.encode(), AUTH=answer)) as server:
        assert await signed_in(server) == name
    assert server.heard_in_clear[1] == line


MICROSOFT = b"+OK The Microsoft Exchange POP3 service is ready. [TABC]\r\n"


async def test_exchange_wants_two_steps() -> None:
    async with Scripted(
        sasl(b"PLAIN", AUTH=conversation((b"+ \r\n", PLAIN))), greeting=MICROSOFT
    ) as server:
        assert await signed_in(server) == "PLAIN"
    assert server.heard_in_clear[1] == b"AUTH PLAIN"


async def test_a_token_that_is_too_long_for_the_line_goes_in_a_second_step() -> None:
    """RFC 5034, section 4: a command has at most 255 octets."""
    response = b64(f"user=alice\x01auth=Bearer {TOKEN}\x01\x01".encode())
    for prompt in (b"+ \r\n", b"+OK\r\n"):
        async with Scripted(sasl(b"XOAUTH2", AUTH=conversation((prompt, response)))) as server:
            assert await signed_in(server, password=None, token=lambda: TOKEN) == "XOAUTH2"
        assert server.heard_in_clear[1] == b"AUTH XOAUTH2"


async def test_why_a_token_is_not_taken_is_said() -> None:
    async def refuse(peer: Peer) -> None:
        await peer.say(b"+ " + b64(b'{"status":"401"}') + b"\r\n")
        await peer.hear()
        await peer.say(b"-ERR [AUTH] no\r\n")

    async with Scripted(sasl(b"XOAUTH2", AUTH=refuse)) as server:
        with pytest.raises(SignInRefused, match="401") as caught:
            await signed_in(server, password=None, token="short")
    assert caught.value.code is Code.AUTH
    assert "short" not in str(caught.value)


def scram(password: str = PASSWORD, *, forged: bool = False) -> Answer:
    async def talk(peer: Peer) -> None:
        exchange = ScramServer("sha256", {"alice": password})
        first = base64.b64decode(peer.server.heard_in_clear[-1].split()[2])
        await peer.say(b"+ " + b64(exchange.hear_first(first)) + b"\r\n")
        try:
            final = exchange.hear_final(base64.b64decode(await peer.hear()))
        except ScramRefused:
            await peer.say(b"-ERR [AUTH] no\r\n")
            return
        if forged:
            await peer.say(b"+OK welcome\r\n")
            return
        await peer.say(b"+ " + b64(final) + b"\r\n")
        await peer.hear()
        await peer.say(b"+OK welcome\r\n")

    return talk


async def test_scram_before_plain() -> None:
    async with Scripted(sasl(b"PLAIN", b"SCRAM-SHA-256", AUTH=scram())) as server:
        assert await signed_in(server) == "SCRAM-SHA-256"
    assert PLAIN not in b" ".join(server.heard_in_clear)


async def test_a_server_that_does_not_prove_that_it_knows_the_password_is_left() -> None:
    async with Scripted(sasl(b"SCRAM-SHA-256", AUTH=scram(forged=True))) as server:
        with pytest.raises(SignInFailed):
            await signed_in(server)
    assert b"STAT" not in server.heard_in_clear


async def test_a_wrong_password() -> None:
    async with Scripted(sasl(b"SCRAM-SHA-256", AUTH=scram("another"))) as server:
        with pytest.raises(SignInRefused) as caught:
            await signed_in(server)
    assert caught.value.code is Code.AUTH
    assert PASSWORD not in str(caught.value)


async def test_a_server_that_asks_for_ever() -> None:
    async def ask(peer: Peer) -> None:
        while True:
            await peer.say(b"+ \r\n")
            await peer.hear()

    async with Scripted(sasl(b"CRAM-MD5", b"PLAIN", AUTH=ask)) as server:
        with pytest.raises((OutOfStep, SignInFailed)):
            await signed_in(server, mechanism="PLAIN")
    assert len(server.heard_in_clear) < MAX_CHALLENGES + 5


async def test_apop_only_when_it_is_asked_for() -> None:
    """RFC 1939, section 7: its own example."""
    greeting = b"+OK POP3 server ready <1896.697170952@dbc.mtview.ca.us>\r\n"
    async with Scripted(answers(APOP=b"+OK\r\n"), greeting=greeting) as server:
        assert await signed_in(server) == "USER"
        assert await signed_in(server, mechanism="apop", password="tanstaaf") == "APOP"
    assert b"APOP alice c4c9334bac560ecc979e58001b3e22fb" in server.heard_in_clear
    async with Scripted(answers(APOP=b"+OK\r\n")) as server:
        with pytest.raises(SignInFailed, match="timestamp"):
            await signed_in(server, mechanism="APOP")


async def test_what_was_used_before_is_not_undercut() -> None:
    async with Scripted(sasl(b"PLAIN", AUTH=b"+OK\r\n")) as server:
        for before in ("SCRAM-SHA-256", "CRAM-MD5"):
            with pytest.raises(Insecure, match=before):
                await signed_in(server, at_least=before)
        assert await signed_in(server, at_least="PLAIN") == "PLAIN"
    assert server.heard_in_clear.count(b"AUTH PLAIN " + PLAIN) == 1
    async with Scripted(answers(CAPA=b"-ERR\r\n")) as server:
        with pytest.raises(Insecure):
            await signed_in(server, at_least="SCRAM-SHA-256")
    assert b"USER alice" not in server.heard_in_clear


@pytest.mark.parametrize("before", ["XOAUTH2", "SCRAM-SHA-256"])
async def test_a_server_cannot_choose_the_weaker_of_a_password_and_a_token(before: str) -> None:
    script = sasl(b"PLAIN", AUTH=b"+OK\r\n")
    async with Scripted(script) as server:
        with pytest.raises(Insecure, match=before):
            await signed_in(server, token="t", at_least=before)
        # Without the token the configuration has changed, and not the server.
        assert await signed_in(server, at_least="xoauth2") == "PLAIN"
    assert server.heard_in_clear.count(b"AUTH PLAIN " + PLAIN) == 1


@pytest.mark.parametrize("mechanism", ["USER", "PLAIN"])
@pytest.mark.parametrize("secret", ["pass\ud800word", "p" * 20_000])
async def test_a_password_that_cannot_be_sent(secret: str, mechanism: str) -> None:
    async with Scripted(sasl(b"PLAIN")) as server:
        with pytest.raises(InvalidSetting) as caught:
            await signed_in(server, password=secret, mechanism=mechanism)
    assert "pass\\" not in str(caught.value)
    assert not any(line.startswith((b"AUTH", b"USER")) for line in server.heard_in_clear)


REFUSALS: list[tuple[bytes, type[ClientError]]] = [
    (b"-ERR wrong password\r\n", SignInRefused),
    (b"-ERR [AUTH] wrong password\r\n", SignInRefused),
    (b"-ERR [IN-USE] locked\r\n", InUse),
    (b"-ERR [LOGIN-DELAY] too soon\r\n", LoginDelayed),
    (b"-ERR [SYS/TEMP] later\r\n", ServerTrouble),
    (b"-ERR [SYS/PERM] call us\r\n", ServerTrouble),
    (b"+ERR no\r\n", SignInRefused),
]


@pytest.mark.parametrize(("answer", "kind"), REFUSALS)
async def test_refusals(answer: bytes, kind: type[ClientError]) -> None:
    for script in (answers(PASS=answer), answers(USER=answer), sasl(b"PLAIN", AUTH=answer)):
        async with Scripted(script) as server:
            with pytest.raises(kind) as caught:
                await signed_in(server)
        assert type(caught.value) is kind
        assert PASSWORD not in str(caught.value)


def repeated(line: bytes) -> bytes:
    """As a server answers that does not know a command, or that was set up to find faults."""
    return b"-ERR [AUTH] cannot do " + line + b"\r\n"


ECHOES = {
    "PASS": answers(PASS=repeated(b"PASS " + PASSWORD.encode())),
    "PLAIN": sasl(b"PLAIN", AUTH=repeated(b"AUTH PLAIN " + PLAIN)),
    "PLAIN, decoded": sasl(b"PLAIN", AUTH=repeated(b"alice/" + PASSWORD.encode())),
    "LOGIN": sasl(b"LOGIN", AUTH=b"+ \r\n", **{b64(b"alice").decode(): b"+ \r\n"})
    | {SECRET: repeated(SECRET)},
}


@pytest.mark.parametrize("script", ECHOES.values(), ids=ECHOES)
async def test_a_server_that_repeats_the_password_is_not_quoted(
    script: dict[bytes, Answer],
) -> None:
    traced: list[str] = []
    async with Scripted(script) as server:
        with pytest.raises(SignInRefused, match=r"it said .\*\*\*\*.") as caught:
            await signed_in(server, trace=traced.append)
    told = [str(caught.value), repr(caught.value), caught.value.text, *traced]
    for secret in (PASSWORD, SECRET.decode(), PLAIN.decode()):
        assert not any(secret in each for each in told)


@pytest.mark.parametrize("word", [b"-ERR", b"+OK"])
async def test_a_server_that_repeats_the_password_behind_its_reply_is_not_quoted(
    word: bytes,
) -> None:
    line = word + b" cannot do PASS " + PASSWORD.encode() + b"\r\n"
    async with Scripted(answers(PASS=b"+OK\r\n" + line)) as server:
        with pytest.raises(ClientError) as caught:
            await signed_in(server)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "kind"), [REFUSALS[2], REFUSALS[4], (b"-ERR full\r\n", Refused)]
)
async def test_a_server_that_turns_us_away(answer: bytes, kind: type[ClientError]) -> None:
    async with Scripted(answers(), greeting=answer) as server:
        with pytest.raises(kind, match="refused the connection"):
            await signed_in(server)
    assert server.heard_in_clear == []


async def test_settings_that_cannot_be_meant() -> None:
    async with Scripted(sasl(b"PLAIN")) as server:
        for options, kind in (
            ({"password": None}, InvalidSetting),
            ({"password": "two\r\nlines"}, InvalidSetting),
            ({"mechanism": "ROT13"}, UnknownMechanism),
            ({"mechanism": "SCRAM-SHA-256"}, SignInFailed),
            ({"password": None, "token": "t"}, SignInFailed),
        ):
            with pytest.raises(kind) as caught:
                await signed_in(server, **options)
            assert "lines" not in str(caught.value)
    assert not any(line.startswith((b"AUTH", b"USER")) for line in server.heard_in_clear)


# CAPA.


async def hang_up(peer: Peer) -> None:
    raise ConnectionAbortedError


@pytest.mark.parametrize("answer", [hang_up, b"nonsense\r\n", b"+OK\r\n\r\n"])
async def test_a_server_that_does_not_survive_capa_is_asked_without(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "CAPA_PATIENCE", 0.5)
    async with Scripted(answers(CAPA=answer)) as server:
        box = await open_box(server)
        assert (await box.stat()).count == 3
        await box.quit()
    assert server.connections == 2
    assert server.heard_in_clear.count(b"CAPA") == 1


async def test_capabilities_without_an_end_are_done_without() -> None:
    endless = b"+OK\r\n" + b"SASL PLAIN\r\n" * (MAX_CAPABILITIES // 10)
    async with Scripted(answers(CAPA=endless)) as server:
        assert await signed_in(server) == "USER"
    assert server.connections == 2


async def test_capabilities_are_asked_for_again_after_the_sign_in() -> None:
    """Gmail announces PIPELINING only then."""
    asked: list[bytes] = []

    async def capa(peer: Peer) -> None:
        asked.append(peer.server.heard_in_clear[-1])
        await peer.say(multiline(b"USER") if len(asked) == 1 else multiline(b"PIPELINING", b"TOP"))

    async with Scripted(answers(CAPA=capa)) as server:
        box = await open_box(server)
        assert box.pipelining
        assert box.capabilities.offers("TOP")
        await box.quit()
    assert len(asked) == 2


@pytest.mark.parametrize("answer", [b"+OK\r\n", b"-ERR no\r\n"])
@pytest.mark.parametrize("words", [(b"UTF8 USER", b"PIPELINING"), (b"UTF8",)])
async def test_mail_in_utf8_is_asked_for_before_the_sign_in(
    words: tuple[bytes, ...], answer: bytes
) -> None:
    """RFC 6856, section 2."""
    async with Scripted(answers(CAPA=multiline(*words), UTF8=answer)) as server:
        box = await open_box(server)
        assert (await box.stat()).count == 3
        await box.quit()
    assert server.heard_in_clear[:3] == [b"CAPA", b"UTF8", b"USER alice"]


async def test_a_server_that_is_cut_off_at_capa_has_not_become_weaker() -> None:
    """It named a stronger way before, so it knows CAPA: the fault is the connection's."""
    async with Scripted(sasl(b"SCRAM-SHA-256"), cut=len("+OK ready\r\n") + 5) as server:
        with pytest.raises(Unreachable):
            await signed_in(server, at_least="SCRAM-SHA-256")
    assert server.heard_in_clear == [b"CAPA"]
    async with Scripted(sasl(b"SCRAM-SHA-256"), cut=len("+OK ready\r\n")) as server:
        with pytest.raises(Unreachable):
            await signed_in(server, at_least="USER")
    assert b"USER alice" in server.heard_in_clear
