"""What clients' certificates are checked with, and how long that can be used.

An authority that has expired, and more often a revocation list, locks out everybody whom it is
for: the operator should hear of it before they do. Whether a file can be used at all is found out
by whoever loads it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cryptography import x509

from pillarbox.app.config.settings import Tls
from pillarbox.app.config.validity import Validity

_LIST = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)
_HINTS = {
    "expired": "its clients' certificates are refused: put a new one in place, then reload the server",
    "early": "its clients' certificates are refused until then; is the clock right?",
    "soon": "put a new one in place in time, then reload the server (SIGHUP)",
}


def authority_doubts(tls: Tls, now: datetime) -> Iterator[tuple[str, str, str]]:
    """``(setting, problem, hint)`` of each authority and list that is of no use at *now*, or soon."""
    if tls.client_certificates == "off":
        return
    for setting, file, what, valid in (*_authorities(tls.client_ca), *_lists(tls.client_crl)):
        if doubt := valid.doubt(now):
            yield setting, f"{file}: {what} {doubt.problem}", _HINTS[doubt.kind]


_Found = Iterator[tuple[str, Path, str, Validity]]


def _authorities(file: Path | None) -> _Found:
    if file is None:
        return
    try:
        certificates = x509.load_pem_x509_certificates(file.read_bytes())
        for one in certificates:
            valid = Validity(one.not_valid_before_utc, one.not_valid_after_utc)
            yield "tls.client_ca", file, f'"{one.subject.rfc4514_string()}"', valid
    except (OSError, ValueError):
        return


def _lists(file: Path | None) -> _Found:
    if file is None:
        return
    try:
        for pem in _LIST.findall(file.read_bytes()):
            one = x509.load_pem_x509_crl(pem)
            if one.next_update_utc is not None:
                valid = Validity(one.last_update_utc, one.next_update_utc)
                what = f'the list of "{one.issuer.rfc4514_string()}"'
                yield "tls.client_crl", file, what, valid
    except (OSError, ValueError):
        return
