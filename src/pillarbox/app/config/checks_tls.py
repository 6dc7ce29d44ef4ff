"""Rules of ``[tls]``: certificates by name, and certificates of clients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pillarbox.app.config.addresses import is_hostname
from pillarbox.app.config.settings import Config

WILDCARD = "*."


def tls_faults(config: Config) -> Iterator[tuple[str, str, str]]:
    """What keeps these settings from being used: ``(setting, problem, hint)``."""
    tls = config.tls
    if tls.sni and tls.certificate is None:
        problem = "needs a certificate for clients that ask for none of its names"
        yield "tls.sni", problem, "set tls.certificate"
    names = [name.lower().rstrip(".") for table in tls.sni for name in table.names]
    for name in names:
        if not is_hostname(name.removeprefix(WILDCARD)):
            hint = 'write one like "mail.example.org" or "*.example.org"'
            yield "tls.sni", f'"{name}" is not a host name', hint
    for name, count in Counter(names).items():
        if count > 1:
            yield "tls.sni", f'"{name}" stands there twice', "once is enough"
    yield from _of_clients(config)


def _of_clients(config: Config) -> Iterator[tuple[str, str, str]]:
    tls = config.tls
    if tls.client_certificates == "off":
        if tls.client_crl is not None and tls.client_ca is None:
            problem = "is a revocation list without its authorities"
            yield "tls.client_crl", problem, "set tls.client_ca, too"
        return
    if tls.client_ca is None:
        problem = f'"{tls.client_certificates}" needs the authorities to accept'
        yield "tls.client_certificates", problem, "set tls.client_ca to their PEM file"
    if tls.certificate is None:
        problem = f'"{tls.client_certificates}" needs TLS'
        yield "tls.client_certificates", problem, "set tls.certificate"


def tls_doubts(config: Config) -> Iterator[tuple[str, str, str]]:
    """Settings that work, and are probably not what anybody wants."""
    tls = config.tls
    if tls.client_certificates == "off" and tls.client_ca is not None:
        hint = 'set tls.client_certificates to "optional" or "required"'
        yield "tls.client_ca", "has no effect: clients are not asked for a certificate", hint
    if tls.client_certificates == "required" and config.auth.cleartext != "never":
        where = "from this machine" if config.auth.cleartext == "loopback" else "from everywhere"
        if config.listen.pop3:
            problem = f"does not hold without TLS, and passwords are taken {where} without it"
            yield "tls.client_certificates", problem, 'auth.cleartext = "never" closes that way'
