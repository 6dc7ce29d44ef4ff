"""One request to a provider, and every way in which the answer is none."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import trustme

from pillarbox.fetch.oauth.errors import InvalidOAuthSettings, ProviderGarbage, ProviderUnreachable
from pillarbox.fetch.oauth.web import MAX_ANSWER, post_form
from tests.fetch.oauth.authority import Authority


def raw(status: str, body: bytes, *headers: str) -> bytes:
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *headers))
    return head.encode() + b"\r\n" + body


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port whose first connection is served by *serve*."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def work() -> None:
            connection, _ = server.accept()
            with connection:
                serve(connection)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            thread.join()


async def test_a_form_goes_out_and_json_comes_back(authority: Authority) -> None:
    authority.instead = [(200, {"some": "thing"})]
    answer = await post_form(f"{authority.url}/token?api=2", {"a": "b&c=d é", "empty": ""})
    assert answer == (200, {"some": "thing"})
    assert authority.heard == [("/token?api=2", {"a": "b&c=d é", "empty": ""})]


@pytest.mark.parametrize(
    "answer",
    [
        raw("200 OK", b""),
        raw("200 OK", b"<!doctype html><p>Sign in to the hotel's network"),
        raw("200 OK", b"[]"),
        raw("200 OK", b"null"),
        raw("200 OK", b"{"),
        raw("200 OK", b"\xff\xfe{}"),
        raw("200 OK", b"[" * 100_000),
        raw("200 OK", b" " * (MAX_ANSWER + 1)),
        raw("200 OK", b'{"a": "' + b"a" * MAX_ANSWER + b'"}'),
        raw("302 Found", b"", "Location: https://elsewhere.example/"),
        raw("404 Not Found", b"nothing here", "Content-Length: 12"),
    ],
)
async def test_garbage(authority: Authority, answer: bytes) -> None:
    authority.raw = [answer]
    with pytest.raises(ProviderGarbage) as caught:
        await post_form(authority.url, {"refresh_token": "secret"})
    assert "secret" not in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(authority.heard) == 1, "nothing is sent twice, or elsewhere"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"+OK this is POP3\r\n",
        b"HTTP/1.1 200\r\nA: " + b"a" * 70_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n{}",
        raw("200 OK", b'{"a":', "Content-Length: 100"),
        raw("200 OK", b'40\r\n{"a":', "Transfer-Encoding: chunked"),
        raw("200 OK", b"zz\r\n{}", "Transfer-Encoding: chunked"),
        raw("500 Internal Server Error", b'{"error": "x"}'),
        raw("503 Service Unavailable", b"<p>later"),
        raw("429 Too Many Requests", b"{}"),
    ],
)
async def test_no_answer_or_not_now(authority: Authority, answer: bytes) -> None:
    authority.raw = [answer]
    with pytest.raises(ProviderUnreachable) as caught:
        await post_form(authority.url, {"refresh_token": "secret"})
    assert "secret" not in str(caught.value)
    assert str(caught.value).isprintable()


async def test_an_answer_that_drips_in_is_cut_off() -> None:
    """Each octet comes in time; all of them would take for ever."""

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        connection.settimeout(0.001)
        while True:
            try:
                connection.sendall(b" ")
                if not connection.recv(4096):
                    return
            except TimeoutError:
                continue
            except OSError:
                return

    with (
        listening(drip) as port,
        pytest.raises(ProviderUnreachable, match="does not answer"),
    ):
        await post_form(f"http://127.0.0.1:{port}/", {}, answer_seconds=0.05)


async def test_silence_is_cut_off() -> None:
    def only_listen(connection: socket.socket) -> None:
        while connection.recv(4096):
            pass

    with (
        listening(only_listen) as port,
        pytest.raises(ProviderUnreachable, match="does not answer"),
    ):
        await post_form(f"http://127.0.0.1:{port}/", {}, answer_seconds=0.01)


async def test_nothing_is_sent_without_tls(authority: Authority) -> None:
    port = authority.url.rpartition(":")[2]
    with pytest.raises(InvalidOAuthSettings, match="without TLS"):
        await post_form(f"http://host.example:{port}/", {"refresh_token": "secret"})
    with pytest.raises(ProviderUnreachable):  # TLS is not what it speaks
        await post_form(f"https://127.0.0.1:{port}/", {"refresh_token": "secret"})
    assert authority.heard == []


@pytest.mark.parametrize("trusted", [True, False])
async def test_certificates_are_verified(
    trusted: bool, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    bundle = tmp_path_factory.mktemp("ca") / "ca.pem"
    (authority if trusted else trustme.CA()).cert_pem.write_to_path(bundle)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))  # as OpenSSL lets every program be told
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    heard = bytearray()

    def serve(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                while b"secret" not in heard and (more := secured.recv(4096)):
                    heard.extend(more)
                secured.sendall(raw("200 OK", b"{}", "Content-Length: 2"))
        except OSError:
            pass  # the client does not like our certificate

    with listening(serve) as port:
        url = f"https://127.0.0.1:{port}/token"
        if trusted:
            assert await post_form(url, {"refresh_token": "secret"}) == (200, {})
        else:
            with pytest.raises(ProviderUnreachable, match=r"certificate .* does not convince"):
                await post_form(url, {"refresh_token": "secret"})
    assert (b"secret" in heard) is trusted
