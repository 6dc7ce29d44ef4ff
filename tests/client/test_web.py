"""Documents over HTTPS, from a real web server on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import ssl
from collections.abc import AsyncIterator, Callable

import pytest
import trustme

from pillarbox.client import web
from pillarbox.client.web import MAX_DOCUMENT, MOST_REDIRECTIONS, fetch_document
from tests.client.proxies import listening

AUTHORITY = trustme.CA()
LEAF = AUTHORITY.issue_cert("localhost")
Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


class Web:
    """A web server, and which paths it was asked for."""

    def __init__(self, *, tls: bool = True) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            LEAF.configure_cert(context)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.root = f"{scheme}://localhost:{self.server.server_address[1]}"

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        world = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                world.asked.append(self.path)
                with contextlib.suppress(OSError):  # the client has seen enough
                    world.answers.get(self.path, not_found)(self)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def not_found(request: http.server.BaseHTTPRequestHandler) -> None:
    request.send_error(404)


def page(body: bytes, length: int | None = None) -> Answer:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        if length is not None:
            request.send_header("Content-Length", str(length))
        request.end_headers()
        request.wfile.write(body)

    return answer


def redirect(to: str) -> Answer:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", to)
        request.end_headers()

    return answer


@contextlib.asynccontextmanager
async def running(site: Web) -> AsyncIterator[Web]:
    serve = asyncio.create_task(asyncio.to_thread(site.server.serve_forever, 0.01))
    try:
        yield site
    finally:
        await asyncio.to_thread(site.server.shutdown)
        await serve
        await asyncio.to_thread(site.server.server_close)


@pytest.fixture(autouse=True)
def _straight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def trust() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with running(Web()) as site:
        yield site


async def test_a_document(site: Web, trust: ssl.SSLContext) -> None:
    site.answers["/a?b=c@d"] = page(b"<clientConfig/>")
    assert await fetch_document(f"{site.root}/a?b=c@d", trust=trust) == b"<clientConfig/>"


async def test_nothing_there(site: Web, trust: ssl.SSLContext) -> None:
    assert await fetch_document(f"{site.root}/nothing", trust=trust) is None
    assert site.asked == ["/nothing"]


async def test_a_certificate_that_does_not_convince(site: Web, trust: ssl.SSLContext) -> None:
    site.answers["/"] = page(b"x")
    assert await fetch_document(f"{site.root}/") is None
    assert (
        await fetch_document(f"{site.root}/".replace("localhost", "127.0.0.1"), trust=trust) is None
    )
    assert site.asked == []


@pytest.mark.parametrize("more", [0, 1])
async def test_a_document_has_a_greatest_size(site: Web, trust: ssl.SSLContext, more: int) -> None:
    site.answers["/"] = page(b"x" * (MAX_DOCUMENT + more))
    document = await fetch_document(f"{site.root}/", trust=trust)
    assert document == (None if more else b"x" * MAX_DOCUMENT)


async def test_a_document_that_is_cut_off_is_none(site: Web, trust: ssl.SSLContext) -> None:
    site.answers["/"] = page(b"<clientConfig>", length=100)
    document = await fetch_document(f"{site.root}/", trust=trust)
    assert document in {None, b"<clientConfig>"}  # no XML, either way


async def test_a_redirection_over_https(site: Web, trust: ssl.SSLContext) -> None:
    site.answers["/old"] = redirect("/new")
    site.answers["/new"] = page(b"x")
    assert await fetch_document(f"{site.root}/old", trust=trust) == b"x"


async def test_a_redirection_to_cleartext_is_not_followed(site: Web, trust: ssl.SSLContext) -> None:
    async with running(Web(tls=False)) as cleartext:
        cleartext.answers["/"] = page(b"x")
        site.answers["/old"] = redirect(f"{cleartext.root}/")
        assert await fetch_document(f"{site.root}/old", trust=trust) is None
    assert cleartext.asked == []


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://localhost/x", "data:,x", "//"])
async def test_other_redirections_are_not_followed(
    site: Web, trust: ssl.SSLContext, target: str
) -> None:
    site.answers["/old"] = redirect(target)
    assert await fetch_document(f"{site.root}/old", trust=trust) is None


async def test_redirections_come_to_an_end(site: Web, trust: ssl.SSLContext) -> None:
    for number in range(9):
        site.answers[f"/{number}"] = redirect(f"/{number + 1}")
    assert await fetch_document(f"{site.root}/0", trust=trust) is None
    assert len(site.asked) <= MOST_REDIRECTIONS + 1


@pytest.mark.parametrize("url", ["http://localhost/", "file:///etc/hostname", "", "localhost"])
async def test_only_https_is_fetched(url: str, trust: ssl.SSLContext) -> None:
    assert await fetch_document(url, trust=trust) is None


async def test_what_does_not_answer_is_given_up(
    trust: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "PATIENCE", 0.05)

    async def say_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(say_nothing) as port:
        assert await fetch_document(f"https://localhost:{port}/", trust=trust) is None


async def test_a_document_that_drips_is_given_up(
    site: Web, trust: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter([0.0, web.PATIENCE - 1, web.PATIENCE + 1])
    monkeypatch.setattr(web, "monotonic", lambda: next(moments))

    def drip(request: http.server.BaseHTTPRequestHandler) -> None:
        page(b"")(request)
        while True:
            request.wfile.write(b"a")

    site.answers["/"] = drip
    assert await fetch_document(f"{site.root}/", trust=trust) is None
