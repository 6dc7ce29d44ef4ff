"""The end of a sign-in in a browser: its redirection to this machine (RFC 8252, section 7.3).

A port of the loopback interface is open for as long as a person takes to sign in. Any program
and any web page can knock there, so what does not bring the *state* of this very sign-in (RFC
6749, section 10.12) is shown out, and changes nothing. The first that does is the last that
is heard.
"""

from __future__ import annotations

import asyncio
import hmac
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from pillarbox.fetch.oauth.errors import SignInFailed, quoted

MAX_REQUEST = 32 * 1024
"""Octets of a request's head: browsers send cookies that belong to other ports, too."""
REQUEST_SECONDS = 10.0
"""For a browser on this machine to say what it wants; some open connections in advance."""
MAX_CONNECTIONS = 32
"""At a time. A browser opens two or three."""

_PAGE = """HTTP/1.1 {status}\r
Content-Type: text/html; charset=utf-8\r
Content-Security-Policy: default-src 'none'\r
Cache-Control: no-store\r
Referrer-Policy: no-referrer\r
Connection: close\r
\r
<!doctype html><html lang="en"><title>Pillarbox</title><h1>{title}</h1><p>{text}</p></html>
"""


class Redirect:
    """The open port. Use as an asynchronous context manager."""

    def __init__(self, state: str) -> None:
        self._state = state
        self._fields: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Raises OSError if no port can be opened."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=MAX_REQUEST)
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """Where the browser is to come; an address and no name (RFC 8252, section 8.3)."""
        if self._server is None:
            raise RuntimeError("the port is not open")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    async def code(self) -> str:
        """The authorization code that the browser brings.

        Raises:
            SignInFailed: it brings an error.
        """
        fields = await self._fields
        if "code" in fields:
            return fields["code"]
        if fields["error"] == "access_denied":
            raise SignInFailed("the sign-in was denied: begin again")
        said = fields.get("error_description") or fields["error"]
        raise SignInFailed(f"the provider did not let you sign in: it says {quoted(said)}")

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        task = asyncio.ensure_future(self._answer(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._page(head))
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass  # (a time-out is an OSError) whatever it was, it was not the browser's return
        finally:
            writer.close()

    def _page(self, head: bytes) -> bytes:
        """Hear the request, and answer it."""
        fields = _fields_of(head)
        brought = fields.get("state", "").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(brought, self._state.encode()):
            return _page("404 Not Found", "Nothing here", "This page belongs to a sign-in.")
        if ("code" in fields) == ("error" in fields):
            return _page("400 Bad Request", "Not signed in", "The answer was not understood.")
        if self._fields.done():
            return _page("400 Bad Request", "Too late", "This sign-in has ended.")
        self._fields.set_result(fields)
        if "code" in fields:
            return _page(
                "200 OK", "Almost done", "You can close this page and go back to Pillarbox."
            )
        return _page("200 OK", "Not signed in", "Pillarbox says why. You can close this page.")


def _fields_of(head: bytes) -> dict[str, str]:
    """The query of ``GET /?…``; each field once. Empty if it is another request."""
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != 3 or words[0] != "GET":  # noqa: PLR2004 -- method, target, version
        return {}
    try:
        target = urlsplit(words[1])
        fields = parse_qs(target.query, max_num_fields=50)
    except ValueError:
        return {}
    if target.path != "/" or any(len(values) != 1 for values in fields.values()):
        return {}  # "parameters MUST NOT be included more than once" (RFC 6749, section 3.1)
    return {name: values[0] for name, values in fields.items()}


def _page(status: str, title: str, text: str) -> bytes:
    return _PAGE.format(status=status, title=title, text=text).encode()
