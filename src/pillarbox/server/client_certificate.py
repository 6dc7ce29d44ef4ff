"""Certificates that clients show: who is accepted, and which names in them are users'.

TLS verifies them, or the handshake fails; what is read here has been verified.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["email", "common-name"]
"""``email``: the rfc822Names of subjectAltName (RFC 5280, section 4.2.1.6); ``common-name``: the
subject's."""

MAX_IDENTITIES = 16
"""Names taken from one certificate; people have a few addresses."""


@dataclass(frozen=True, slots=True)
class ClientCertificates:
    """What is asked of clients."""

    authorities: Path
    """PEM file of those whose certificates are accepted."""
    required: bool
    """Whether who shows none is refused. Who shows a wrong one always is."""
    revoked: Path | None = None
    """PEM file with a revocation list of each authority in a chain (RFC 5280, section 5)."""


def identities(certificate: Mapping[str, Any] | None, kinds: Sequence[Kind]) -> tuple[str, ...]:
    """The users' names in a *certificate*, as ``getpeercert`` describes it, the preferred first.

    Only those that can be meant as such: a name with a control character, or an empty one, is
    left out, not mended. None: no certificate, so no names.
    """
    if not certificate:
        return ()
    found = (name for kind in kinds for name in _NAMES[kind](certificate) if name.isprintable())
    return tuple(name for name in dict.fromkeys(found) if name)[:MAX_IDENTITIES]


def _emails(certificate: Mapping[str, Any]) -> Iterator[str]:
    return (value for kind, value in certificate.get("subjectAltName", ()) if kind == "email")


def _common_names(certificate: Mapping[str, Any]) -> Iterator[str]:
    parts = (part for group in certificate.get("subject", ()) for part in group)
    return (value for kind, value in parts if kind == "commonName")


_NAMES = {"email": _emails, "common-name": _common_names}
