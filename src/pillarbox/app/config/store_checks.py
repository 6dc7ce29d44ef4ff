"""Rules for ``[store]`` and ``[store.s3]``, as in :mod:`.checks`. Nothing is asked over a network.

No sentence here repeats a value that may hold a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from urllib.parse import SplitResult, parse_qs, urlsplit

import msgspec

from pillarbox.app.config.settings import Config
from pillarbox.app.config.store import S3Settings, StoreSettings
from pillarbox.database_url import fault_of
from pillarbox.peers import is_loopback

Found = Iterator[tuple[str, str, str]]

DATABASE_EXAMPLE = "postgresql://user@host/database"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
_LIBRARIES = ("asyncpg", "obstore")
_OBJECTS = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s?#]*)?")
_ENDPOINT = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/?")
_PRINTABLE = re.compile(r"[!-~]+")
_OF_ANY_ENGINE = {"engine", "path"}


def faults(config: Config) -> Found:
    """``(setting, what is wrong, what to write)`` of each fault."""
    if not config.store.is_shared:
        return
    if any(find_spec(name) is None for name in _LIBRARIES):
        problem = '"cluster" needs libraries that are not installed'
        yield "store.engine", problem, "pip install 'pillarbox[cluster]'"
    yield from _database(config.store)
    if config.store.objects is not None:
        yield from _objects(config)


def doubts(config: Config) -> Found:
    """The same of what works, and is probably not what anybody wants."""
    if config.store.is_shared:
        yield from _unsafe(config)
        if config.store.objects is None:
            hint = 'set store.objects = "s3://bucket/prefix", or leave it out'
            yield from _changed("store.s3", config.store_s3, "there is no object store", hint)
        return
    hint = 'write engine = "cluster" under [store]'
    why = f'store.engine is "{config.store.engine}"'
    yield from _changed("store", config.store, why, hint)
    yield from _changed("store.s3", config.store_s3, why, hint)


def _changed(section: str, settings: msgspec.Struct, why: str, hint: str) -> Found:
    default = type(settings)()
    for key in settings.__struct_fields__:
        told = getattr(settings, key) != getattr(default, key)
        if told and not (section == "store" and key in _OF_ANY_ENGINE):
            yield f"{section}.{key}", f"has no effect: {why}", hint


def _database(store: StoreSettings) -> Found:
    if store.database is None:
        hint = f"write there: {DATABASE_EXAMPLE}"
        yield "store.engine", '"cluster" needs store.database', hint
        return
    if (problem := fault_of(store.database)) is not None:
        hint = (
            f"write one like {DATABASE_EXAMPLE}, and its password into store.database_password_file"
        )
        yield "store.database", problem, hint
        return
    parts = urlsplit(store.database)
    if not parts.path.lstrip("/"):
        yield "store.database", "names no database", f"write one like {DATABASE_EXAMPLE}"
    elif len(_hosts(parts)) > 1 and not _finds_the_primary(parts):
        problem = "names several hosts, and not which of them: one may be a standby"
        yield "store.database", problem, "add target_session_attrs=read-write after the ?"
    userinfo = parts.netloc.rpartition("@")[0]
    if store.database_password_file is not None and (
        ":" in userinfo or "password" in parse_qs(parts.query)
    ):
        problem = "holds a password, and so does store.database_password_file"
        yield "store.database", problem, "leave one of the two out"


def _objects(config: Config) -> Found:
    if not _OBJECTS.fullmatch(config.store.objects or ""):
        yield "store.objects", "is not a place for objects", "write one like s3://bucket/prefix"
    s3 = config.store_s3
    if s3.endpoint is not None and not _is_endpoint(s3.endpoint):
        problem = "is not the URL of an object store"
        yield "store.s3.endpoint", problem, 'write one like "https://s3.example.org"'
    for key in ("region", "access_key", "secret_key"):
        if not _PRINTABLE.fullmatch(getattr(s3, key) or "-"):
            problem = "holds a space, a line end, or another character that cannot be sent"
            yield f"store.s3.{key}", problem, "look at its end, mostly"
    yield from _keys(s3)


def _is_endpoint(text: str) -> bool:
    found = _ENDPOINT.fullmatch(text)
    return found is not None and int((found[2] or ":1")[1:]) in range(1, 1 << 16)


def _keys(s3: S3Settings) -> Found:
    for key in ("access_key", "secret_key"):
        if getattr(s3, key) is not None and getattr(s3, f"{key}_file") is not None:
            problem = f"is given, and so is store.s3.{key}_file"
            yield f"store.s3.{key}", problem, "leave one of the two out"
    given = {
        key: next((k for k in (key, f"{key}_file") if getattr(s3, k) is not None), None)
        for key in ("access_key", "secret_key")
    }
    for key, other in (("access_key", "secret_key"), ("secret_key", "access_key")):
        if (written := given[key]) is not None and given[other] is None:
            problem = f"does nothing without store.s3.{other}"
            yield f"store.s3.{written}", problem, f"set {other} or {other}_file, too, or none"


def _unsafe(config: Config) -> Found:
    """What crosses a network that others may listen to."""
    if not _is_verified(config.store.database or ""):
        problem = "mail and accounts cross the network, and the database is not verified"
        hint = f"add ?sslmode=verify-full&sslrootcert=FILE ({AUTHORITIES} for public authorities)"
        yield "store.database", problem, hint
    elif _lacks_authorities(config.store.database or ""):
        problem = (
            "has sslmode=verify-… without sslrootcert: the system's authorities are not looked for"
        )
        hint = f"add &sslrootcert=FILE ({AUTHORITIES} for public authorities)"
        yield "store.database", problem, hint
    endpoint = urlsplit(config.store_s3.endpoint or "")
    if endpoint.scheme == "http" and not _is_here(endpoint.hostname or ""):
        problem = "mail crosses the network to the object store in the clear"
        yield "store.s3.endpoint", problem, "an https:// URL is safer"


def _lacks_authorities(database: str) -> bool:
    """Then the library looks for ``~/.postgresql/root.crt``, and nowhere else."""
    if fault_of(database) is not None:
        return False
    options = parse_qs(urlsplit(database).query)
    verifies = options.get("sslmode", [""])[-1] in {"verify-ca", "verify-full"}
    return verifies and "sslrootcert" not in options


def _is_verified(database: str) -> bool:
    try:
        parts = urlsplit(database)
    except ValueError:  # a fault already
        return True
    if parse_qs(parts.query).get("sslmode") == ["verify-full"]:
        return True
    return all(_is_here(host) for host in _hosts(parts))


def _hosts(parts: SplitResult) -> list[str]:
    hosts = parts.netloc.rpartition("@")[2].split(",")
    hosts = [_without_port(host) for host in hosts if host]
    options = parse_qs(parts.query)
    return hosts + [host for text in options.get("host", []) for host in text.split(",")]


def _finds_the_primary(parts: SplitResult) -> bool:
    wanted = parse_qs(parts.query).get("target_session_attrs", [])
    return len(wanted) == 1 and wanted[0] in {"read-write", "primary"}


def _without_port(place: str) -> str:
    if place.startswith("["):
        return place[1:].partition("]")[0]
    return place.partition(":")[0]


def _is_here(host: str) -> bool:
    return host in {"", "localhost"} or host.startswith("/") or is_loopback(host)
