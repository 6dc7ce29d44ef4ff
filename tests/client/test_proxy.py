"""Connections through proxies that are real, and what is said when they do not come about."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import traceback
from asyncio import StreamReader as Reader
from asyncio import StreamWriter as Writer

import pytest

from pillarbox.client.errors import ClientError, InvalidSetting, InvalidUrl, TimedOut, Unreachable
from pillarbox.client.http_connect import MAX_ANSWER, request
from pillarbox.client.proxy import open_connection
from pillarbox.client.through_proxy import Proxy
from tests.client.proxies import (
    GREETING,
    HttpProxy,
    SocksProxy,
    listening,
    pop3_server,
)

LONG_ENOUGH = 60


async def reach(host: str, port: int, proxy: str | None, seconds: float = LONG_ENOUGH) -> bytes:
    """Connect, say a line, and read all there is."""
    loop = asyncio.get_running_loop()
    with await open_connection(host, port, proxy=proxy, timeout=seconds, loop=loop) as connection:
        assert not connection.getblocking()
        await loop.sock_sendall(connection, b"NOOP\r\n")
        connection.shutdown(socket.SHUT_WR)
        said = b""
        while piece := await loop.sock_recv(connection, 4096):
            said += piece
        return said


async def refused(host: str, port: int, proxy: str) -> ClientError:
    with pytest.raises(ClientError) as caught:
        await reach(host, port, proxy)
    return caught.value


async def test_without_a_proxy() -> None:
    async with listening(pop3_server) as port:
        assert await reach("127.0.0.1", port, None) == GREETING + b"NOOP\r\n"


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_socks_looks_the_name_up_at_the_proxy(scheme: str) -> None:
    async with listening(pop3_server) as server:
        proxy = SocksProxy(server)
        async with listening(proxy.serve) as port:
            said = await reach("pop.example.invalid", 995, f"{scheme}://127.0.0.1:{port}")
    assert said == GREETING + b"NOOP\r\n"
    assert proxy.asked == [(3, b"pop.example.invalid", 995)]


@pytest.mark.parametrize(
    ("host", "kind", "octets"),
    [
        ("192.0.2.1", 1, bytes([192, 0, 2, 1])),
        ("2001:db8::1", 4, socket.inet_pton(socket.AF_INET6, "2001:db8::1")),
        ("xn--bcher-kva.example", 3, b"xn--bcher-kva.example"),
    ],
)
async def test_socks_with_every_kind_of_host(host: str, kind: int, octets: bytes) -> None:
    async with listening(pop3_server) as server:
        proxy = SocksProxy(server)
        async with listening(proxy.serve) as port:
            await reach(host, 110, f"socks5://127.0.0.1:{port}")
    assert proxy.asked == [(kind, octets, 110)]


async def test_socks_with_credentials() -> None:
    async with listening(pop3_server) as server:
        proxy = SocksProxy(server, b"ali:ce", b"p@ss/word")
        async with listening(proxy.serve) as port:
            url = f"socks5://ali%3Ace:p%40ss%2Fword@127.0.0.1:{port}"
            assert await reach("h.example", 995, url) == GREETING + b"NOOP\r\n"


@pytest.mark.parametrize("host", ["h.example", "192.0.2.1"])
async def test_http_connect(host: str) -> None:
    async with listening(pop3_server) as server:
        proxy = HttpProxy(server)
        async with listening(proxy.serve) as port:
            assert await reach(host, 995, f"http://127.0.0.1:{port}/") == GREETING + b"NOOP\r\n"
    assert proxy.asked == [b"CONNECT " + host.encode() + b":995 HTTP/1.1"]


def test_http_connect_to_an_ipv6_address_has_brackets() -> None:
    assert request("[2001:db8::1]:995", "", "") == (
        b"CONNECT [2001:db8::1]:995 HTTP/1.1\r\nHost: [2001:db8::1]:995\r\n\r\n"
    )


async def test_http_connect_with_credentials() -> None:
    async with listening(pop3_server) as server:
        proxy = HttpProxy(server, "alice", "pässword:")
        async with listening(proxy.serve) as port:
            url = f"http://alice:p%C3%A4ssword%3A@127.0.0.1:{port}"
            assert await reach("h.example", 995, url) == GREETING + b"NOOP\r\n"


async def test_a_greeting_in_one_segment_with_the_proxys_answer_is_not_lost() -> None:
    async with listening(pop3_server) as server:
        proxy = HttpProxy(server)
        proxy.waits_for_greeting = True
        async with listening(proxy.serve) as port:
            said = await reach("h.example", 110, f"http://127.0.0.1:{port}")
    assert said == GREETING + b"NOOP\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 \r\n\r\n",
        b"HTTP/1.1 200 OK\n\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100 + b"\r\n",
    ],
)
async def test_answers_that_are_taken(answer: bytes) -> None:
    async with listening(pop3_server) as server:
        proxy = HttpProxy(server)
        proxy.answer = answer
        async with listening(proxy.serve) as port:
            said = await reach("h.example", 995, f"http://127.0.0.1:{port}")
    assert said == GREETING + b"NOOP\r\n"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 403 Forbidden port\r\n\r\n", '"403 Forbidden port"; does it allow this port?'),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", '"302 Found"'),
        (b"+OK POP3 server ready\r\n\r\n", "is it an HTTP proxy?"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "is it an HTTP proxy?"),
        (b"\x05\xff\n\n", "is it an HTTP proxy?"),
        (b"", "it broke the connection off"),
        (b"HTTP/1.1 201 Created\r\n", "it broke the connection off"),
        (b"x" * (MAX_ANSWER + 1), "does not end"),
    ],
)
async def test_answers_that_are_none_or_no(answer: bytes, words: str) -> None:
    proxy = HttpProxy(0)
    proxy.answer = answer
    async with listening(proxy.serve) as port:
        error = await refused("h.example", 995, f"http://127.0.0.1:{port}")
    assert isinstance(error, Unreachable)
    assert words in str(error)
    assert str(error).startswith(f"cannot reach h.example:995 through the proxy 127.0.0.1:{port}: ")
    assert str(error).isprintable()


@pytest.mark.parametrize(("code", "words"), [(5, "refused"), (2, "not allowed"), (99, "code")])
async def test_what_a_socks_proxy_refuses(code: int, words: str) -> None:
    proxy = SocksProxy(0)
    proxy.answer = code
    async with listening(proxy.serve) as port:
        error = await refused("h.example", 995, f"socks5://127.0.0.1:{port}")
    assert isinstance(error, Unreachable)
    assert words in str(error)
    assert f"through the proxy 127.0.0.1:{port}" in str(error)


@pytest.mark.parametrize("said", [b"", b"\x05", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x05\x02"])
async def test_what_is_no_socks_proxy(said: bytes) -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await reader.read(1)
        writer.write(said)

    async with listening(serve) as port:
        assert isinstance(await refused("h", 995, f"socks5://127.0.0.1:{port}"), Unreachable)


@pytest.mark.parametrize("scheme", ["socks5", "http"])
async def test_a_proxy_that_is_not_there(scheme: str) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        error = await refused("h.example", 995, f"{scheme}://127.0.0.1:{port}")
    assert isinstance(error, Unreachable)
    assert f"the proxy 127.0.0.1:{port}" in str(error)


@pytest.mark.parametrize("scheme", ["socks5", "http"])
async def test_a_proxy_that_does_not_answer_in_time(scheme: str) -> None:
    async def serve(reader: Reader, _: Writer) -> None:
        await reader.read()

    async with listening(serve) as port:
        with pytest.raises(TimedOut, match=f"through the proxy 127.0.0.1:{port} within 0.05 sec"):
            await reach("h.example", 995, f"{scheme}://127.0.0.1:{port}", seconds=0.05)


# What a proxy's URL may hold that must never be told.
SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("127.0.0.1:1080", "scheme"),
        (f"alice:{SECRET}@127.0.0.1:1080", "scheme"),
        (f"ftp://alice:{SECRET}@h:1", "neither socks5, socks5h nor http"),
        (f"https://alice:{SECRET}@h:1", "neither socks5, socks5h nor http"),
        (f"socks5://alice:{SECRET}@h", "no port"),
        (f"socks5://alice:{SECRET}@:1", "no host"),
        (f"socks5://alice:{SECRET}@h:x", "port that is not a number"),
        (f"socks5://alice:{SECRET}/@h:1", "%2F"),
        (f"socks5://alice:{SECRET}%@h:1", "%25"),
        (f"socks5://alice:{SECRET}%C3%A4@h:1", "ASCII"),
        (f"socks5://alice:{SECRET * 40}@h:1", "1 to 255"),
        (f"socks5://{SECRET}@h:1", "1 to 255"),
        (f"http://alice:{SECRET}%0D%0A@h:1", "printed"),
    ],
)
async def test_a_proxy_url_that_is_none(url: str, words: str) -> None:
    error = await refused("h", 995, url)
    assert isinstance(error, InvalidUrl)
    assert words in str(error)
    assert "socks5://127.0.0.1:1080" in str(error)
    assert SECRET not in "".join(traceback.format_exception(error))


async def test_credentials_are_in_no_error_no_repr_and_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    socks = SocksProxy(0, b"alice", b"other")
    http = HttpProxy(0, "alice", "other")
    async with listening(socks.serve) as socks_port, listening(http.serve) as http_port:
        for url in (
            f"socks5://alice:{SECRET}@127.0.0.1:{socks_port}",
            f"http://alice:{SECRET}@127.0.0.1:{http_port}",
        ):
            error = await refused("h.example", 995, url)
            told = "".join(traceback.format_exception(error)) + repr(Proxy.parse(url))
            assert "user name and" in told
            assert SECRET not in told
            assert "alice" not in told
    assert SECRET not in caplog.text


async def test_a_proxy_that_wants_credentials_and_gets_none_says_so() -> None:
    async with listening(HttpProxy(0, "alice", SECRET).serve) as port:
        error = await refused("h.example", 995, f"http://127.0.0.1:{port}")
    assert "http://USER:PASSWORD@HOST:PORT" in str(error)


async def test_without_the_library_a_sentence_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "python_socks", None)  # what an import then meets
    error = await refused("h", 995, "socks5://127.0.0.1:1080")
    assert isinstance(error, InvalidSetting)
    assert 'pip install "pillarbox[proxy]"' in str(error)
