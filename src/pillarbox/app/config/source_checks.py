"""Rules for ``auth.sources`` and the sections that belong to it.

Nothing is asked over a network, and no library is imported: it is only looked whether it is
there. Rules for a section hold when ``auth.sources`` names it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from pillarbox.app.config.settings import Config
from pillarbox.auth.sources.ldap.patterns import FaultyPattern, check_dn, check_filter
from pillarbox.auth.sources.passwords import is_scheme
from pillarbox.auth.sources.sql.query import FaultyQuery, prepared
from pillarbox.auth.sources.sql.url import MYSQL, POSTGRESQL, DatabaseUrl, FaultyUrl
from pillarbox.peers import is_loopback

Found = Iterator[tuple[str, str, str]]

# fmt: off
_LIBRARIES = {
    # extra: the module that it brings
    POSTGRESQL: "psycopg",
    MYSQL:      "pymysql",
    "ldap":     "ldap",
    "pam":      "pam",
}
# fmt: on
PAM_FOLDERS = (Path("/etc/pam.d"), Path("/usr/lib/pam.d"))
"""Where its services are (pam.conf(5))."""

_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def faults(config: Config) -> Found:
    """``(setting, what is wrong, what to write)`` of each fault."""
    named = config.auth.sources
    for name, count in Counter(named).items():
        if count > 1:
            yield "auth.sources", f'"{name}" stands there twice', "once is enough"
    if "passwd-file" in named:
        yield from _passwd_file(config)
    if "sql" in named:
        yield from _sql(config)
    if "ldap" in named:
        yield from _ldap(config)
    if "pam" in named:
        yield from _pam(config)


def doubts(config: Config) -> Found:
    """The same of what works, and is probably not what anybody wants."""
    for name in ("passwd-file", "sql", "ldap", "pam"):
        section = name.replace("-", "_")
        settings = getattr(config, f"auth_{section}")
        if name not in config.auth.sources and settings != type(settings)():
            changed = next(
                key
                for key, default in msgspec.structs.asdict(type(settings)()).items()
                if getattr(settings, key) != default
            )
            hint = f'name it: sources = ["{name}"] under [auth]'
            yield f"auth.{section}.{changed}", "has no effect: no source of accounts is it", hint
    if "ldap" in config.auth.sources and not config.auth_ldap.starttls:
        for url in config.auth_ldap.urls:
            if url.startswith("ldap://") and not _is_here(urlsplit(url).hostname or ""):
                problem = "passwords cross the network to the directory in the clear"
                yield "auth.ldap.starttls", problem, "true is safer, or an ldaps:// URL"
    if "sql" in config.auth.sources and not _is_verified(config):
        problem = "what the database says crosses the network without being verified"
        yield "auth.sql.url", problem, "set auth.sql.ca to the authority of its certificate"

    if "pam" in config.auth.sources and not _has_service(config.auth_pam.service):
        problem = f'there is no "{config.auth_pam.service}" in /etc/pam.d: PAM would use "other"'
        yield "auth.pam.service", problem, "write that file, with auth and account lines"


def _has_service(name: str) -> bool:
    return any((folder / name).exists() for folder in PAM_FOLDERS)


def _is_verified(config: Config) -> bool:
    try:
        url = DatabaseUrl.parse(config.auth_sql.url or "")
    except FaultyUrl:  # a fault already
        return True
    host = url.host or url.options.get("host", "")
    if _is_here(host) or host.startswith("/") or "unix_socket" in url.options:
        return True
    return config.auth_sql.ca is not None or url.options.get("sslmode") == "verify-full"


def _is_here(host: str) -> bool:
    return host in {"", "localhost"} or is_loopback(host)


def _passwd_file(config: Config) -> Found:
    settings = config.auth_passwd_file
    if settings.path is None:
        yield _missing("passwd-file", "auth.passwd_file.path", "the file's name")
    yield from _scheme("auth.passwd_file", settings.default_scheme)


def _sql(config: Config) -> Found:
    settings = config.auth_sql
    if settings.url is None:
        yield _missing("sql", "auth.sql.url", "postgresql://user@host/database")
    else:
        try:
            kind = DatabaseUrl.parse(settings.url).kind
        except FaultyUrl as error:
            yield "auth.sql.url", *_parted(error)
        else:
            yield from _library("sql", kind)
    if settings.query is None:
        example = "SELECT password FROM users WHERE name = :user"
        yield _missing("sql", "auth.sql.query", example)
    else:
        try:
            prepared(settings.query)
        except FaultyQuery as error:
            yield "auth.sql.query", *_parted(error)
    yield from _scheme("auth.sql", settings.default_scheme)


def _ldap(config: Config) -> Found:
    settings = config.auth_ldap
    if not settings.urls:
        yield _missing("ldap", "auth.ldap.urls", "ldaps://host")
    for url in settings.urls:
        if not re.fullmatch(r"ldap(s?://[^\s/?#]+|i://[^\s/?#]*)/?", url):
            problem = "is not the URL of a directory"
            yield "auth.ldap.urls", problem, 'write "ldaps://host", "ldap://host" or "ldapi://…"'
    if settings.starttls and len({url.partition("://")[0] for url in settings.urls}) > 1:
        problem = "are of several kinds, and auth.ldap.starttls is for one of them"
        yield "auth.ldap.urls", problem, "write only ldaps:// or only ldap:// URLs"
    yield from _library("ldap", "ldap")
    if settings.dn is None and settings.base is None:
        yield _missing("ldap", "auth.ldap.base", "ou=people,dc=example,dc=org")
    if settings.dn is not None and settings.base is not None:
        hint = "leave auth.ldap.base out, or this"
        yield "auth.ldap.dn", "says where users are, and so does auth.ldap.base", hint
    check, pattern, key = (
        (check_filter, settings.filter, "filter")
        if settings.dn is None
        else (check_dn, settings.dn, "dn")
    )
    try:
        check(pattern)
    except FaultyPattern as error:
        yield f"auth.ldap.{key}", *_parted(error)
    if (settings.bind_dn is None) != (settings.password_file is None):
        key, other = ("password_file", "bind_dn")
        if settings.password_file is None:
            key, other = other, key
        yield f"auth.ldap.{key}", f"does nothing without auth.ldap.{other}", "set both, or none"


def _pam(config: Config) -> Found:
    if not _SERVICE.fullmatch(config.auth_pam.service):
        yield "auth.pam.service", "is not the name of a file in /etc/pam.d", 'write "pillarbox"'
    yield from _library("pam", "pam")


def _missing(source: str, setting: str, example: str) -> tuple[str, str, str]:
    return "auth.sources", f'"{source}" needs {setting}', f"write there: {example}"


def _scheme(section: str, scheme: str) -> Found:
    if not is_scheme(scheme):
        hint = 'write one like "SHA512-CRYPT", without braces'
        yield f"{section}.default_scheme", f'"{scheme}" is not the name of a scheme', hint


def _library(source: str, extra: str) -> Found:
    if find_spec(_LIBRARIES[extra]) is None:
        problem = f'"{source}" needs a library that is not installed'
        yield "auth.sources", problem, f"pip install 'pillarbox[{extra}]'"


def _parted(error: Exception) -> tuple[str, str]:
    """``(what is wrong, what to write)``."""
    problem, _, hint = str(error).partition("; ")
    return problem, hint
