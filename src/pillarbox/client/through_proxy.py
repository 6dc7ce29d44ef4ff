"""Proxies: their URLs, and a connection through one.

``socks5://[USER:PASSWORD@]HOST:PORT`` and ``socks5h://…`` are the same here: the proxy looks up
the server's name, so that nothing is asked of the DNS here (what Tor users rely on).
``http://…`` is a proxy that knows CONNECT.

The credentials for a proxy are part of its URL, as programs have it everywhere. No error tells
them, nor does ``repr``.
"""

from __future__ import annotations

import asyncio
import socket
from typing import NamedTuple

from pillarbox.client import http_connect
from pillarbox.client.dialing import dial
from pillarbox.client.errors import InvalidSetting, InvalidUrl, Unreachable, quoted
from pillarbox.client.hosts import authority
from pillarbox.client.url import HIDDEN, decoded_name, split

EXAMPLES = "socks5://127.0.0.1:1080 or http://proxy.example.org:3128"

_SOCKS = {"socks5", "socks5h"}
_SCHEMES = {*_SOCKS, "http"}

MAX_SOCKS_CREDENTIAL = 255
"""Octets of a user name or password (RFC 1929, section 2)."""


class Proxy(NamedTuple):
    """A proxy, and what it asks for."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""

    @classmethod
    def parse(cls, url: str) -> Proxy:
        """Understand *url*.

        Raises:
            InvalidUrl: it is none; its text does not tell the URL, which may hold a password.
        """
        try:
            return _parse(url)
        except ValueError as error:
            raise InvalidUrl(
                f"the URL of the proxy {error}; a right one looks like {EXAMPLES}"
            ) from None

    @property
    def place(self) -> str:
        """Host and port, for sentences."""
        return authority(self.host, self.port)

    def __repr__(self) -> str:
        who = f"{HIDDEN}@" if self.user else ""
        return f"Proxy({self.scheme}://{who}{self.place})"


def _parse(text: str) -> Proxy:
    url = split(text)
    if url.scheme not in _SCHEMES:
        raise ValueError("has a scheme that is neither socks5, socks5h nor http")
    if url.port is None:
        raise ValueError("has no port")
    name, _, password = url.user.partition(":")
    proxy = Proxy(url.scheme, url.host, url.port, decoded_name(name), decoded_name(password))
    if proxy.user and proxy.scheme in _SOCKS:
        _check_socks(proxy)
    return proxy


def _check_socks(proxy: Proxy) -> None:
    for value in (proxy.user, proxy.password):
        if not value.isascii() or not 1 <= len(value) <= MAX_SOCKS_CREDENTIAL:
            raise ValueError(
                f"has a user name or password that is not 1 to {MAX_SOCKS_CREDENTIAL} ASCII "
                "characters, which SOCKS5 demands"
            )


async def through(
    proxy: Proxy,
    host: str,
    port: int,
    timeout: float,  # noqa: ASYNC109 -- or the library for SOCKS would use one of its own
    loop: asyncio.AbstractEventLoop,
) -> socket.socket:
    """A connected, non-blocking socket to *host* and *port*, by way of *proxy*.

    Raises:
        InvalidSetting: a SOCKS proxy is asked for, and ``python-socks`` is not installed.
        TimeoutError: it took longer than *timeout* seconds.
        Unreachable: it did not come about.
    """
    if proxy.scheme in _SOCKS:
        return await _through_socks(proxy, host, port, timeout, loop)
    return await _through_http(proxy, host, port, loop)


async def _through_socks(
    proxy: Proxy,
    host: str,
    port: int,
    timeout: float,  # noqa: ASYNC109 -- the same
    loop: asyncio.AbstractEventLoop,
) -> socket.socket:
    try:
        from python_socks import ProxyError, ProxyType  # noqa: PLC0415 -- an optional extra
        from python_socks.async_.asyncio import Proxy as Socks  # noqa: PLC0415 -- the same
    except ImportError:
        raise InvalidSetting(
            'a SOCKS proxy needs the library python-socks: pip install "pillarbox[proxy]"'
        ) from None
    socks = Socks(
        ProxyType.SOCKS5,
        proxy.host,
        proxy.port,
        proxy.user,
        proxy.password,
        rdns=True,
        loop=loop,
    )
    try:
        return await socks.connect(host, port, timeout=timeout)
    except TimeoutError:
        raise
    except (ProxyError, OSError, ValueError) as error:  # ValueError: a reply that is none
        raise Unreachable(
            f"cannot reach {authority(host, port)} through the proxy {proxy.place}: "
            f"{quoted(str(error))}; check the proxy, its user name and its password"
        ) from None


async def _through_http(
    proxy: Proxy, host: str, port: int, loop: asyncio.AbstractEventLoop
) -> socket.socket:
    connection = await dial(proxy.host, proxy.port, loop, role="the proxy")
    try:
        await http_connect.tunnel(connection, host, port, (proxy.user, proxy.password), loop)
    except (OSError, ValueError) as error:
        connection.close()
        raise Unreachable(
            f"cannot reach {authority(host, port)} through the proxy {proxy.place}: {error}"
        ) from None
    except BaseException:
        connection.close()
        raise
    return connection
