"""Listen addresses: ``HOST:PORT``, ``[::1]:PORT`` and ``unix:/PATH``.

Parsing is strict, because an address that is read differently from how it was meant opens
a door that nobody watches: an IPv6 address needs its brackets, a port is always written
(0 lets the system choose), and "all interfaces" is said in full (``[::]:995``).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

MAX_PORT = 65535
# sun_path holds 108 bytes with the closing NUL on Linux, 104 on the BSDs and macOS.
MAX_SOCKET_PATH = 103
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")


class Address:
    """Where a listener stands: a :class:`TcpAddress` or a :class:`UnixAddress`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class TcpAddress(Address):
    """A TCP socket; ``host`` is an IP address (no brackets) or a name to look up."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixAddress(Address):
    """A socket in the file system."""

    path: Path

    def __str__(self) -> str:
        return f"unix:{self.path}"


def parse_address(text: str, *, base: Path | None = None) -> Address:
    """The address that *text* says; a relative socket path is taken from *base*.

    Raises:
        ValueError: it is none; the message says what is wrong and how to write it.
    """
    if text.startswith("unix:"):
        return _unix(text, base or Path.cwd())
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError(f'"{text}" is not an address; write "HOST:PORT" or "unix:/PATH"')
    if host.startswith("[") and host.endswith("]"):
        return TcpAddress(_ipv6(host[1:-1], text), _port(port, text))
    if ":" in host:
        raise ValueError(
            f'"{text}" is not an address; an IPv6 address goes in brackets: "[::1]:995"'
        )
    if host in {"", "*"}:
        raise ValueError(f'"{text}" names no host; all interfaces are "[::]:{port}"')
    return TcpAddress(_host(host, text), _port(port, text))


def _unix(text: str, base: Path) -> UnixAddress:
    name = text.removeprefix("unix:")
    if not name or "\0" in name or name.startswith("@"):
        raise ValueError(f'"{text}" names no socket file; write "unix:/PATH"')
    path = base / home_expanded(name)
    if len(bytes(path)) > MAX_SOCKET_PATH:
        raise ValueError(f'"{path}" is too long for a socket; at most {MAX_SOCKET_PATH} bytes')
    return UnixAddress(path)


def _port(digits: str, text: str) -> int:
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(MAX_PORT))):
        raise ValueError(
            f'"{text}" has no port number; write "HOST:PORT", with a PORT up to {MAX_PORT}'
        )
    if int(digits) > MAX_PORT:
        raise ValueError(f'"{text}": there is no port {digits}; the largest is {MAX_PORT}')
    return int(digits)


def _ipv6(host: str, text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(host))
    except ValueError:
        raise ValueError(f'"{text}": "{host}" is not an IPv6 address') from None


def _host(host: str, text: str) -> str:
    if re.fullmatch(r"[0-9.]+", host):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise ValueError(f'"{text}": "{host}" is not an IPv4 address') from None
    if not is_hostname(host):
        raise ValueError(f'"{text}": "{host}" is not a host name')
    return host


def home_expanded(name: str) -> Path:
    """The path *name*, with ``~`` as the home folder.

    Raises:
        ValueError: ``~user`` names nobody.
    """
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise ValueError(f'"{name}" names no home folder; write the path in full') from None


def is_hostname(name: str) -> bool:
    """Whether *name* could be a host: dot-separated letters, digits and hyphens."""
    return len(name) <= 253 and all(_LABEL.fullmatch(label) for label in name.split("."))  # noqa: PLR2004 - RFC 1035, section 2.3.4
