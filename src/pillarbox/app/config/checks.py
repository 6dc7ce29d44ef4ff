"""Rules between settings, and rules about a value that its type cannot say.

Faults keep the configuration from being used. Warnings do not: the setting works, and is
probably not what anybody wants. What only matters to a running server (a door that needs
a certificate) is asked for with ``serving``, so that ``pillarbox user add`` works before
the certificate is there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pillarbox.app.config import source_checks, store_checks
from pillarbox.app.config.addresses import Address, TcpAddress, UnixAddress, is_hostname
from pillarbox.app.config.checks_tls import tls_doubts, tls_faults
from pillarbox.app.config.faults import Fault
from pillarbox.app.config.mechanisms import impossible, unbound, without_keys
from pillarbox.app.config.oauth_checks import oauth_doubts, oauth_faults
from pillarbox.app.config.settings import Config

RFC1939_IDLE = 600
DOORS = ("pop3s", "pop3", "lmtp", "smtp", "http")


@dataclass(frozen=True, slots=True)
class Checked:
    """What the rules found."""

    faults: list[Fault]
    warnings: list[Fault]


Place = Callable[[str, str], str]


def check(config: Config, place: Place, *, serving: bool) -> Checked:
    """Apply every rule; *place* says where a setting was written (empty: nowhere)."""

    def located(found: Iterator[tuple[str, str, str]]) -> list[Fault]:
        return [
            Fault(place(*name.rsplit(".", 1)), name, problem, hint) for name, problem, hint in found
        ]

    faults = located(_names(config)) + located(_doors(config))
    faults += located(tls_faults(config))
    faults += located(source_checks.faults(config))
    faults += located(store_checks.faults(config))
    if place("auth", "mechanisms"):  # what is there by default is left out where it cannot work
        faults += located(_impossible(config, serving=serving))
    if serving:
        faults += located(_serving(config))
    faults += located(oauth_faults(config.auth_oauth))
    doubts = (
        _doubtful,
        _doubtful_networks,
        tls_doubts,
        source_checks.doubts,
        store_checks.doubts,
    )
    return Checked(faults, [fault for rule in doubts for fault in located(rule(config))])


def _names(config: Config) -> Iterator[tuple[str, str, str]]:
    if not is_hostname(config.server.hostname):
        problem = f'"{config.server.hostname}" is not a host name'
        yield "server.hostname", problem, 'write one like "mail.example.org"'
    if not config.server.user or any(c in config.server.user for c in ":/\0\n "):
        problem = f'"{config.server.user}" is not a user name'
        yield "server.user", problem, "name the system user that the server becomes"
    given = config.delivery.domains != (config.server.hostname.lower(),)
    for domain in config.delivery.domains if given else ():
        if not is_hostname(domain):
            hint = 'a name like "example.org", without @'
            if not domain.isascii():
                hint = f'write it as "{_to_ascii(domain)}"'
            yield "delivery.domains", f'"{domain}" is not a domain', hint
    twice = [name for name, count in Counter(config.delivery.domains).items() if count > 1]
    for domain in twice:
        yield "delivery.domains", f'"{domain}" stands there twice', "once is enough"


def _to_ascii(domain: str) -> str:
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return "xn--…"


def _doors(config: Config) -> Iterator[tuple[str, str, str]]:
    if config.tls.key is not None and config.tls.certificate is None:
        yield "tls.key", "is a key without its certificate", "set tls.certificate, too"
    for mechanism, count in Counter(config.auth.mechanisms).items():
        if count > 1:
            yield "auth.mechanisms", f'"{mechanism}" stands there twice', "once is enough"
    taken: dict[Address, str] = {}
    for door in DOORS:
        for address in getattr(config.listen, door):
            if address in taken and not (isinstance(address, TcpAddress) and address.port == 0):
                problem = f'"{address}" is already taken by listen.{taken[address]}'
                yield f"listen.{door}", problem, "give each door its own address"
            taken.setdefault(address, door)


def _serving(config: Config) -> Iterator[tuple[str, str, str]]:
    if not any(getattr(config.listen, door) for door in ("pop3s", "pop3", "lmtp", "smtp")):
        yield "listen.pop3s", "every door is closed", 'open one: pop3s = ["[::]:995"]'
    if config.tls.certificate is not None:
        return
    if config.listen.pop3s:
        hint = "set tls.certificate and tls.key to its PEM files, or close the door: pop3s = []"
        yield "listen.pop3s", "a door with TLS needs a certificate", hint
    if config.listen.pop3 and config.auth.cleartext == "never":
        hint = 'set tls.certificate, or auth.cleartext = "loopback"'
        yield "listen.pop3", "hardly anybody can sign in: no TLS, and no password without", hint


def _impossible(config: Config, *, serving: bool) -> Iterator[tuple[str, str, str]]:
    """Mechanisms that the operator has written down, and that nobody could sign in by."""
    for problem, hint in impossible(config):
        yield "auth.mechanisms", problem, hint
    for mechanism in unbound(config) if serving else ():
        problem = f'"{mechanism}" binds a sign-in to TLS, and there is none'
        yield "auth.mechanisms", problem, "set tls.certificate, or leave it out"


def _doubtful(config: Config) -> Iterator[tuple[str, str, str]]:
    idle = config.limits.idle_timeout
    if idle < RFC1939_IDLE:
        problem = f"{idle:g} seconds are fewer than RFC 1939 asks for"
        yield "limits.idle_timeout", problem, f"slow clients want {RFC1939_IDLE} or more"
    if config.auth.cleartext == "always":
        problem = "passwords may cross the network in the clear"
        yield "auth.cleartext", problem, '"loopback" is safer'
    if config.auth.apop:
        yield "auth.apop", "APOP rests on MD5 and on readable secrets", "PLAIN within TLS is safer"
    if "CRAM-MD5" in config.auth.mechanisms:
        problem = "CRAM-MD5 rests on MD5 and on readable secrets"
        yield "auth.mechanisms", problem, "SCRAM-SHA-256 is safer, and so is PLAIN within TLS"
    for problem, hint in without_keys(config):
        yield "auth.mechanisms", problem, hint
    if config.limits.connections_per_address > config.limits.connections:
        problem = "is larger than limits.connections, so it limits nothing"
        yield "limits.connections_per_address", problem, ""
    if config.limits.stop_delay and not config.listen.http:
        problem = "is waited for, but nobody can be told without listen.http"
        yield "limits.stop_delay", problem, "open listen.http, or leave it out"
    yield from oauth_doubts(config.auth_oauth)
    quota = config.delivery.quota_octets
    if 0 < quota < config.delivery.max_message_octets:
        problem = "is smaller than one message of delivery.max_message_octets"
        yield "delivery.quota_octets", problem, ""


def _doubtful_networks(config: Config) -> Iterator[tuple[str, str, str]]:
    listen, limits = config.listen, config.limits
    for network in listen.proxy_from:
        if network.is_everybody:
            problem = f'"{network}" lets everybody write the address that limits and logs go by'
            yield "listen.proxy_from", problem, "name the load balancers"
        files = any(
            isinstance(address, UnixAddress)
            for door in listen.proxy_doors
            for address in getattr(listen, door)
        )
        if network.range is None and files and listen.socket_mode == "0666":
            problem = "lets everybody on this machine write the address that limits and logs go by"
            yield "listen.proxy_from", f'"unix" {problem}', 'set listen.socket_mode to "0660"'
    if listen.proxy_tls and not listen.proxy_from:
        yield "listen.proxy_tls", "has no effect", "name the load balancers in listen.proxy_from"
    for network in limits.deny:
        if network.is_everybody:
            yield "limits.deny", f'"{network}" keeps everybody out', ""
