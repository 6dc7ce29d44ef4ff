"""One request to a provider: a form is posted, and JSON comes back (RFC 6749, section 3.2).

With the standard library, in a thread of its own. Redirections are not followed: nobody sends
a refresh token to where an answer points.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from pillarbox.fetch.oauth.errors import ProviderGarbage, ProviderUnreachable
from pillarbox.fetch.oauth.settings import refuse_unsafe

if TYPE_CHECKING:
    from http.client import HTTPConnection

CONNECT_SECONDS = 20.0
"""For each address of the provider; and for each wait on the network."""
ANSWER_SECONDS = 60.0
"""From the connection to the end of the answer, however it drips in."""
MAX_ANSWER = 256 * 1024
"""Octets. Tokens of Microsoft's have some thousands."""

_PORTS = {"https": 443, "http": 80}
_BUSY = 429
_SERVER_ERROR = 500


class Answer(NamedTuple):
    """What a provider said."""

    status: int
    """Of HTTP."""
    fields: dict[str, Any]
    """The JSON object."""

    def text(self, name: str) -> str:
        """The field *name* if it is a string, or nothing."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    def seconds(self, name: str, default: float, most: float) -> float:
        """The field *name* as a number of seconds from 0 to *most*.

        Some write it as a string; what is no number at all is *default*.
        """
        value = self.fields.get(name, default)
        try:
            seconds = default if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            seconds = default
        return min(seconds, most) if seconds > 0 else 0.0


async def post_form(
    url: str, form: Mapping[str, str], *, answer_seconds: float = ANSWER_SECONDS
) -> Answer:
    """Post *form* to *url*.

    Raises:
        InvalidOAuthSettings: *url* is not safe.
        ProviderUnreachable: there is no answer, or it says that the provider cannot answer now.
        ProviderGarbage: the answer is not a JSON object, or is endless.
    """
    refuse_unsafe(url)
    status, body = await asyncio.to_thread(_post, url, urlencode(form).encode(), answer_seconds)
    if status == _BUSY or status >= _SERVER_ERROR:
        raise ProviderUnreachable(
            f"{urlsplit(url).hostname} cannot answer now (HTTP status {status}): try again later"
        )
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise ProviderGarbage(
            f"{url} does not answer as an OAuth 2 provider does (HTTP status {status}): "
            "check the URL in the account's oauth2 settings"
        )
    return Answer(status, fields)


def _post(url: str, body: bytes, answer_seconds: float) -> tuple[int, bytes]:
    import http.client  # noqa: PLC0415 -- slow to import, and needed by OAuth 2 accounts only

    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        plain = socket.create_connection(
            (host, parts.port or _PORTS[parts.scheme]), CONNECT_SECONDS
        )
        with _bounded(plain, answer_seconds), plain:
            connection = _connection(parts.scheme, host, parts.port, plain)
            try:
                return _exchange(connection, f"{parts.path or '/'}{_query(parts.query)}", body)
            finally:
                connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise ProviderUnreachable(_why(host, error)) from error


def _query(query: str) -> str:
    return f"?{query}" if query else ""


def _connection(scheme: str, host: str, port: int | None, plain: socket.socket) -> HTTPConnection:
    """HTTP on the socket *plain*, with TLS if the scheme says so.

    Raises:
        OSError: TLS fails.
    """
    import http.client  # noqa: PLC0415 -- as above

    if scheme == "http":
        connection = http.client.HTTPConnection(host, port)
        connection.sock = plain
        return connection
    context = ssl.create_default_context()
    secured = http.client.HTTPSConnection(host, port, context=context)
    secured.sock = context.wrap_socket(plain, server_hostname=host)
    return secured


def _exchange(connection: HTTPConnection, target: str, body: bytes) -> tuple[int, bytes]:
    """Post, and read the answer.

    Raises:
        OSError, http.client.HTTPException: the connection fails, or ends too early.
        ProviderGarbage: the answer is too long.
    """
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
        "Connection": "close",
    }
    connection.request("POST", target, body, headers)
    answer = connection.getresponse()
    content = answer.read(MAX_ANSWER + 1)
    if len(content) > MAX_ANSWER:
        raise ProviderGarbage(f"{connection.host} answers with more than {MAX_ANSWER} octets")
    if answer.length:  # octets that were announced and did not come
        raise ConnectionResetError("the answer was cut off")
    return answer.status, content


@contextlib.contextmanager
def _bounded(plain: socket.socket, seconds: float) -> Iterator[None]:
    """Cut the connection when the time is up: time-outs of sockets begin anew with each octet.

    Raises:
        TimeoutError: the time was up.
    """
    line = plain.dup()  # TLS takes the socket over, and may close it before the time is up
    cut = threading.Event()

    def up() -> None:
        cut.set()
        with contextlib.suppress(OSError):  # it was over in that moment
            line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, up)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as error:
        if cut.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()
        timer.join()
        line.close()


def _why(host: str, error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {host} does not convince ({error.verify_message}); "
            "nothing was sent there"
        )
    if isinstance(error, TimeoutError):
        return f"{host} does not answer: try again later"
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"{host} cannot be reached ({reason}): try again later"
