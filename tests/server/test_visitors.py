"""Who may come in: ``limits.allow``, ``limits.deny``, ``limits.unlimited``."""

from __future__ import annotations

import pytest

from pillarbox import peers
from pillarbox.peers import Network, Networks, Visitors
from pillarbox.server.limits import LocalTally, Policy
from tests.server.conftest import Logs
from tests.server.test_limits import CountingMeter
from tests.transport import Client, make_server, settle
from tests.world import Accounts, FaultyStore


def networks(*texts: str) -> list[Network]:
    return [Network.parse(text) for text in texts]


@pytest.mark.parametrize(
    ("allow", "deny", "peer", "admitted"),
    [
        ([], [], "192.0.2.7", True),
        ([], ["192.0.2.0/24"], "192.0.2.7", False),
        ([], ["192.0.2.0/24"], "192.0.3.7", True),
        ([], ["192.0.2.0/24"], "::ffff:192.0.2.7", False),
        ([], ["::ffff:192.0.2.0/120"], "192.0.2.7", False),
        ([], ["192.0.2.7"], "192.0.2.7", False),
        ([], ["192.0.2.7"], "192.0.2.8", True),
        ([], ["2001:db8::/32"], "2001:db8:1::7", False),
        ([], ["2001:db8::/32"], "2001:db9::7", True),
        ([], ["2001:db8::7"], "2001:db8::7", False),
        ([], ["fe80::/10"], "fe80::1%eth0", False),
        ([], ["0.0.0.0/0"], "2001:db8::7", True),
        ([], ["::/0"], "192.0.2.7", True),
        ([], ["::/0"], "unix", True),
        ([], ["unix"], "unix", False),
        (["10.0.0.0/8"], [], "10.1.2.3", True),
        (["10.0.0.0/8"], [], "192.0.2.7", False),
        (["10.0.0.0/8"], [], "2001:db8::7", False),
        (["10.0.0.0/8"], [], "127.0.0.1", False),
        (["10.0.0.0/8"], [], "unix", False),
        (["10.0.0.0/8", "unix"], [], "unix", True),
        (["10.0.0.0/8"], ["10.66.0.0/16"], "10.66.0.1", False),
        (["10.0.0.0/8"], ["10.66.0.0/16"], "10.67.0.1", True),
    ],
)
@pytest.mark.parametrize("door", ["pop3", "pop3s"])
async def test_who_is_admitted(
    store: FaultyStore,
    accounts: Accounts,
    logs: Logs,
    door: str,
    allow: list[str],
    deny: list[str],
    peer: str,
    admitted: bool,
) -> None:
    meter = CountingMeter()
    policy = Policy(visitors=Visitors(networks(*allow), networks(*deny)))
    server = make_server(store, accounts, policy, meter=meter)
    for _ in range(2):  # the second time the answer is remembered
        client = await Client(server, door, peer).connect()
        said = client.heard()
        await settle()
        assert client.transport.closed is not admitted
        if admitted:
            assert said.startswith(b"+OK")
        else:
            assert said == (b"" if door == "pop3s" else said)
            assert said.startswith(b"-ERR [SYS/PERM]") or door == "pop3s"
    assert meter.began == (2 if admitted else 0)
    refused = [line for line in logs if line["event"] == "connection refused"]
    assert [line["reason"] for line in refused] == ([] if admitted else ["not admitted"] * 2)
    assert all(line["peer"] for line in refused)


def test_where_the_limit_of_an_address_does_not_count() -> None:
    tally = LocalTally(1, 4, Networks(networks("10.0.0.5", "2001:db8::/64")))
    assert tally.enter("10.0.0.5")
    assert tally.enter("10.0.0.5")
    assert tally.enter("192.0.2.7")
    assert not tally.enter("192.0.2.7")
    assert tally.enter("2001:db8::1")
    assert not tally.enter("2001:db8::2"), "that of all connections does"


def test_answers_are_remembered_but_not_without_end() -> None:
    known = Networks(networks("10.0.0.0/8"))
    for number in range(peers.KNOWN_PEERS * 2):
        assert f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}" in known
    assert len(known._answers) <= peers.KNOWN_PEERS


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.1", "10.0.0.1"),
        ("10.0.0.1/32", "10.0.0.1"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("unix", "unix"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_networks_as_an_operator_writes_them(text: str, meant: str) -> None:
    assert str(Network.parse(text)) == meant
    assert Network.parse(text) == Network.parse(meant)
    assert Network.parse(text).is_everybody is meant.endswith("/0")


@pytest.mark.parametrize("text", ["", "10.0.0.1/8", "10.0.0.0/33", "eve", "10.0.0.0/-1", "10.0.0"])
def test_what_is_no_network(text: str) -> None:
    with pytest.raises(ValueError, match=r"; (write|did you mean) "):
        Network.parse(text)
