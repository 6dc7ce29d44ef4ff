"""Accounts in a passwd-file, as Dovecot writes it.

Each time somebody is asked for, it is looked whether the file has changed; if so, it is read
whole. Both happen on a thread. A file that was written within the last second may still be
growing, so its turn comes later: until then what was read before counts, and who is not in
it is not said to be unknown. What cannot be used of a file (it is gone, or holds no account at
all, which an accident is likelier to be the reason of than a decision) is not used: what was
read before goes on being true, and the log says so, once.
"""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import structlog

from pillarbox.auth.addresses import Domains
from pillarbox.auth.errors import AccountsUnavailable
from pillarbox.auth.sources.contract import SourceAccount
from pillarbox.auth.sources.passwd_line import (
    FaultyLine,
    NotOurs,
    account_in,
    is_comment,
    name_in,
)
from pillarbox.auth.sources.threads import Threads

QUIET_SECONDS = 1.0
"""A file that was changed less than this ago may still be being written."""

READING_SECONDS = 10.0
"""So long somebody who asks waits for the file. A million lines take some seconds; a hanging
network disk may take for ever."""

MAX_FILE_OCTETS = 256 << 20
"""Two million accounts. Keeps a wrong path from filling the memory."""

MOST_WARNINGS = 20
"""Faulty lines that the log tells of each; of the rest it tells how many there are."""

_log = structlog.get_logger("pillarbox.auth")


class _Version(NamedTuple):
    """What tells one state of the file from another."""

    device: int
    inode: int
    size: int
    changed_ns: int
    touched_ns: int


class _Unusable(Exception):
    """The file cannot be used as it is now; the text says why."""


class PasswdFile:
    """A source (:class:`pillarbox.auth.sources.contract.Source`) on the file *path*.

    Args:
        path: the file.
        domains: ours; ``alice@domain`` of another one is passed over.
        default_scheme: of passwords that do not say theirs.
        now: seconds since 1970, as the file's times are.
    """

    name = "passwd-file"

    def __init__(
        self,
        path: Path,
        *,
        domains: Iterable[str] = (),
        default_scheme: str = "CRYPT",
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._reading = _Reading(path, Domains(domains), default_scheme)
        self._now = now
        self._accounts: Mapping[str, SourceAccount] | None = None
        self._version: _Version | None = None
        self._complaint = ""
        """What the log was told last; none of it is repeated."""
        self._has_news = False
        """The file has changed just now, and was not read again yet."""
        self._thread = Threads(self.name, 1, READING_SECONDS)

    async def find(self, user: str) -> SourceAccount | None:
        """See the contract.

        Raises:
            AccountsUnavailable: the file could never be read; or the user was not in it, and it
                is being changed, or takes too long to read.
        """
        late = False
        try:
            await self._thread.call(self._refresh)
        except AccountsUnavailable as error:
            late = True
            self._complain(f"{self._path} cannot be read: {error}")
        if self._accounts is None:
            raise AccountsUnavailable(f"{self.name}: {self._complaint}")
        account = self._accounts.get(user)
        if account is None and (late or self._has_news):
            raise AccountsUnavailable(f"{self.name}: {self._path} is being changed, or read")
        return account

    async def proves(self, account: SourceAccount, password: str) -> bool:
        """False: without a hash nothing can be right."""
        del account, password
        return False

    async def close(self) -> None:
        await self._thread.close()

    def _refresh(self) -> None:
        """Read the file if it has changed; keep what was read before if that cannot be. On the
        thread.
        """
        try:
            news = self._news()
        except _Unusable as error:
            self._complain(str(error))
        except OSError as error:
            self._complain(f"{self._path} cannot be read: {error.strerror or error}")
        else:
            self._complaint = ""
            if news is not None:
                self._accounts, self._version = news
                self._reading.tell(len(news[0]))

    def _news(self) -> tuple[Mapping[str, SourceAccount], _Version] | None:
        """What the file says; None: nothing else than before, or it is not the time yet.

        Raises:
            OSError: it cannot be read.
            _Unusable: it cannot be used.
        """
        version = _version(self._path)
        changed = version != self._version
        self._has_news = changed and self._accounts is not None and self._is_fresh(version)
        if not changed or self._has_news:
            return None
        found = self._reading.accounts()
        if _version(self._path) != version:
            raise _Unusable(f"{self._path} changes while it is read")
        return found, version

    def _is_fresh(self, version: _Version) -> bool:
        """Whether it was written just now. (Times of the future are of another clock.)"""
        return 0 <= self._now() - version.changed_ns / 1e9 < QUIET_SECONDS

    def _complain(self, problem: str) -> None:
        if problem != self._complaint:
            self._complaint = problem
            kept = "what was read before" if self._accounts is not None else "nothing"
            _log.error("passwd-file not usable", problem=problem, used_instead=kept)


def _version(path: Path) -> _Version:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise _Unusable(f"{path} is not a file")
    return _Version(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


class _Reading:
    """Reading the file from its beginning to its end."""

    def __init__(self, path: Path, domains: Domains, default_scheme: str) -> None:
        self._path = path
        self._domains = domains
        self._default_scheme = default_scheme
        self._faults: list[tuple[int, str]] = []
        self._strangers = 0

    def accounts(self) -> dict[str, SourceAccount]:
        """The accounts by name. Lines with faults are told of later; whom they are about gets
        mail, and cannot sign in.

        Raises:
            OSError: it cannot be read.
            _Unusable: it is too large, or holds no account.
        """
        self._faults, self._strangers = [], 0
        accounts: dict[str, SourceAccount] = {}
        for number, line in enumerate(self._lines(), 1):
            if is_comment(line):
                continue
            try:
                self._add(line, accounts)
            except NotOurs:
                self._strangers += 1
            except FaultyLine as error:
                self._faults.append((number, str(error)))
        if not accounts:
            raise _Unusable(f"{self._path} holds no account")
        return accounts

    def _add(self, line: str, accounts: dict[str, SourceAccount]) -> None:
        name = name_in(line, self._domains)
        if name in accounts:
            raise FaultyLine("there is a line of that user already, and that one counts")
        try:
            accounts[name] = account_in(line, name, self._default_scheme)
        except FaultyLine:
            accounts[name] = SourceAccount(name, disabled=True)  # gets mail, come what may
            raise

    def _lines(self) -> Iterator[str]:
        with self._path.open("rb") as file:
            data = file.read(MAX_FILE_OCTETS + 1)
        if len(data) > MAX_FILE_OCTETS:
            raise _Unusable(f"{self._path} is larger than {MAX_FILE_OCTETS >> 20} MiB")
        for line in data.split(b"\n"):
            yield line.removesuffix(b"\r").decode("utf-8", "surrogateescape")

    def tell(self, count: int) -> None:
        """Say in the log what was found."""
        for number, problem in self._faults[:MOST_WARNINGS]:
            _log.warning(
                "faulty line in the passwd-file", file=str(self._path), line=number, problem=problem
            )
        more = len(self._faults) - MOST_WARNINGS
        if more > 0:
            _log.warning("more faulty lines in the passwd-file", file=str(self._path), lines=more)
        _log.info(
            "passwd-file read",
            file=str(self._path),
            accounts=count,
            of_other_domains=self._strangers,
        )
