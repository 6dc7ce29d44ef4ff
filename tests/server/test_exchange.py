"""AUTH exchanges on a connection: what is logged, what is kept, and when the maildrop is opened."""

from __future__ import annotations

import base64
import gc
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.contracts.errors import AuthUnavailable
from pillarbox.model import Identity
from pillarbox.sasl.channel import ChannelBinding
from pillarbox.sasl.claims import Claim
from pillarbox.sasl.client import choose
from pillarbox.sasl.mechanism import ClientMechanism, Credentials, ServerMechanism
from pillarbox.sasl.prep import saslprep
from pillarbox.sasl.scram import ScramSha256Client, ScramSha256PlusClient
from pillarbox.sasl.server import MECHANISMS
from pillarbox.sasl.surroundings import TokenAdvice
from pillarbox.server.limits import MAX_SIGN_IN_FAILURES, Policy
from pillarbox.server.listener import Pop3Server
from pillarbox.server.session import Verdict
from tests.server.conftest import Logs
from tests.transport import Client, make_server, settle
from tests.world import Accounts, FaultyStore, token_of

EVERYTHING = Policy(mechanisms=tuple(MECHANISMS), tokens=TokenAdvice())
BINDING = ChannelBinding("tls-server-end-point", b"the certificate")
USER = Credentials("mrose", "tanstaaf")
TOKEN = b"n,a=mrose,\x01auth=Bearer token-of-mrose\x01\x01"
BAD_TOKEN = b"n,a=mrose,\x01auth=Bearer stolen\x01\x01"


@pytest.fixture
async def server(store: FaultyStore, accounts: Accounts) -> Pop3Server:
    return make_server(store, accounts, EVERYTHING)


async def connected(server: Pop3Server, identities: tuple[str, ...] = ("mrose",)) -> Client:
    """A client with TLS, of which the handshake has told everything that it can tell."""
    client = await Client(server, "pop3s").connect()
    client.connection.session.start_over(identities, (BINDING,))
    client.heard()
    return client


async def say(client: Client, *responses: bytes) -> bytes:
    said = b""
    for response in responses:
        said = await client.say(base64.b64encode(response) + b"\r\n")
    return said


async def prove(client: Client, mechanism: ClientMechanism) -> bytes:
    """SCRAM as far as the client's proof; returns what comes then."""
    first = base64.b64encode(mechanism.step(None))
    said = await client.say(f"AUTH {mechanism.name} ".encode() + first + b"\r\n")
    return await say(client, mechanism.step(base64.b64decode(said[2:])))


def refusals(logs: Logs) -> list[dict[str, object]]:
    return [dict(line) for line in logs if line["event"] == "sign-in failed"]


def opened(store: FaultyStore) -> bool:
    return "open" in store.faults.calls


def freed(client: Client) -> bool:
    session = client.connection.session
    return session.mechanism is None and session.verdict is None


async def test_all_mechanisms_are_offered_where_all_can_work(server: Pop3Server) -> None:
    client = await connected(server)
    assert ("SASL " + " ".join(MECHANISMS)).encode() in await client.say(b"CAPA\r\n")
    assert (await client.say(b"AUTH\r\n")).split(b"\r\n")[1:-2] == [
        name.encode() for name in MECHANISMS
    ]


@pytest.mark.parametrize(
    ("policy", "hashes", "identities", "bindings", "offered"),
    [
        (EVERYTHING, (), (), (), "PLAIN LOGIN OAUTHBEARER XOAUTH2 CRAM-MD5"),
        (Policy(mechanisms=tuple(MECHANISMS)), (), (), (BINDING,), "PLAIN LOGIN CRAM-MD5"),
        (
            Policy(mechanisms=tuple(MECHANISMS)),
            ("sha256",),
            (),
            (BINDING,),
            "PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS CRAM-MD5",
        ),
        (
            Policy(mechanisms=("EXTERNAL", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1")),
            ("sha1",),
            ("mrose",),
            (),
            "EXTERNAL SCRAM-SHA-1",
        ),
    ],
)
async def test_what_cannot_work_is_not_offered(
    store: FaultyStore,
    policy: Policy,
    hashes: Sequence[str],
    identities: tuple[str, ...],
    bindings: tuple[ChannelBinding, ...],
    offered: str,
) -> None:
    server = make_server(store, Accounts({"mrose": "tanstaaf"}, scram_hashes=hashes), policy)
    client = await Client(server, "pop3s").connect()
    client.connection.session.start_over(identities, bindings)
    assert f"SASL {offered}\r\n".encode() in await client.say(b"CAPA\r\n")
    for name in set(MECHANISMS) - set(offered.split()):
        assert (await client.say(f"AUTH {name}\r\n".encode())).startswith(b"-ERR")
        assert freed(client)


async def test_what_tls_tells_changes_the_list(server: Pop3Server) -> None:
    client = await Client(server).connect()
    before = client.connection.session.mechanisms
    assert "EXTERNAL" not in before
    assert "SCRAM-SHA-256-PLUS" not in before
    client.connection.session.start_over(("mrose",), (BINDING,))
    assert client.connection.session.mechanisms == tuple(MECHANISMS)


async def test_after_the_sign_in_the_list_stays(server: Pop3Server) -> None:
    """RFC 5034, section 6."""
    client = await connected(server)
    before = await client.say(b"CAPA\r\n")
    assert (await client.say(b"AUTH EXTERNAL =\r\n")).startswith(b"+OK")
    assert await client.say(b"CAPA\r\n") == before


async def test_the_maildrop_is_opened_behind_the_last_response(
    server: Pop3Server, store: FaultyStore
) -> None:
    client = await connected(server)
    assert (await prove(client, ScramSha256Client(USER))).startswith(b"+ ")
    assert client.connection.session.verdict == Verdict("mrose", Identity("mrose"))
    assert not opened(store)
    assert (await client.say(b"\r\n")).startswith(b"+OK maildrop")
    assert opened(store)
    assert freed(client)


@pytest.mark.parametrize("leaves", ["cut", "end", "cancel", "malformed", "no base64"])
async def test_who_leaves_before_the_last_response_has_opened_nothing(
    server: Pop3Server, store: FaultyStore, leaves: str
) -> None:
    client = await connected(server)
    await prove(client, ScramSha256Client(USER))
    lines = {"cancel": b"*\r\n", "malformed": b"AAAA\r\n", "no base64": b"STAT\r\n"}
    if leaves == "cut":
        client.transport.client_cuts()
    elif leaves == "end":
        client.transport.client_ends()
    else:
        assert (await client.say(lines[leaves])).startswith(b"-ERR")
        assert freed(client)
    await settle()
    assert not opened(store)
    assert not await store.locked("mrose")


async def test_a_right_proof_is_nothing_without_the_maildrop(
    server: Pop3Server, store: FaultyStore, logs: Logs
) -> None:
    await store.open(Identity("mrose"))
    client = await connected(server)
    await prove(client, ScramSha256Client(USER))
    assert (await client.say(b"\r\n")).startswith(b"-ERR [IN-USE]")
    (line,) = refusals(logs)
    assert (line["reason"], line["mechanism"], line["name"]) == ("in-use", "SCRAM-SHA-256", "mrose")


async def test_every_refused_attempt_is_one_line_in_the_log(server: Pop3Server, logs: Logs) -> None:
    """With address, name, mechanism and reason, whether the client waits for the end or not."""
    for end in (b"AQ==\r\n", b"*\r\n", b"\xff\r\n"):
        client = await connected(server)
        await client.say(b"AUTH OAUTHBEARER\r\n")
        assert (await say(client, BAD_TOKEN)).startswith(b"+ ")
        assert len(refusals(logs)) == 1
        assert (await client.say(end)).startswith(b"-ERR [AUTH]")
        (line,) = refusals(logs)
        assert line["log_level"] == "warning"
        assert (line["peer"], line["name"]) == ("127.0.0.1", "mrose")
        assert (line["mechanism"], line["reason"]) == ("OAUTHBEARER", "refused")
        assert freed(client)
        logs.clear()


@pytest.mark.parametrize(
    ("mechanism", "credentials"),
    [
        (ScramSha256Client, Credentials("mrose", "wrong")),
        (ScramSha256Client, Credentials("nobody", "tanstaaf")),
    ],
)
async def test_a_wrong_proof_is_refused_like_a_wrong_password(
    server: Pop3Server, logs: Logs, mechanism: type[ScramSha256Client], credentials: Credentials
) -> None:
    client = await connected(server)
    expected = await client.say(b"USER johndoe\r\nPASS nonsense\r\n")
    logs.clear()
    assert await prove(client, mechanism(credentials)) == expected.split(b"\r\n", 1)[1]
    (line,) = refusals(logs)
    assert (line["reason"], line["name"]) == ("refused", credentials.name)
    assert freed(client)


async def test_a_mismatch_of_the_channel_is_logged_as_what_it_is(
    server: Pop3Server, accounts: Accounts, logs: Logs
) -> None:
    """Somebody may sit in between: the operator wants to know. No password has been guessed, so
    nobody is asked to check one.
    """
    client = await connected(server)
    liar = BINDING._replace(data=b"the liar's certificate")
    said = await prove(client, ScramSha256PlusClient(USER, liar))
    assert base64.b64decode(said[2:]) == b"e=channel-bindings-dont-match"
    (line,) = refusals(logs)
    assert (line["reason"], line["name"]) == ("channel-bindings-dont-match", "mrose")
    assert line["log_level"] == "warning"
    assert (await client.say(b"\r\n")).startswith(b"-ERR the sign-in and the TLS connection")
    assert accounts.peers == []


async def test_the_downgrade_is_found_only_where_plus_was_offered(
    store: FaultyStore, accounts: Accounts
) -> None:
    for mechanisms, found in [
        (("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"), True),
        (("SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"), True),
        (("SCRAM-SHA-256",), False),
    ]:
        client = await connected(make_server(store, accounts, Policy(mechanisms=mechanisms)))
        first = base64.b64encode(b"y,,n=mrose,r=abc")
        said = await client.say(b"AUTH SCRAM-SHA-256 " + first + b"\r\n")
        assert base64.b64decode(said[2:]).startswith(b"e=" if found else b"r=")


async def test_too_many_refusals_close_behind_the_last_word(server: Pop3Server) -> None:
    client = await connected(server)
    for attempt in range(MAX_SIGN_IN_FAILURES):
        assert not client.transport.closed, attempt
        await client.say(b"AUTH OAUTHBEARER\r\n")
        assert (await say(client, BAD_TOKEN)).startswith(b"+ ")
        assert (await client.say(b"!\r\n")).startswith(b"-ERR [AUTH]")
    assert client.transport.closed


async def test_too_many_attempts_on_the_channel_close_too(server: Pop3Server) -> None:
    client = await connected(server)
    for _ in range(MAX_SIGN_IN_FAILURES):
        assert not client.transport.closed
        await client.say(b"AUTH SCRAM-SHA-256\r\n")
        await say(client, b"y,,n=mrose,r=abc")
        assert (await client.say(b"\r\n")).startswith(b"-ERR")
    assert client.transport.closed


async def test_keys_that_cannot_be_had_now(
    server: Pop3Server, accounts: Accounts, logs: Logs
) -> None:
    accounts.error = AuthUnavailable("the accounts are away")
    client = await connected(server)
    first = base64.b64encode(b"n,,n=mrose,r=abc")
    said = await client.say(b"AUTH SCRAM-SHA-256 " + first + b"\r\n")
    assert said.startswith(b"-ERR [SYS/TEMP]")
    (line,) = refusals(logs)
    assert (line["reason"], line["name"]) == ("AuthUnavailable", "mrose")
    assert freed(client)


async def test_a_token_that_cannot_be_checked_now_is_not_called_wrong(
    server: Pop3Server, accounts: Accounts
) -> None:
    """No JSON with "invalid_token": the client would ask its user to sign in anew."""
    accounts.error = AuthUnavailable("the issuer is away")
    client = await connected(server)
    await client.say(b"AUTH OAUTHBEARER\r\n")
    assert (await say(client, TOKEN)).startswith(b"-ERR [SYS/TEMP]")
    assert freed(client)


class Gullible(Accounts):
    """Accepts whatever is claimed."""

    async def check(self, claim: Claim, peer: str) -> Identity:
        return Identity(claim.name)


async def test_a_sign_in_without_a_proof_is_never_accepted_whatever_the_accounts_say(
    store: FaultyStore, logs: Logs
) -> None:
    server = make_server(store, Gullible({"mrose": "tanstaaf"}), EVERYTHING)
    client = await connected(server)
    said = await prove(client, ScramSha256Client(Credentials("mrose", "wrong")))
    assert said.startswith(b"-ERR [SYS/TEMP]")
    assert not opened(store)
    assert freed(client)
    assert any(line["log_level"] == "error" for line in logs)


def prepared(text: str) -> bool:
    try:
        return bool(saslprep(text))
    except ValueError:
        return False


words = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\x01"), min_size=1, max_size=20
).filter(prepared)


@pytest.mark.parametrize("mechanism", list(MECHANISMS))
@settings(max_examples=25, deadline=None)
@given(name=words, password=words, chunk=st.integers(1, 80), initial=st.booleans())
async def test_any_name_and_password_over_the_wire_in_any_pieces(
    mechanism: str, name: str, password: str, chunk: int, initial: bool
) -> None:
    """Our client on one end, the connection on the other."""
    store, name = FaultyStore(), saslprep(name)
    server = make_server(store, Accounts({name: password}), EVERYTHING)
    client = await connected(server, (name,))
    proof = {"token": token_of(name)} if "OAUTH" in mechanism else {"password": saslprep(password)}
    ours = choose(
        list(MECHANISMS),
        Credentials(name, **({} if mechanism == "EXTERNAL" else proof)),
        secured=True,
        channel_binding=BINDING,
        wanted=mechanism,
    )
    command = f"AUTH {mechanism}".encode()
    if initial and ours.client_first:
        command += b" " + (base64.b64encode(ours.step(None)) or b"=")
    said = await client.say(command + b"\r\n", chunk)
    while said.startswith(b"+ "):
        answer = base64.b64encode(ours.step(base64.b64decode(said[2:])))
        said = await client.say(answer + b"\r\n", chunk)
    assert said.startswith(b"+OK maildrop")
    assert ours.done
    assert await store.locked(name)
    client.transport.client_cuts()
    await settle()


STEPS = [
    (b"AUTH PLAIN", b""),
    (b"AUTH LOGIN", b"bXJvc2U="),
    (b"AUTH SCRAM-SHA-256", base64.b64encode(b"n,,n=mrose,r=abc")),
    (b"AUTH SCRAM-SHA-256-PLUS", base64.b64encode(b"p=tls-server-end-point,,n=mrose,r=abc")),
    (b"AUTH SCRAM-SHA-256", base64.b64encode(b"y,,n=mrose,r=abc")),
    (b"AUTH OAUTHBEARER", base64.b64encode(BAD_TOKEN)),
    (b"AUTH XOAUTH2", base64.b64encode(b"user=mrose")),
    (b"AUTH EXTERNAL", b""),
    (b"AUTH CRAM-MD5", b""),
]


@pytest.mark.parametrize("ends", [b"*", b"!", b"\xff\xfe", b"AAAA=", b"QUIT "])
@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize(("command", "response"), STEPS)
async def test_cve_2017_15132_every_mechanism_is_freed_at_every_step(
    server: Pop3Server, command: bytes, response: bytes, deep: bool, ends: bytes
) -> None:
    client = await connected(server)
    before = kept() if ends == b"*" else 0
    lines = [command, response] if deep and response else [command]
    for line in lines:
        assert (await client.say(line + b"\r\n")).startswith(b"+ ")
        assert client.connection.session.mechanism is not None
    assert (await client.say(ends + b"\r\n")).startswith(b"-ERR")
    assert freed(client)
    assert ends != b"*" or kept() == before
    assert (await client.say(b"CAPA\r\n")).startswith(b"+OK")


def kept() -> int:
    gc.collect()
    return sum(isinstance(thing, (ServerMechanism, Verdict)) for thing in gc.get_objects())


async def test_no_starttls_an_exchange_and_its_verdict_do_not_survive_tls(
    server: Pop3Server,
) -> None:
    client = await Client(server).connect()
    client.heard()
    await prove(client, ScramSha256Client(USER))
    assert not freed(client)
    client.connection.session.start_over()
    assert freed(client)


@pytest.mark.parametrize("mechanism", [b"OAUTHBEARER", b"XOAUTH2", b"SCRAM-SHA-256", b"CRAM-MD5"])
async def test_what_proves_the_identity_is_in_no_log(
    server: Pop3Server, logs: Logs, mechanism: bytes
) -> None:
    client = await connected(server)
    secret = b"n,a=mrose,\x01auth=Bearer secret-token\x01\x01"
    await client.say(b"AUTH " + mechanism + b" " + base64.b64encode(secret) + b"\r\n")
    await client.say(base64.b64encode(secret) + b"\r\n")
    await client.say(base64.b64encode(b"user=mrose\x01auth=Bearer secret-token\x01\x01") + b"\r\n")
    client.transport.client_cuts()
    await settle()
    text = repr(logs)
    assert "secret-token" not in text
    assert base64.b64encode(secret).decode()[8:40] not in text
