"""What clients would say of the certificate, said to the operator first.

A server with an expired certificate starts: mail still comes in, and who needs to may look
at the old one. But nobody should hear of it from users, so it is a warning, as is a
certificate that soon expires, is not valid yet, or is for another name than
``server.hostname``. Whether the file can be used at all is found out by whoever loads it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography import x509

from pillarbox.app.config.faults import Fault
from pillarbox.app.config.settings import Config

SOON = timedelta(days=14)
# Of certificates that live for days only (they are renewed as often), the last third.
SOON_PART = 3
MOST_NAMES = 5


def certificate_warnings(config: Config, *, now: datetime | None = None) -> tuple[Fault, ...]:
    """What is doubtful about ``tls.certificate``, and those of ``tls.sni``, at *now* (with its
    time zone).

    Nothing about a file that is not there or is no certificate.
    """
    moment = now or datetime.now(UTC)
    shown = [Shown("tls.certificate", config.tls.certificate, (config.server.hostname,))]
    shown += [Shown("tls.sni", table.certificate, table.names) for table in config.tls.sni]
    place = str(config.file or "")
    return tuple(Fault(place, *one) for each in shown for one in _doubts(each, moment))


class Shown(NamedTuple):
    """A certificate, and where clients meet it."""

    setting: str
    file: Path | None
    names: tuple[str, ...]
    """The names for which clients get it."""


def _doubts(shown: Shown, now: datetime) -> Iterator[tuple[str, str, str]]:
    if shown.file is None:
        return
    try:
        certificate = _first(shown.file)
        names = _names(certificate)
    except (OSError, ValueError, x509.DuplicateExtension):
        return
    yield from _dates(shown, certificate, now)
    for name in shown.names:
        if not _is_for(name, names):
            yield _another_name(shown, name, names)


def names_of(file: Path) -> list[str]:
    """The names that the certificate in *file* is for; none when it cannot be read."""
    try:
        return _names(_first(file))
    except (OSError, ValueError, x509.DuplicateExtension):
        return []


def with_certificate_warnings(config: Config) -> Config:
    """*config* with these among its warnings."""
    found = certificate_warnings(config)
    return msgspec.structs.replace(config, warnings=(*config.warnings, *found))


def _first(file: Path) -> x509.Certificate:
    """The server's own certificate: the first; its chain and perhaps its key follow.

    Raises:
        OSError, ValueError: there is none.
    """
    return x509.load_pem_x509_certificates(file.read_bytes())[0]


def _names(certificate: x509.Certificate) -> list[str]:
    """The names it is for. (Clients no longer look at the common name: RFC 9525, section 2.)"""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    addresses = extension.value.get_values_for_type(x509.IPAddress)
    return [*extension.value.get_values_for_type(x509.DNSName), *map(str, addresses)]


def _dates(
    shown: Shown, certificate: x509.Certificate, now: datetime
) -> Iterator[tuple[str, str, str]]:
    file, setting = shown.file, shown.setting
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > end:
        problem = f"{file} expired on {_moment(end)}"
        yield setting, problem, "clients refuse it: renew it"
    elif now < begin:
        problem = f"{file} is not valid before {_moment(begin)}"
        yield setting, problem, "clients refuse it until then; is the clock right?"
    elif end - now < min(SOON, (end - begin) / SOON_PART):
        problem = f"{file} expires on {_moment(end)}"
        yield setting, problem, "renew it, then reload the server (SIGHUP)"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _is_for(hostname: str, names: list[str]) -> bool:
    wanted = hostname.lower().rstrip(".")
    _, _, parent = wanted.partition(".")
    accepted = {wanted} if _is_address(wanted) else {wanted, f"*.{parent}"}
    return any(name.lower().rstrip(".") in accepted for name in names)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _another_name(shown: Shown, wanted: str, names: list[str]) -> tuple[str, str, str]:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    found = ", ".join(names[:MOST_NAMES]) + more if names else "no name at all"
    problem = f'"{wanted}" is not a name of the certificate {shown.file} (it is for {found})'
    setting = "server.hostname" if shown.setting == "tls.certificate" else shown.setting
    return setting, problem, "clients that connect by this name refuse it"
