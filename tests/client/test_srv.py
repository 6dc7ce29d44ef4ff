"""SRV records from a real name server."""

from __future__ import annotations

import asyncio
import functools
import sys
from pathlib import Path

import dns.rcode
import pytest

from pillarbox.client.discovery import Source, discover
from pillarbox.client.errors import InvalidSetting, Unreachable
from pillarbox.client.srv import MOST_RECORDS, Srv, srv_records
from tests.client.nameserver import name_server

NAME = "_pop3s._tcp.example.org"
ZONE = {
    f"{NAME}.": "10 5 995 pop.example.org.\n20 0 1995 backup.example.org.",
    "_pop3._tcp.example.org.": "0 0 0 .",
}


async def test_records() -> None:
    async with name_server(ZONE) as at:
        records = await srv_records(NAME, nameserver=at)
        refusal = await srv_records("_pop3._tcp.example.org", nameserver=at)
    assert sorted(records) == [
        Srv(10, 5, 995, "pop.example.org."),
        Srv(20, 0, 1995, "backup.example.org."),
    ]
    assert refusal == [Srv(0, 0, 0, ".")]


@pytest.mark.parametrize("zone", [{}, {f"{NAME}.": ""}], ids=["no such name", "no such record"])
async def test_nothing_there_is_an_answer(zone: dict[str, str]) -> None:
    async with name_server(zone) as at:
        assert list(await srv_records(NAME, nameserver=at)) == []


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
async def test_a_server_that_cannot_say_is_none(code: dns.rcode.Rcode) -> None:
    async with name_server({f"{NAME}.": code}) as at:
        with pytest.raises(Unreachable, match=r"looking up \S+ failed"):
            await srv_records(NAME, nameserver=at)


async def test_a_name_that_cannot_be_asked_for_is_a_fault_and_no_crash() -> None:
    async with name_server({}) as at:
        with pytest.raises(Unreachable):
            await srv_records("a" * 64 + ".example", nameserver=at)


async def test_of_many_records_some_are_taken() -> None:
    rows = "\n".join(f"0 0 995 pop{number}.example.org." for number in range(MOST_RECORDS + 1))
    async with name_server({f"{NAME}.": rows}) as at:
        assert len(await srv_records(NAME, nameserver=at)) == MOST_RECORDS


async def test_discovery_on_a_real_name_server() -> None:
    async with name_server(ZONE) as at:
        resolver = functools.partial(srv_records, nameserver=at)
        found = await discover("alice@example.org", resolver=resolver, fetcher=None)
    published = [str(c.endpoint) for c in found if c.source is Source.SRV]
    assert published == [
        "pop3s://alice%40example.org@pop.example.org",
        "pop3s://alice%40example.org@backup.example.org:1995",
    ]
    assert not any(str(c.endpoint).startswith("pop3://") for c in found)


async def test_without_the_library_a_sentence_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "dns.asyncresolver", None)  # what an import then meets
    with pytest.raises(InvalidSetting, match=r"pillarbox\[discovery\]"):
        await discover("alice@example.org", fetcher=None)


async def example(*arguments: str) -> tuple[int | None, str, str]:
    file = Path(__file__).parents[2] / "examples" / "discover.py"
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, file, *arguments, stdout=pipe, stderr=pipe
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_the_example_runs() -> None:
    zone = {f"{NAME}.": "0 0 995 pop.example.org.\n1 0 995 pop.provider.example."}
    async with name_server(zone) as at:
        server = ":".join(map(str, at))
        code, out, err = await example("alice@example.org", "--no-web", "--nameserver", server)
    assert (code, err) == (0, "")
    assert out.startswith("pop3s://alice%40example.org@pop.example.org  (srv)\n")
    assert (
        "pop3s://alice%40example.org@pop.provider.example  (srv), outside the domain: is this your "
        "provider?\n"
    ) in out
    assert out.endswith("(guess)\n")


async def test_the_example_says_what_is_wrong() -> None:
    code, out, err = await example("alice", "--no-web")
    assert (code, out) == (2, "")
    assert err == 'discover: "alice" is not a mail address; one looks like alice@example.org\n'
