"""The TLS contexts of a configuration: one for POP3 and one for SMTP, each with all certificates.

Made before the workers are forked, and anew at a reload.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pillarbox.app.config.certificate import names_of
from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.config.settings import Config
from pillarbox.server.client_certificate import ClientCertificates
from pillarbox.server.sni import ByName
from pillarbox.server.tls import (
    ALPN,
    CertificateProblem,
    ClientCertificateProblem,
    server_context,
)

_SMTP_ALPN = "smtp"

Contexts = tuple[ssl.SSLContext | None, ssl.SSLContext | None]


def tls_contexts(config: Config) -> Contexts:
    """The contexts for POP3 and for SMTP (two, so that no session crosses over).

    Raises:
        ConfigError: a certificate or key cannot be used; all of them are named.
    """
    if config.tls.certificate is None:
        return None, None
    faults: list[Fault] = []
    pop3 = _with_names(config, ALPN, client_certificates(config), faults)
    smtp = _with_names(config, _SMTP_ALPN, None, [])
    if faults:
        raise ConfigError(faults)
    return pop3, smtp


def client_certificates(config: Config) -> ClientCertificates | None:
    """What POP3 clients have to show; None: nothing."""
    tls = config.tls
    if tls.client_certificates == "off" or tls.client_ca is None:
        return None
    return ClientCertificates(tls.client_ca, tls.client_certificates == "required", tls.client_crl)


def _with_names(
    config: Config, alpn: str, clients: ClientCertificates | None, faults: list[Fault]
) -> ssl.SSLContext | None:
    """The default context, which finds the others; None when there are *faults*."""
    tls = config.tls
    assert tls.certificate is not None  # noqa: S101 - asked before
    settings: Sequence[Any] = (tls.minimum, alpn, clients)
    file = str(config.file or "")
    default = _made(tls.certificate, tls.key, settings, faults, (file, "tls.certificate"))
    named: dict[str, ssl.SSLContext] = {}
    for table in tls.sni:
        # What is wrong with the clients' authorities has been said.
        found = faults if default else [*faults]
        context = _made(table.certificate, table.key, settings, found, (file, "tls.sni"))
        if context is not None:
            named |= dict.fromkeys(table.names, context)
    if default is not None and (named or tls.strict_sni):
        names = [config.server.hostname, *names_of(tls.certificate)]
        default.sni_callback = ByName(named, default_names=names, strict=tls.strict_sni)
    return default


def _made(
    certificate: Path,
    key: Path | None,
    settings: Sequence[Any],
    faults: list[Fault],
    setting: tuple[str, str],
) -> ssl.SSLContext | None:
    try:
        return server_context(certificate, key or certificate, *settings)
    except ClientCertificateProblem as error:
        faults.append(Fault(setting[0], "tls.client_ca", str(error)))
    except CertificateProblem as error:
        faults.append(Fault(*setting, str(error)))
    return None
