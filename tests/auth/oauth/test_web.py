"""Requests to an issuer that is slow, endless, elsewhere, or somebody else."""

import asyncio
import os
import ssl
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from pillarbox.auth.oauth.web import MAX_ANSWER, Web
from pillarbox.contracts.errors import AuthUnavailable
from tests.auth.oauth.hostile import Hostile, hostile, ok


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    web = Web()
    yield web
    await web.close()


async def trouble(web: Web, url: str) -> str:
    with pytest.raises(AuthUnavailable) as caught:
        (await web.get(url)).object()
    assert caught.value.__cause__ is None  # the request would be there, with the token in it
    return str(caught.value)


async def test_a_json_object(web: Web) -> None:
    async with hostile(ok(b'{"a": 1}')) as it:
        assert (await web.get(it.url)).object() == {"a": 1}
        assert b"accept-encoding: identity" in it.heard[0].lower()


async def test_a_connection_is_used_again(web: Web) -> None:
    async with hostile(ok(b"{}")) as it:
        for _ in range(3):
            await web.get(it.url)
        assert (it.connections, len(it.heard)) == (1, 3)


async def test_a_connection_that_was_given_up_is_made_anew(web: Web) -> None:
    async def once(it: Hostile, writer: asyncio.StreamWriter) -> None:
        if len(it.heard) == 2:
            writer.close()  # at the second request of the first connection
        else:
            writer.write(ok(b"{}"))

    async with hostile(once) as it:
        await web.get(it.url)
        await web.post(it.url, {"token": "t"}, "Bearer b")
        assert (it.connections, len(it.heard)) == (2, 3)
        assert it.heard[2].endswith(b"token=t")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://localhost:1/\r\nContent-Length: 0\r\n\r\n", "status 302"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "does not answer (HTTP status 404)"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "does not answer now (HTTP status 503)"),
        (b"HTTP/1.1 429 Busy\r\nContent-Length: 0\r\n\r\n", "does not answer now (HTTP status 429)"),
        (ok(b"[]"), "JSON object"),
        (ok(b"{"), "JSON object"),
        (ok(b"\xff"), "JSON object"),
        (ok(b"[" * 100_000), "JSON object"),
        (ok(b"\x1f\x8b\x08packed", "Content-Encoding: gzip"), "JSON object"),
        (b"* OK IMAP4rev1\r\n\r\n", "cannot be reached"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000, "cannot be reached"),
        (ok(b" " * (MAX_ANSWER + 1)), "more than"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"fff\r\n" + b" " * 0xFFF
         + b"\r\n" + (b"fff\r\n" + b" " * 0xFFF + b"\r\n") * 100, "more than"),
    ],
)  # fmt: skip
async def test_what_an_issuer_can_say(web: Web, answer: bytes, says: str) -> None:
    async with hostile(answer) as it:
        assert says in await trouble(web, it.url)


async def test_an_answer_that_is_cut_off(web: Web) -> None:
    async def cut(_: Hostile, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        writer.close()

    async with hostile(cut) as it:
        assert "cannot be reached" in await trouble(web, it.url)


async def test_an_answer_that_drips_is_not_waited_for() -> None:
    async def drip(it: Hostile, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        await it.go_on.wait()

    web = Web(answer_seconds=0.05)
    async with hostile(drip) as it:
        assert await trouble(web, it.url) == "localhost does not answer"
    await web.close()


async def test_nobody_is_there(web: Web) -> None:
    async with hostile(b"") as it:
        url = it.url
    assert "cannot be reached" in await trouble(web, url)


@pytest.mark.parametrize(
    "url",
    ["http://id.example.org/", "ftp://localhost/", "localhost", "https://u:p@id.example.org/"],
)
async def test_places_that_are_not_safe(web: Web, url: str) -> None:
    assert await trouble(web, url)


async def test_over_tls_only_from_who_proves_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost")
    authority, trust = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(trust)
    for name, believed, says in (
        ("localhost", True, ""),
        ("else.example.org", True, "does not convince: Hostname mismatch"),
        ("localhost", False, "does not convince"),
    ):
        shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(shown)
        web = Web(trust if believed else None)
        async with hostile(ok(b"{}"), shown) as it:
            if says:
                assert says in await trouble(web, it.url)
                assert not it.heard
            else:
                assert (await web.get(it.url)).object() == {}
        await web.close()


async def test_ssl_cert_file_names_other_authorities(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NO_PROXY", "localhost")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(shown)
    web = Web()
    async with hostile(ok(b"{}"), shown) as it:
        assert (await web.get(it.url)).object() == {}
    await web.close()


async def test_no_proxy_is_asked_the_way_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    async with hostile(ok(b"{}")) as proxy, hostile(ok(b'{"is": "it"}')) as it:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        web = Web()
        assert (await web.get(it.url)).object() == {"is": "it"}
        assert not proxy.heard
        await web.close()


async def test_a_proxy_leads_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async with hostile(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n") as proxy:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://localhost:{proxy.port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "")
        web = Web()
        assert "cannot be reached" in await trouble(web, "https://id.example.org/")
        assert proxy.heard[0].startswith(b"CONNECT id.example.org:443")
        await web.close()


async def test_the_first_step_needs_no_task() -> None:
    """The server runs it where the bytes came in: see pillarbox.server.eager."""
    from pillarbox.resuming import rest_of  # noqa: PLC0415 -- here only

    web = Web()
    async with hostile(ok(b"{}")) as it:
        asking = web.get(it.url)
        left: list[object] = []
        done = asyncio.Event()

        def begin() -> None:
            try:
                left.append(asking.send(None))  # in a callback: no current task
            finally:
                done.set()

        asyncio.get_running_loop().call_soon(begin)
        await done.wait()
        assert (await asyncio.create_task(rest_of(asking, left[0]))).object() == {}
    await web.close()


async def test_who_has_given_root_away_need_not_read_the_libraries_any_more(
    tmp_path: Path,
) -> None:
    """Everything is imported by then. The worker's user may not be able to."""
    program = textwrap.dedent("""
        import asyncio, sys
        import uvloop
        from pillarbox.auth.oauth.checker import OAuthChecker
        from pillarbox.auth.oauth.web import Web
        web = Web()
        class Nothing:
            def find_spec(self, name, path=None, target=None):
                raise ModuleNotFoundError(name, name=name)
        sys.meta_path.insert(0, Nothing())
        async def main():
            for url in sys.argv[1:]:
                print((await web.get(url)).object())
            await web.close()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    """)
    authority, shown = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    authority.issue_cert("localhost").configure_cert(shown)
    environ = {**os.environ, "no_proxy": "localhost", "NO_PROXY": "localhost"}
    environ["SSL_CERT_FILE"] = str(tmp_path / "authority.pem")
    async with hostile(ok(b"{}")) as plain, hostile(ok(b"{}"), shown) as secured:
        run = [sys.executable, "-W", "error", "-c", program, plain.url, secured.url]
        done = await asyncio.to_thread(
            subprocess.run, run, capture_output=True, text=True, check=False, env=environ
        )
    assert done.stderr == ""
    assert done.stdout == "{}\n{}\n"
