"""The account sources that a configuration names, in its order.

They are made in the process that uses them, after the fork and with its rights, and connect
only when they are asked something. A library is imported only for a source that needs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.config.settings import Config
from pillarbox.app.secret_file import secret_in
from pillarbox.auth.sources.contract import Source
from pillarbox.auth.sources.passwd_file import PasswdFile


def open_sources(config: Config) -> tuple[Source, ...]:
    """The sources. Whoever asks for them closes them.

    Raises:
        ConfigError: one cannot be made: its library is missing, a password's file cannot be read.
    """
    return tuple(_MAKERS[name](config) for name in config.auth.sources)


async def close_sources(sources: Sequence[Source]) -> None:
    """Free what they have opened; together, since each may have to wait for an answer."""
    await asyncio.gather(*(source.close() for source in sources))


def _passwd_file(config: Config) -> Source:
    settings = config.auth_passwd_file
    if settings.path is None:
        raise _fault(config, "auth.passwd_file.path", "is not set")
    return PasswdFile(
        settings.path, domains=config.delivery.domains, default_scheme=settings.default_scheme
    )


def _sql(config: Config) -> Source:
    from pillarbox.auth.sources.sql.database import open_database  # noqa: PLC0415 - see above
    from pillarbox.auth.sources.sql.query import FaultyQuery  # noqa: PLC0415
    from pillarbox.auth.sources.sql.settings import DatabaseSettings  # noqa: PLC0415
    from pillarbox.auth.sources.sql.source import SqlSource  # noqa: PLC0415
    from pillarbox.auth.sources.sql.url import DatabaseUrl, FaultyUrl  # noqa: PLC0415

    settings = config.auth_sql
    try:
        database = DatabaseSettings(
            DatabaseUrl.parse(settings.url or ""),
            secret_in(config, "auth.sql.password_file", settings.password_file),
            settings.ca,
            settings.connections,
            settings.timeout,
        )
        return SqlSource(
            open_database(database), settings.query or "", default_scheme=settings.default_scheme
        )
    except FaultyUrl as error:
        raise _fault(config, "auth.sql.url", str(error)) from None
    except FaultyQuery as error:
        raise _fault(config, "auth.sql.query", str(error)) from None
    except ImportError as error:
        raise _fault(config, "auth.sql", f"its library cannot be loaded: {error}") from error


def _ldap(config: Config) -> Source:
    settings = config.auth_ldap
    try:
        from pillarbox.auth.sources.ldap.connection import DirectorySettings  # noqa: PLC0415
        from pillarbox.auth.sources.ldap.source import LdapSource, Whereabouts  # noqa: PLC0415
    except ImportError as error:
        raise _fault(config, "auth.ldap", f"its library cannot be loaded: {error}") from error
    directory = DirectorySettings(
        settings.urls,
        starttls=settings.starttls,
        ca=settings.ca,
        bind_dn=settings.bind_dn,
        password=secret_in(config, "auth.ldap.password_file", settings.password_file),
        timeout=settings.timeout,
        connections=settings.connections,
    )
    whereabouts = Whereabouts(settings.base or "", settings.filter, settings.dn)
    return LdapSource(directory, whereabouts, quota_attribute=settings.quota_attribute)


def _pam(config: Config) -> Source:
    settings = config.auth_pam
    try:
        from pillarbox.auth.sources.pam import PamSource  # noqa: PLC0415 - see above

        return PamSource(
            settings.service,
            min_uid=settings.min_uid,
            exclude=settings.exclude,
            threads=settings.threads,
            timeout=settings.timeout,
        )
    except (ImportError, OSError, AttributeError) as error:  # what a missing libpam shows itself as
        raise _fault(config, "auth.pam", f"its library cannot be loaded: {error}") from error


_MAKERS: dict[str, Callable[[Config], Source]] = {
    "passwd-file": _passwd_file,
    "sql": _sql,
    "ldap": _ldap,
    "pam": _pam,
}


def _fault(config: Config, setting: str, problem: str, hint: str = "") -> ConfigError:
    return ConfigError([Fault(str(config.file or ""), setting, problem, hint)])
