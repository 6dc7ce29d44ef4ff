"""The URL of a database: what is wrong with it, its hosts, and its name.

A password that is not percent-encoded moves to where no password is looked for (``/`` makes it the
path's, ``#`` the fragment's). So whatever is not as it has to be is repeated nowhere.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

NOT_UNDERSTOOD = "(a URL that cannot be understood)"
SCHEMES = frozenset({"postgresql", "postgres"})
OF_LIBPQ = frozenset(
    {
        "channel_binding",
        "connect_timeout",
        "fallback_application_name",
        "gssdelegation",
        "gssencmode",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "load_balance_hosts",
        "max_protocol_version",
        "min_protocol_version",
        "replication",
        "require_auth",
        "requirepeer",
        "requiressl",
        "tcp_user_timeout",
    }
)
"""Options that libpq knows, and the library here does not: the server would be asked for them, and refuse."""
_KNOWN_SSL = frozenset(
    {
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslnegotiation",
        "sslpassword",
        "sslrootcert",
    }
)
"""Whatever else begins so is a mistake that would go out without TLS."""
_PORTS = range(1, 65536)


class Host(NamedTuple):
    """One of those that a URL names."""

    name: str
    """An address, a name, or the folder of a socket."""
    port: int | None = None
    """None: the usual one."""

    def __str__(self) -> str:
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port is None else f"{name}:{self.port}"


def fault_of(url: str) -> str | None:
    """What is wrong with *url*, as the end of a sentence, without anything of it; None: nothing that can
    be seen from here.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES:
            return "is not the URL of a database"
        options = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
        bare = bool(parts.netloc) and "@" not in parts.netloc and "@" in parts.query
        if parts.fragment or "@" in parts.path or parts.netloc.count("@") > 1 or bare:
            return "holds a character that has to be percent-encoded (/ is %2F, @ is %40, # is %23, ? is %3F)"
        if not all(host.port is None or host.port in _PORTS for host in _hosts(parts)):
            return "has a port that is not a number from 1 to 65535"
    except ValueError:
        return (
            "cannot be understood; what is no letter and no digit in a password has to be percent-encoded "
            "(/ is %2F), and a port is a number"
        )
    for key in options:
        if key in OF_LIBPQ or (key.startswith("ssl") and key not in _KNOWN_SSL):
            return f'has the option "{key}", which is not known here'
    return None


def hosts_of(url: str) -> tuple[Host, ...]:
    """Those that *url* names, in its order; none: what the environment says, or this machine.

    Raises:
        ValueError: see :func:`fault_of`.
    """
    return _hosts(urlsplit(url))


def name_of(url: str) -> str:
    """What to call the database at *url*, without its password: ``host:5432/name``."""
    if fault_of(url) is not None:
        return NOT_UNDERSTOOD
    parts = urlsplit(url)
    place = ",".join(map(str, _hosts(parts))) or "localhost"
    return f"{place}{parts.path}"


def _hosts(parts: SplitResult) -> tuple[Host, ...]:
    options = parse_qs(parts.query)
    places = parts.netloc.rpartition("@")[2] or options.get("host", [""])[-1]
    if not places:
        return ()
    hosts = [_host(place) for place in places.split(",")]
    ports = [int(port) for port in options.get("port", [""])[-1].split(",") if port]
    if ports:  # these count, as the library has it
        if len(ports) == 1:
            ports *= len(hosts)
        hosts = [Host(host.name, port) for host, port in zip(hosts, ports, strict=True)]
    return tuple(hosts)


def _host(place: str) -> Host:
    place = unquote(place)
    if not place:
        raise ValueError("a host without a name")
    if place.startswith("/"):
        return Host(place)
    if place.startswith("["):
        name, _, port = place[1:].partition("]")
        port = port.removeprefix(":")
    else:
        name, _, port = place.partition(":")
    return Host(name, int(port) if port else None)
