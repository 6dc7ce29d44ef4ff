"""The filter in ``contrib/fail2ban`` finds who was refused, in lines that a server has really
written, and nobody else: by fail2ban's own programs.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from pillarbox.app import logs
from pillarbox.contracts.errors import AuthUnavailable, MaildropLocked
from pillarbox.peers import Network, Visitors
from pillarbox.server.limits import Policy
from pillarbox.server.listener import Pop3Server
from tests.transport import Client, make_server
from tests.world import Accounts, FaultyStore

ROOT = Path(__file__).parents[2]
CONTRIB = ROOT / "contrib" / "fail2ban"
FILTER = CONTRIB / "filter.d" / "pillarbox.conf"
REGEX = shutil.which("fail2ban-regex")

pytestmark = pytest.mark.skipif(REGEX is None, reason="fail2ban is not installed")
forms = pytest.mark.parametrize("form", ["text", "json"])

VICTIM = "198.51.100.1"
ATTACKER = "192.0.2.66"
FORGED = (
    f"warning pillarbox.server: sign-in failed peer={VICTIM} name=x mechanism=PLAIN reason=refused"
)
FORGED_JSON = (
    '{"time":"2026-11-23T21:04:05.678Z","level":"warning","logger":"pillarbox.server",'
    f'"event":"sign-in failed","peer":"{VICTIM}","name":"x","mechanism":"PLAIN","reason":"refused"'
)
SLY = [
    "x mechanism=PLAIN reason=refused",
    '" mechanism=PLAIN reason=refused "',
    'x","mechanism":"PLAIN","reason":"refused","',
    "reason=refused",
]
"""Names of users who are in order, and would like to look refused."""
NAMES = [
    *SLY,
    "alice",
    "alice smith",
    'al"ice',
    "al\\ice",
    'alice\\"',
    "älice",
    "alice\nbob",
    "alice\r\n\tbob",
    f"peer={VICTIM} reason=refused",
    f'" peer={VICTIM} name=x mechanism=PLAIN reason=refused',
    f"x mechanism=PLAIN reason=refused peer={VICTIM}",
    FORGED,
    f"\n{FORGED}\n",
    f"\n2026-11-23T21:04:05.678Z {FORGED}\n",
    f"host pillarbox[1]: {FORGED}",
    f"\n{FORGED_JSON}}}\n",
    f'x","mechanism":"PLAIN","reason":"refused"}}\n{FORGED_JSON}',
    f'x","peer":"{VICTIM}","name":"x',
    "\u2028" + FORGED,
    "\x1b[2K\x1b[1A" + FORGED,
    "2001:db8::1",
    "=",
]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """The file that logs go to, once they are configured."""
    yield tmp_path / "pillarbox.log"
    structlog.reset_defaults()


def configure(log: Path, form: logs.Format) -> None:
    logs.configure(form, "debug", fd=os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND))


def found(lines: Path, form: str = "ip") -> list[str]:
    """What fail2ban would count, in order."""
    assert REGEX is not None
    result = subprocess.run(
        [REGEX, "--out", form, str(lines), str(FILTER)], capture_output=True, text=True, check=False
    )
    assert "error" not in result.stderr.lower(), result.stderr
    return result.stdout.split()


def lines_of(log: Path) -> list[str]:
    return log.read_text().splitlines()


def make(store: FaultyStore | None = None, policy: Policy | None = None) -> Pop3Server:
    return make_server(
        store or FaultyStore(), Accounts(dict.fromkeys(("alice", *SLY), "right")), policy
    )


async def refused(name: str, address: str = ATTACKER) -> None:
    """A sign-in that is refused, by AUTH PLAIN, which carries every name."""
    client = await Client(make(), "pop3s", address).connect()
    response = base64.b64encode(f"\0{name}\0wrong".encode()).decode()
    said = await client.say(f"AUTH PLAIN\r\n{response}\r\n".encode())
    assert b"-ERR" in said


@forms
@pytest.mark.parametrize("address", [ATTACKER, "2001:db8::66", "::ffff:192.0.2.66"])
async def test_a_refused_sign_in_is_found(log: Path, form: logs.Format, address: str) -> None:
    configure(log, form)
    client = await Client(make(), "pop3s", address).connect()
    await client.say(b"USER alice\r\nPASS wrong\r\n")
    await client.say(b"USER alice\r\nPASS wrong\r\n")
    expected = address.removeprefix("::ffff:")
    assert found(log) == [expected, expected]


@forms
async def test_whatever_the_name_the_address_is_the_connections(
    log: Path, form: logs.Format
) -> None:
    configure(log, form)
    addresses = [f"192.0.2.{number}" for number in range(1, len(NAMES) + 1)]
    for name, address in zip(NAMES, addresses, strict=True):
        await refused(name, address)
    assert found(log) == addresses


@forms
async def test_as_journal_and_syslog_have_it(log: Path, form: logs.Format) -> None:
    """fail2ban puts host, identifier and process in front of what the journal has; so does rsyslog
    in its files, and the time.
    """
    configure(log, form)
    for name in NAMES:
        await refused(name)
    for head in (
        "mail pillarbox[4711]: ",
        "mail.example.org python3[1]: ",
        "Nov 23 21:04:05 mail pillarbox[4711]: ",
        "2026-11-23T21:04:05.678901+01:00 mail pillarbox[4711]: ",
    ):
        assert found(journal(log, head)) == [ATTACKER] * len(NAMES)


def journal(log: Path, head: str) -> Path:
    """The same lines, each behind *head*."""
    lines = [line for line in lines_of(log) if "sign-in failed" in line]
    copy = log.with_name("journal")
    copy.write_text("".join(f"{head}{line}\n" for line in lines))
    return copy


@forms
async def test_who_is_not_guessing_is_not_found(log: Path, form: logs.Format) -> None:
    """Right passwords, a maildrop in use, addresses that are turned away, other lines."""
    configure(log, form)
    store = FaultyStore()
    await (await Client(make(store), "pop3s", ATTACKER).connect()).say(
        b"USER alice\r\nPASS right\r\nQUIT\r\n"
    )
    store.faults.errors["open"] = MaildropLocked("in use")
    for name in ("alice", *SLY):
        client = await Client(make(store), "pop3s", ATTACKER).connect()
        said = await client.say(f"USER {name}\r\nPASS right\r\n".encode())
        assert b"[IN-USE]" in said
    down = Accounts({})
    down.error = AuthUnavailable("the accounts cannot be read")
    for name in ("alice", *SLY):
        client = await Client(make_server(store, down), "pop3s", ATTACKER).connect()
        assert b"-ERR" in await client.say(f"USER {name}\r\nPASS right\r\n".encode())
    away = Policy(visitors=Visitors(deny=[Network.parse(ATTACKER)]))
    await Client(make(policy=away), "pop3", ATTACKER).connect()
    local = await Client(make(), "pop3", "unix").connect()
    await local.say(b"USER alice\r\nPASS wrong\r\n")
    text = "".join(lines_of(log))
    for part in ("session ended", "in-use", "AuthUnavailable", "connection refused", "unix"):
        assert part in text
    assert found(log) == []


def test_the_lines_in_the_filters_own_comment_are_found(tmp_path: Path) -> None:
    lines = re.findall(r"^#   (.+)$", FILTER.read_text(), re.MULTILINE)
    assert len(lines) == 2
    (tmp_path / "lines").write_text("\n".join(lines) + "\n")
    assert found(tmp_path / "lines") == ["192.0.2.7"] * 2


def test_the_jail_is_one(tmp_path: Path) -> None:
    """fail2ban reads the whole: its own configuration, as installed, and ours on top."""
    client = shutil.which("fail2ban-client")
    assert client is not None
    folder = tmp_path / "fail2ban"
    shutil.copytree("/etc/fail2ban", folder, symlinks=True)
    for other in (folder / "jail.d").iterdir():
        other.unlink()
    shutil.copytree(CONTRIB, folder, dirs_exist_ok=True)
    result = subprocess.run(
        [client, "-c", str(folder), "-d"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "['add', 'pillarbox', 'systemd']" in result.stdout
    assert "_SYSTEMD_UNIT=pillarbox.service" in result.stdout
