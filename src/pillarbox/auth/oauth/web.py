"""Requests to an issuer: bounded in time and size, over TLS, and without redirections.

httpx does the work, and asks the environment for a proxy. What it imports late is imported here
at once: a worker that has given root away may not be able to read it.
"""

from __future__ import annotations

import asyncio
import encodings.idna  # noqa: F401 -- needed to connect; see above
import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import anyio._backends._asyncio  # noqa: F401 -- see above
import httpcore._backends.anyio  # noqa: F401 -- see above
import httpx

from pillarbox.contracts.errors import AuthUnavailable
from pillarbox.safe_url import UnsafeUrl, check_safe

ANSWER_SECONDS = 10.0
"""From the first octet out to the last one in, however it drips. A client that signs in waits for
this, and gives up after a minute."""
MAX_ANSWER = 256 * 1024
"""Octets. Key sets of the large providers have some 20,000."""
MAX_CONNECTIONS = 16
"""To the issuer, at once."""
KEEP_SECONDS = 30.0
"""For which a connection waits for the next request."""

_OK = 200
_BUSY = 429
_SERVER_ERROR = 500
_BROKEN = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
"""So ends a request on a connection that the other side has just given up."""


class Answer:
    """What came back."""

    __slots__ = ("_body", "status", "url")

    def __init__(self, url: str, status: int, body: bytes) -> None:
        self.url = url
        self.status = status
        self._body = body

    def body(self) -> bytes:
        """The body of an answer that says that all is well.

        Raises:
            AuthUnavailable: it says something else.
        """
        if self.status == _OK:
            return self._body
        later = " now" if self.status == _BUSY or self.status >= _SERVER_ERROR else ""
        raise AuthUnavailable(f"{self.url} does not answer{later} (HTTP status {self.status})")

    def object(self) -> dict[str, Any]:
        """Its JSON object.

        Raises:
            AuthUnavailable: there is none.
        """
        try:
            found = json.loads(self.body())
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise AuthUnavailable(f"{self.url} does not answer with a JSON object")
        return found


class Web:
    """Connections to an issuer, opened when they are needed, in the process that needs them.

    Args:
        trust: the authorities that certificates are believed of; None: the system's.
        answer_seconds: how long an answer may take.
    """

    def __init__(
        self, trust: ssl.SSLContext | None = None, *, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._trust = ssl.create_default_context() if trust is None else trust
        self._answer_seconds = answer_seconds
        self._clients: dict[bool, httpx.AsyncClient] = {}

    async def get(self, url: str) -> Answer:
        """Ask for *url*.

        Raises:
            AuthUnavailable: there is no answer, or too long a one; the text names the host.
        """
        return await self._request("GET", url)

    async def post(self, url: str, form: Mapping[str, str], authorization: str) -> Answer:
        """Post *form*, with the header *authorization*.

        What is asked changes nothing there, so it is asked again on a connection that breaks.

        Raises:
            AuthUnavailable: as of :meth:`get`.
        """
        return await self._request(
            "POST", url, data=dict(form), headers={"Authorization": authorization}
        )

    async def close(self) -> None:
        """Close the connections."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()

    async def _request(self, method: str, url: str, **rest: Any) -> Answer:
        host = urlsplit(url).hostname
        try:
            check_safe(url, "keys and tokens")
            await asyncio.sleep(0)  # the first step may be outside of any task
            async with asyncio.timeout(self._answer_seconds):
                return await self._twice(method, url, **rest)
        except UnsafeUrl as unsafe:
            raise AuthUnavailable(str(unsafe)) from None
        except TimeoutError:
            raise AuthUnavailable(f"{host} does not answer") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            # Not "from error": that holds the request, with the token in it.
            raise AuthUnavailable(f"{host} cannot be reached ({_why(error)})") from None

    async def _twice(self, method: str, url: str, **rest: Any) -> Answer:
        try:
            return await self._once(method, url, **rest)
        except _BROKEN:
            return await self._once(method, url, **rest)

    async def _once(self, method: str, url: str, **rest: Any) -> Answer:
        async with self._client(url).stream(method, url, **rest) as answer:
            body = bytearray()
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > MAX_ANSWER:
                    raise AuthUnavailable(f"{url} answers with more than {MAX_ANSWER} octets")
            return Answer(url, answer.status_code, bytes(body))

    def _client(self, url: str) -> httpx.AsyncClient:
        """No proxy is asked to lead from this machine to this machine."""
        far = urlsplit(url).scheme == "https"
        if far not in self._clients:
            self._clients[far] = httpx.AsyncClient(
                verify=self._trust,
                trust_env=far,
                follow_redirects=False,
                timeout=None,  # noqa: S113 -- there is one for the whole, see above
                limits=httpx.Limits(
                    max_connections=MAX_CONNECTIONS,
                    max_keepalive_connections=MAX_CONNECTIONS,
                    keepalive_expiry=KEEP_SECONDS,
                ),
                # Packed answers could be far larger than they look.
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            )
        return self._clients[far]


def _why(error: Exception) -> str:
    """In short, and without any of what was sent."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate does not convince: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__
