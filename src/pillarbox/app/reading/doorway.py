"""Where the page is on the network, and who may come in there.

On loopback, who can write to the library's folder comes in. Beyond it, mail and password would pass by strangers: so TLS and a
password are demanded there, and nothing less is offered.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pillarbox.app.config.addresses import TcpAddress
from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.config.reader import Reader
from pillarbox.app.exits import CommandFailed, ExitCode
from pillarbox.app.reading.page_folder import PageFolder
from pillarbox.reader.web.door import Door
from pillarbox.reader.web.password import Password

_BACKLOG = 128
_LOCALHOST = "localhost"


class Doorway(NamedTuple):
    """A door, and the sockets that it is made of."""

    door: Door
    sockets: list[socket.socket]
    name: str
    """The one of its names by which a browser of this machine is sent there."""

    @property
    def address(self) -> str:
        return self.door.url(self.name)

    def entrance(self) -> str:
        """A URL that lets in once."""
        return entrance_url(self.address, self.door.entrances.make())


def entrance_url(address: str, token: str) -> str:
    return f"{address}/enter?token={token}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to *host*, an IP address or a name."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host.lower() == _LOCALHOST


def check(settings: Reader) -> None:
    """Whether the page may stand there.

    Raises:
        CommandFailed: it could be read by strangers.
        ConfigError: the certificate does not work.
    """
    address = _tcp(settings)
    if settings.certificate is None:
        if settings.key is not None:
            raise CommandFailed("--key without --certificate says nothing", ExitCode.USAGE)
        if not is_loopback(address.host):
            raise CommandFailed(
                f"{address} can be reached from other machines, and without TLS everybody on the way could read "
                "your mail: give --certificate and --key, or stay on 127.0.0.1 and come by SSH "
                "(ssh -L, see docs/howto/reader.md)",
                ExitCode.INSECURE,
            )
        return
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings.certificate, settings.key)
        _names_of(settings.certificate)
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        problem = f"cannot be used: {words}"
        hint = "it has to be a PEM file: the certificate, its chain, and the key (or that in --key)"
        raise ConfigError(
            [Fault(str(settings.certificate), "reader.certificate", problem, hint)]
        ) from None


def needs_password(settings: Reader) -> bool:
    return not is_loopback(_tcp(settings).host)


def open_door(settings: Reader, folder: PageFolder, password: Password | None) -> Doorway:
    """Bind, after :func:`check`.

    Raises:
        CommandFailed: the address cannot be had.
    """
    address = _tcp(settings)
    names = _names(settings)
    listening = _bind(address, folder.port)
    real, port, *_ = listening.getsockname()
    if is_loopback(address.host):
        names.append(_in_url(real))
    if not address.port:
        folder.keep_port(port)
    door = Door(
        names=frozenset(names),
        port=port,
        entrances=folder.entrances,
        csrf=folder.csrf,
        password=password,
        secure=settings.certificate is not None,
    )
    return Doorway(door, [listening], next(name for name in names if not name.startswith("*")))


def _tcp(settings: Reader) -> TcpAddress:
    assert isinstance(settings.listen, TcpAddress)  # noqa: S101 -- load_reader gives nothing else
    return settings.listen


def _bind(address: TcpAddress, last: int) -> socket.socket:
    """Of an address with port 0: the *last* one, if it is free."""
    if not address.port and last:
        with suppress(CommandFailed):
            return _bind(TcpAddress(address.host, last), 0)
    try:
        (family, *_, place), *_ = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        both = address.host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(place[:2], family=family, backlog=_BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        raise CommandFailed(
            f"the page cannot be at {address}: {error.strerror or error}; name another port with --port, or 0 for "
            "any that is free",
            ExitCode.USAGE,
        ) from None


def _names(settings: Reader) -> list[str]:
    """As in URLs; the first one that is no pattern is shown.

    Raises:
        CommandFailed: there is none.
    """
    host: str = _tcp(settings).host.lower()
    names = [name.lower() for name in settings.names]
    if settings.certificate is not None:
        names += _names_of(settings.certificate)
    if host not in {"0.0.0.0", "::"}:  # noqa: S104 -- compared, not bound
        names.append(_in_url(host))
    if is_loopback(host):
        names.append(_LOCALHOST)
    if all(name.startswith("*") for name in names):
        raise CommandFailed(
            "the page has no name that a browser could call it by: say it with "
            "--set reader.names=mail.example.org",
            ExitCode.USAGE,
        )
    return names


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _names_of(certificate: Path) -> list[str]:
    """Those in the certificate itself, the first in the file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is none.
    """
    from cryptography import x509  # noqa: PLC0415 -- pages on loopback have no certificate

    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    try:
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    names = [name.lower() for name in alternatives.get_values_for_type(x509.DNSName)]
    addresses = alternatives.get_values_for_type(x509.IPAddress)
    return names + [_in_url(str(each)) for each in addresses]
