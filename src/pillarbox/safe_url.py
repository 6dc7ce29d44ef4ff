"""Which URLs secrets may be sent to: https, or this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


class UnsafeUrl(ValueError):
    """The text says what is wrong with the URL, which it quotes."""


def check_safe(url: str, what: str) -> None:
    """See to it that what is sent to *url* nobody else reads.

    Args:
        url: as somebody wrote it.
        what: would be sent there, or would come from there.

    Raises:
        UnsafeUrl: it is not https (plain http is good for this machine only), or no URL.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise UnsafeUrl(f"{url!a} is no URL") from None
    if not host or not url.isprintable() or " " in url or parts.username is not None:
        raise UnsafeUrl(f"{url!a} is no URL of an OAuth 2 provider")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_this_machine(host)):
        raise UnsafeUrl(f'"{url}" would send {what} without TLS: it has to be https')


def _is_this_machine(host: str) -> bool:
    """Whether *host* is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
