"""Every setting of the server, with its default, its unit and its reason.

One Struct a section, one field a key: the names and types here *are* the configuration's
grammar (:mod:`.reading` walks them), and ``docs/configuration.md`` describes each for
operators. A capability that is not built yet has no field here; :mod:`.later` refuses
its keys by name.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from pillarbox.app.config.account_sources import (
    LdapSettings,
    PamSettings,
    PasswdFileSettings,
    SourceName,
    SqlSettings,
)
from pillarbox.app.config.addresses import Address, TcpAddress, UnixAddress, is_hostname
from pillarbox.app.config.faults import Fault
from pillarbox.app.config.key_place import KeyPlace
from pillarbox.app.config.store import S3Settings, StoreSettings
from pillarbox.auth.oauth.settings import ALGORITHMS, Signature
from pillarbox.peers import Network

DAY = 86400
# Bounds of numbers: wide enough for anything sensible, narrow enough to catch a slip.
Seconds = Annotated[float, Meta(ge=1, le=7 * DAY)]
SecondsOrZero = Annotated[float, Meta(ge=0, le=7 * DAY)]
# As LOGIN-DELAY announces it.
WholeSeconds = Annotated[int, Meta(ge=0, le=7 * DAY)]
# A century is as good as for ever; more is a slip.
Days = Annotated[int, Meta(ge=0, le=36_525)]
Count = Annotated[int, Meta(ge=1, le=10_000_000)]
Octets = Annotated[int, Meta(ge=0, le=2**53)]
# Below this, ordinary mail does not get in at all.
MessageOctets = Annotated[int, Meta(ge=1024, le=2**31 - 1)]

Mechanism = Literal[
    "PLAIN",
    "LOGIN",
    "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-1",
    "SCRAM-SHA-1-PLUS",
    "OAUTHBEARER",
    "XOAUTH2",
    "EXTERNAL",
    "CRAM-MD5",
]
ProxyDoor = Literal["pop3s", "pop3", "lmtp", "smtp"]


def _processors() -> int:
    """The processors that this process may use (a container may have fewer than the machine)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _machine_name() -> str:
    """This machine's own name. No DNS is asked: commands stay quick and work offline."""
    name = socket.gethostname().rstrip(".").lower()
    return name if is_hostname(name) and not re.fullmatch(r"[0-9.]+", name) else "localhost"


class Server(Struct, frozen=True, kw_only=True):
    """``[server]``: the process as a whole."""

    hostname: str = field(default_factory=_machine_name)
    """The name in greetings and in ``Received`` lines; should be a name in the certificate."""
    workers: Annotated[int, Meta(ge=1, le=1024)] = field(default_factory=_processors)
    """Worker processes; one per processor keeps them all busy."""
    user: str = "pillarbox"
    """The system user to become when started as root, once the listeners are bound.
    Without effect when started by anybody else."""
    log_format: Literal["text", "json"] = "text"
    """How a line of the log is written: ``key=value`` for people and ``grep``, or JSON."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important lines that are still written."""


class Listen(Struct, frozen=True, kw_only=True):
    """``[listen]``: where the doors stand; an empty list closes a door."""

    pop3s: tuple[Address, ...] = (TcpAddress("::", 995),)
    """POP3 with TLS from the first byte (RFC 8314): the front door."""
    pop3: tuple[Address, ...] = (TcpAddress("::", 110),)
    """POP3 that starts in the clear; STLS is offered when there is a certificate."""
    lmtp: tuple[Address, ...] = (UnixAddress(Path("/run/pillarbox/lmtp")),)
    """Mail from an MTA on this machine (RFC 2033)."""
    smtp: tuple[Address, ...] = ()
    """Mail straight from other servers, for ``delivery.domains`` only; never a relay."""
    http: tuple[Address, ...] = (TcpAddress("127.0.0.1", 8110),)
    """Health and metrics; on loopback, since it tells how busy the server is."""
    socket_mode: Literal["0600", "0660", "0666"] = "0666"
    """Who may connect to sockets in the file system. An MTA on the machine runs under a user of
    its own (Postfix: ``postfix``), hence everybody, as with a port on loopback."""
    proxy_from: tuple[Network, ...] = ()
    """Load balancers: whoever connects from there must say by the PROXY protocol, version 1 or 2,
    whose connection it is. (``unix`` is whoever comes by a socket in the file system.)"""
    proxy_doors: tuple[ProxyDoor, ...] = ("pop3s", "pop3", "smtp")
    """The doors at which they do. Not ``lmtp``, since an MTA may well be at the same address."""
    proxy_tls: bool = False
    """Whether a load balancer is believed that the client has spoken TLS with it (version 2 only).
    What it passes on is clear, so the network up to it has to be as safe as this machine."""


class Sni(Struct, frozen=True, kw_only=True):
    """``[[tls.sni]]``: another certificate, for clients that ask for one of these names."""

    names: Annotated[tuple[str, ...], Meta(min_length=1)]
    """Host names; ``*.example.org`` stands for one label more."""
    certificate: Path
    """PEM file: the certificate, then its chain."""
    key: Path | None = None
    """PEM file: the private key; not given: it is in the certificate's file."""


class Tls(Struct, frozen=True, kw_only=True):
    """``[tls]``: the certificates that clients see, and those that they show."""

    certificate: Path | None = None
    """PEM file: the server's certificate, then its chain."""
    key: Path | None = None
    """PEM file: the private key; not given: it is in the certificate's file."""
    minimum: Literal["1.2", "1.3"] = "1.2"
    """The oldest TLS version accepted (RFC 8996 buried 1.0 and 1.1)."""
    sni: tuple[Sni, ...] = ()
    """Certificates by name (RFC 6066, section 3); ``certificate`` is for all others."""
    strict_sni: bool = False
    """Whether clients that ask for a name which no certificate has are refused. Off, since old
    clients ask for whatever their user wrote, and decide by themselves what to trust."""
    client_certificates: Literal["off", "optional", "required"] = "off"
    """Whether POP3 clients are asked for a certificate."""
    client_ca: Path | None = None
    """PEM file: the authorities whose certificates are accepted from clients."""
    client_crl: Path | None = None
    """PEM file: a revocation list of every authority in a client's chain."""
    client_identity: tuple[Literal["email", "common-name"], ...] = ("email", "common-name")
    """Which of a certificate's names are those of users, the first preferred."""


def usual_mechanisms() -> tuple[Mechanism, ...]:
    """Those of ``auth.mechanisms`` that are offered unless somebody says otherwise.

    A client that can bind itself takes -PLUS when it sees it, and with TLS 1.3 it is likely to
    know tls-exporter only (RFC 9266): where Python has none it could not sign in. So -PLUS has to
    be asked for there; what it then has is tls-server-end-point.
    """
    exporter = "tls-exporter" in ssl.CHANNEL_BINDING_TYPES
    plus: tuple[Mechanism, ...] = ("SCRAM-SHA-256-PLUS",) if exporter else ()
    return ("PLAIN", "LOGIN", "SCRAM-SHA-256", *plus, "OAUTHBEARER", "XOAUTH2")


class Auth(Struct, frozen=True, kw_only=True):
    """``[auth]``: how users sign in."""

    cleartext: Literal["never", "loopback", "always"] = "loopback"
    """Whether passwords are taken on a connection without TLS."""
    mechanisms: tuple[Mechanism, ...] = field(default_factory=usual_mechanisms)
    """SASL mechanisms offered by AUTH, in this order, each where it can work; none: USER and
    PASS only."""
    scram_keys: bool = True
    """Whether keys for SCRAM-SHA-256 are kept with each password while it is not offered, too."""
    apop: bool = False
    """Whether APOP is offered. It needs secrets stored readably and rests on MD5
    (CVE-2007-1558), hence off."""
    sources: tuple[SourceName, ...] = ()
    """Where accounts are kept beside the accounts file, in the order in which they are asked."""


class OAuth(Struct, frozen=True, kw_only=True):
    """``[auth.oauth]``: access tokens instead of passwords (OAUTHBEARER, XOAUTH2)."""

    issuer: str | None = None
    """Who gives the tokens out, as tokens name it (``iss``), letter by letter. Without ``jwks`` and
    ``introspection`` it is asked for its keys (OpenID Connect Discovery)."""
    audience: tuple[str, ...] = ()
    """What tokens call this server (``aud``); one of these will do."""
    jwks: KeyPlace | None = None
    """The issuer's keys: the path of a file, or a URL."""
    introspection: str | None = None
    """The URL where the issuer is asked about each token (RFC 7662), instead of keys."""
    client_id: str | None = None
    """As whom to ask there; not given: the secret is a bearer token."""
    client_secret_file: Path | None = None
    """The file with the secret to ask with, in its first line."""
    user_claim: str | None = None
    """The claim that names the user; not given: ``email``, or ``username`` of introspection."""
    scopes: tuple[str, ...] = ()
    """What a token must be good for: all of these."""
    algorithms: tuple[Signature, ...] = ALGORITHMS
    """The signatures that count."""

    @property
    def wanted(self) -> bool:
        """Whether tokens are taken at all."""
        return bool(self.issuer or self.introspection)


class Delivery(Struct, frozen=True, kw_only=True):
    """``[delivery]``: mail coming in by LMTP and SMTP."""

    domains: tuple[str, ...] = ()
    """The domains whose local parts are accounts, in lower case; after loading never
    empty: not given, it is ``server.hostname``."""
    max_message_octets: MessageOctets = 52_428_800
    """The largest message taken, in octets (50 MiB); announced by SIZE (RFC 1870)."""
    quota_octets: Octets = 0
    """How many octets a maildrop may hold; 0: any number. ``user add --quota`` overrides it."""


class Retention(Struct, frozen=True, kw_only=True):
    """``[retention]``: how long mail waits, and for whom (see :mod:`pillarbox.contracts.store`)."""

    expire_days: Days = 0
    """Days after which a message goes, whoever has not seen it; 0: never. CAPA tells clients
    (EXPIRE, RFC 2449)."""
    unread_by_device_days: Days = 0
    """Days after which a device that did not come holds no mail back until it comes again; 0:
    it does for ever."""
    default_view_holds: bool = False
    """Whether mail waits for the account's own password even before it has been used. It does
    as soon as it has; a user whose devices collect everything may never use it."""

    @property
    def least_days(self) -> int | None:
        """Days that a message stays at the least, whatever others do; None: for ever.

        A client that leaves mail here, and whose device then stays away, can lose it by either
        rule; what is announced to all clients is the smaller (RFC 2449, section 6.7).
        """
        return min(filter(None, (self.expire_days, self.unread_by_device_days)), default=None)


class Limits(Struct, frozen=True, kw_only=True):
    """``[limits]``: what one client, or all together, may use up."""

    connections: Count = 10_000
    """Connections at once, over all workers and POP3 doors."""
    connections_per_address: Count = 100
    """Connections at once from one client address."""
    unlimited: tuple[Network, ...] = ()
    """Where ``connections_per_address`` does not count: a webmail, the gateway of a campus."""
    allow: tuple[Network, ...] = ()
    """POP3 clients are admitted from here only; none: from everywhere. (Mail comes by SMTP from
    everywhere: it is no matter of this list.)"""
    deny: tuple[Network, ...] = ()
    """POP3 and SMTP clients are not admitted from here, even if allowed above."""
    sessions_per_user: Count = 1
    """Sessions at once of one view: 1, the exclusive lock of RFC 1939."""
    idle_timeout: Seconds = 600
    """Seconds without a command until a session is closed; RFC 1939 wants 600 or more."""
    login_timeout: Seconds = 60
    """Seconds that a client has to sign in."""
    login_delay: WholeSeconds = 0
    """Whole seconds that must pass between two sessions of a user (LOGIN-DELAY, RFC 2449)."""
    stop_delay: SecondsOrZero = 0
    """Seconds after SIGTERM in which everything goes on, but ``/ready`` says no: load balancers
    send nobody any more before the doors close. None where there are no load balancers."""
    stop_grace: SecondsOrZero = 30
    """Seconds that running sessions may take to finish once the doors are closed."""


class Config(Struct, frozen=True, kw_only=True):
    """The whole configuration, checked. Made by :func:`pillarbox.app.config.load`."""

    server: Server = field(default_factory=Server)
    listen: Listen = field(default_factory=Listen)
    tls: Tls = field(default_factory=Tls)
    auth: Auth = field(default_factory=Auth)
    auth_passwd_file: PasswdFileSettings = field(default_factory=PasswdFileSettings)
    auth_sql: SqlSettings = field(default_factory=SqlSettings)
    auth_ldap: LdapSettings = field(default_factory=LdapSettings)
    auth_pam: PamSettings = field(default_factory=PamSettings)
    auth_oauth: OAuth = field(default_factory=OAuth)
    store: StoreSettings = field(default_factory=StoreSettings)
    store_s3: S3Settings = field(default_factory=S3Settings)
    delivery: Delivery = field(default_factory=Delivery)
    retention: Retention = field(default_factory=Retention)
    limits: Limits = field(default_factory=Limits)

    file: Path | None = None
    """The file it came from, absolute; None: there was none."""
    file_unasked: bool = False
    """That file lay in the current folder; nobody named it."""
    overrides: tuple[str, ...] = ()
    """What ``--set`` said, for :func:`pillarbox.app.config.reload`."""
    warnings: tuple[Fault, ...] = ()
    """Settings that work but are probably not what anybody wants."""


# One that lies in another (``auth.oauth``, a field ``auth_oauth`` of Config) stands in
# ``sections.SUBSECTIONS``, too.
SECTIONS: dict[str, type[Struct]] = {
    "server": Server,
    "listen": Listen,
    "tls": Tls,
    "auth": Auth,
    "auth.passwd_file": PasswdFileSettings,
    "auth.sql": SqlSettings,
    "auth.ldap": LdapSettings,
    "auth.pam": PamSettings,
    "auth.oauth": OAuth,
    "store": StoreSettings,
    "store.s3": S3Settings,
    "delivery": Delivery,
    "retention": Retention,
    "limits": Limits,
}

TABLES: dict[str, type[Struct]] = {"tls.sni": Sni}
"""Lists of tables: a field ``sni`` of ``tls`` holds one Struct for each ``[[tls.sni]]``."""
