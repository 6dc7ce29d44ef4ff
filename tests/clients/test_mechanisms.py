"""Clients that other people wrote sign in by every mechanism that they have.

The server runs in the test's own process, on real sockets with real TLS; the accounts are a
dictionary, so that tokens and certificates need no issuers.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

import pytest

from pillarbox.model import Identity
from pillarbox.sasl.channel import ChannelBinding
from pillarbox.sasl.claims import (
    CertificateClaim,
    Claim,
    DigestClaim,
    PasswordClaim,
    ScramClaim,
    TokenClaim,
)
from pillarbox.sasl.mechanism import ExchangeRefused, Finished, KeysWanted
from pillarbox.sasl.server import MECHANISMS
from pillarbox.sasl.surroundings import TokenAdvice
from pillarbox.server.limits import Policy
from pillarbox.server.session import Session
from tests.sasl.surroundings import BINDING, EXPORTER, HERE
from tests.server.house import House
from tests.world import Accounts, FaultyStore

MAIL = b"Subject: for you\r\n\r\nhere it is\r\n"
PASSWORD = "tanstaaf"
TOKEN = "token-of-mrose"
KINDS: dict[str, type[Claim]] = {
    "PLAIN": PasswordClaim,
    "LOGIN": PasswordClaim,
    "CRAM-MD5": DigestClaim,
    "SCRAM-SHA-1": ScramClaim,
    "SCRAM-SHA-256": ScramClaim,
    "OAUTHBEARER": TokenClaim,
    "XOAUTH2": TokenClaim,
    "EXTERNAL": CertificateClaim,
}
CURL = ("PLAIN", "LOGIN", "CRAM-MD5", "OAUTHBEARER", "XOAUTH2", "EXTERNAL")
MPOP = tuple(KINDS)
DOORS = ("pop3s", "pop3")


class Witness(Accounts):
    """Accounts that remember what was claimed."""

    def __init__(self) -> None:
        super().__init__({"mrose": PASSWORD})
        self.claims: list[Claim] = []

    async def check(self, claim: Claim, peer: str) -> Identity:
        self.claims.append(claim)
        return await super().check(claim, peer)


@pytest.fixture
def accounts() -> Witness:
    return Witness()


@pytest.fixture
async def house(
    accounts: Witness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """Every client is taken to have shown a certificate for mrose."""
    tls_is_up = Session.start_over

    def with_certificate(
        self: Session, _: tuple[str, ...] = (), bindings: tuple[ChannelBinding, ...] = ()
    ) -> None:
        tls_is_up(self, ("mrose",), bindings)

    monkeypatch.setattr(Session, "start_over", with_certificate)
    store = FaultyStore()
    await store.put("mrose", MAIL)
    advice = TokenAdvice("https://example.com/.well-known/openid-configuration", "mail")
    policy = Policy(mechanisms=tuple(MECHANISMS), tokens=advice, cleartext="never")
    house = House(store, accounts, tmp_path, policy)
    await house.open()
    yield house
    await house.server.stop(0)


async def run(folder: Path, *command: str, said: bytes = b"") -> tuple[int | None, str]:
    """The exit code of a program, and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate(said)
    return process.returncode, printed.decode(errors="backslashreplace")


def need(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed on this machine")


def secret_for(mechanism: str, *, right: bool) -> str:
    if not right:
        return "wrong"
    return TOKEN if mechanism in {"OAUTHBEARER", "XOAUTH2"} else PASSWORD


async def curl(house: House, folder: Path, door: str, mechanism: str, *options: str, right: bool = True) -> tuple[int | None, str]:  # fmt: skip
    need("curl")
    secret = secret_for(mechanism, right=right)
    name = "mrose" if right or mechanism != "EXTERNAL" else "johndoe"
    who = ["--user", f"{name}:{secret if mechanism != 'EXTERNAL' else ''}"]
    if mechanism in {"OAUTHBEARER", "XOAUTH2"}:
        who = ["--user", name, "--oauth2-bearer", secret]
    return await run(
        folder, "curl", "--silent", "--show-error", "--ssl-reqd", "--cacert", str(house.authority),
        *who, "--login-options", f"AUTH={mechanism}", *options,
        f"{door}://localhost:{house.ports[door]}/1",
    )  # fmt: skip


@pytest.mark.parametrize("options", [(), ("--sasl-ir",)], ids=["two steps", "initial response"])
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("mechanism", CURL)
async def test_curl(
    house: House, accounts: Witness, tmp_path: Path, door: str, mechanism: str, options: tuple[str]
) -> None:
    code, said = await curl(house, tmp_path, door, mechanism, *options)
    assert (code, said) == (0, MAIL.decode())
    (claim,) = accounts.claims
    assert isinstance(claim, KINDS[mechanism])
    assert claim.name == "mrose"


@pytest.mark.parametrize("mechanism", CURL)
async def test_curl_is_refused(
    house: House, accounts: Witness, tmp_path: Path, mechanism: str
) -> None:
    code, said = await curl(house, tmp_path, "pop3s", mechanism, right=False)
    assert code == 67, said  # "login denied"
    assert len(accounts.claims) == 1


async def mpop(house: House, folder: Path, door: str, mechanism: str, *, right: bool = True) -> tuple[int | None, str]:  # fmt: skip
    need("mpop")
    maildir = folder / "Maildir"
    for part in ("cur", "new", "tmp"):
        (maildir / part).mkdir(parents=True, exist_ok=True)
    control = folder / "mpoprc"
    name = "mrose" if right or mechanism != "EXTERNAL" else "johndoe"
    control.write_text(f"""
        account default
        host localhost
        port {house.ports[door]}
        tls on
        tls_starttls {"off" if door == "pop3s" else "on"}
        tls_trust_file {house.authority}
        auth {mechanism.lower()}
        user {name}
        password "{secret_for(mechanism, right=right)}"
        keep on
        received_header off
        uidls_file {folder / "uidls"}
        delivery maildir {maildir}
        """)
    control.chmod(0o600)
    return await run(folder, "mpop", "--file", str(control), "--quiet")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("mechanism", MPOP)
async def test_mpop(
    house: House, accounts: Witness, tmp_path: Path, door: str, mechanism: str
) -> None:
    code, said = await mpop(house, tmp_path, door, mechanism)
    assert code == 0, said
    (message,) = (tmp_path / "Maildir" / "new").iterdir()
    assert message.read_bytes() == MAIL.replace(b"\r\n", b"\n")
    (claim,) = accounts.claims
    assert isinstance(claim, KINDS[mechanism])
    assert claim.name == "mrose"


@pytest.mark.parametrize("mechanism", MPOP)
async def test_mpop_is_refused(
    house: House, accounts: Witness, tmp_path: Path, mechanism: str
) -> None:
    code, said = await mpop(house, tmp_path, "pop3s", mechanism, right=False)
    assert code == 77, said  # EX_NOPERM
    assert len(accounts.claims) == 1


class Gsasl:
    """GNU SASL's command: a client that speaks any mechanism, in lines of base64.

    It is waited for without a loop: it talks to nobody but the test.
    """

    def __init__(self, mechanism: str, password: str, binding: bytes | None = None) -> None:
        command = [
            "gsasl", "--client", f"--mechanism={mechanism}", "--authentication-id=mrose",
            f"--password={password}", *(() if binding else ("--no-cb",)),
        ]  # fmt: skip
        self._program = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self._line() == mechanism.encode(), "it names its mechanism first"
        if binding is not None:  # it asks for that, without a line's end
            self._say(binding)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has given up
            self._say(b"")  # it asks once more, even where all has been said
        told = self._program.communicate()[1]
        self.trusts = b"(server trusted)" in told
        """It has signed in, and the server has proved itself."""

    def first(self) -> bytes:
        """Its initial response, decoded."""
        return base64.b64decode(self._line().rpartition(b": ")[2])

    def answer(self, challenge: bytes) -> bytes:
        self._say(challenge)
        return base64.b64decode(self._line())

    def _say(self, octets: bytes) -> None:
        assert self._program.stdin
        self._program.stdin.write(base64.b64encode(octets) + b"\n")
        self._program.stdin.flush()

    def _line(self) -> bytes:
        assert self._program.stdout
        return self._program.stdout.readline().strip()


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256"])
async def test_gsasl(house: House, accounts: Witness, mechanism: str, right: bool) -> None:
    need("gsasl")
    reader, writer = await house.connect("pop3s", house.context)
    await reader.readline()

    async def exchange(line: bytes) -> bytes:
        writer.write(line + b"\r\n")
        return await reader.readline()

    with Gsasl(mechanism, secret_for(mechanism, right=right)) as client:
        first = base64.b64encode(client.first())
        said = await exchange(f"AUTH {mechanism} ".encode() + first)
        while said.startswith(b"+ "):
            answer = client.answer(base64.b64decode(said[2:]))
            said = await exchange(base64.b64encode(answer))
    writer.close()
    assert said.startswith(b"+OK" if right else b"-ERR [AUTH]")
    assert client.trusts == right
    (claim,) = accounts.claims
    assert isinstance(claim, ScramClaim)
    assert claim.proved == right


@pytest.mark.parametrize("ours", [EXPORTER, EXPORTER._replace(data=b"another" * 4)])
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS"])
async def test_gsasl_binds_itself_by_tls_exporter(
    accounts: Witness, mechanism: str, ours: ChannelBinding
) -> None:
    """RFC 9266. Python has no such binding yet: so the mechanism is spoken without a connection."""
    need("gsasl")
    server = MECHANISMS[mechanism](HERE._replace(bindings=(ours, BINDING)))
    with Gsasl(mechanism, PASSWORD, EXPORTER.data) as client:
        wanted = server.step(client.first())
        assert isinstance(wanted, KeysWanted)
        said = server.go_on(await accounts.scram_keys(wanted.name, wanted.hash_name))
        final = client.answer(said.data)
        if ours == EXPORTER:
            claim = server.step(final)
            assert isinstance(claim, ScramClaim)
            assert claim.proved
            last = server.accepted()
            assert last is not None
            assert server.step(client.answer(last.data)) == Finished()
        else:
            with pytest.raises(ExchangeRefused, match="channel-bindings-dont-match"):
                server.step(final)
    assert client.trusts == (ours == EXPORTER)


async def test_gsasl_is_told_that_we_have_no_tls_exporter(house: House) -> None:
    """With TLS 1.3 it binds itself by nothing else (RFC 9266, section 3)."""
    need("gsasl")
    reader, writer = await house.connect("pop3s", house.context)
    await reader.readline()
    with Gsasl("SCRAM-SHA-256-PLUS", PASSWORD, EXPORTER.data) as client:
        writer.write(b"AUTH SCRAM-SHA-256-PLUS " + base64.b64encode(client.first()) + b"\r\n")
        said = await reader.readline()
        assert base64.b64decode(said[2:]) == b"e=unsupported-channel-binding-type"
        writer.write(b"*\r\n")
        assert (await reader.readline()).startswith(b"-ERR")
    writer.close()
    assert not client.trusts


def test_no_client_is_left_out() -> None:
    """A skip must not go unnoticed where the programs can be installed."""
    if not (os.environ.get("CI") or os.geteuid() == 0):
        pytest.skip("not root and not CI: whoever runs this may lack the programs")
    assert all(shutil.which(program) for program in ("curl", "gsasl", "mpop"))
