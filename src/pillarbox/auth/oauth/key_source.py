"""Where an issuer's keys are: in a file, or on the web.

Keys on the web are fetched when they are first needed, and again

* when they are older than :data:`FRESH_SECONDS`, so that a key which the issuer has taken back
  stops counting;
* when a token comes that none of them has signed, so that a new one counts at once; but not more
  often than every :data:`PAUSE_SECONDS`, since anybody can send such tokens.

While the issuer is away the old ones go on counting, for a day. All who wait, wait for one request.
"""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog

from pillarbox.auth.oauth.keys import MAX_KEY_SET, BadKeySet, SigningKeys
from pillarbox.auth.oauth.settings import discovery_url
from pillarbox.auth.oauth.web import Web
from pillarbox.auth.oauth.wording import shown
from pillarbox.contracts.errors import AuthUnavailable

FRESH_SECONDS = 600.0
"""For which fetched keys are used without asking: as long does a key count at most after the
issuer has taken it back."""
PAUSE_SECONDS = 30.0
"""Between two requests for keys, whatever comes and however they end."""
STALE_SECONDS = 24 * 3600.0
"""For which fetched keys count while the issuer is away: a night's outage keeps nobody from
mail, and keys that nobody can take back any more do not count for ever."""
LOOK_SECONDS = 1.0
"""Between two looks at whether a file has changed."""

_log = structlog.get_logger("pillarbox.auth")


class KeySource(Protocol):
    """Keeps the keys of one issuer."""

    async def keys(self) -> SigningKeys:
        """Those that count now.

        Raises:
            AuthUnavailable: there are none.
        """

    async def newer(self) -> SigningKeys | None:
        """For a token that none of :meth:`keys` has signed: what has come since, if anything.

        Raises:
            AuthUnavailable: that cannot be found out, so the token may be good.
        """


class KeyFile:
    """A file, read again whenever it has changed. One that is broken later leaves the old keys.

    Args:
        path: of the key set.
        clock: seconds, of any beginning.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._keys: SigningKeys | None = None
        self._looked_at: float | None = None
        self._state: tuple[int, ...] | None = None
        self._trouble = ""

    def read(self) -> SigningKeys:
        """Read the file.

        Raises:
            OSError: it cannot be read.
            BadKeySet: it has no keys.
        """
        with self._path.open("rb") as file:
            return SigningKeys.parse(file.read(MAX_KEY_SET + 1))

    async def keys(self) -> SigningKeys:
        """See the contract."""
        now = self._clock()
        if self._looked_at is None or not 0 <= now - self._looked_at < LOOK_SECONDS:
            self._looked_at = now
            self._look()
        if self._keys is None:
            raise AuthUnavailable(f"no keys to check tokens with: {self._trouble}")
        return self._keys

    async def newer(self) -> SigningKeys | None:
        """Nothing: a file that has changed was just read."""
        return None

    def _look(self) -> None:
        """Read the file if it is another one than last time, also if that one was broken."""
        try:
            found = self._path.stat()
            state = (found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev)
            if state == self._state:
                return
            self._keys = self.read()
            self._state, self._trouble = state, ""
        except (OSError, BadKeySet) as error:
            why = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
            trouble = f"{self._path}: {why}"
            if trouble != self._trouble:
                old = "" if self._keys is None else "those read before go on counting"
                _log.warning(
                    "keys of tokens not read", error=trouble, meanwhile=old or "no token counts"
                )
            self._trouble = trouble


class _KeysOnTheWeb:
    """What :class:`KeyUrl` and :class:`DiscoveredKeys` have in common."""

    def __init__(self, web: Web, clock: Callable[[], float] = time.monotonic) -> None:
        self._web = web
        self._clock = clock
        self._keys: SigningKeys | None = None
        self._fetched_at = 0.0
        self._tried_at: float | None = None
        self._trouble = ""
        self._fetching: asyncio.Task[None] | None = None

    async def keys(self) -> SigningKeys:
        """See the contract."""
        if not self._younger_than(FRESH_SECONDS):
            await self._fetch()
        if self._keys is None or not self._younger_than(STALE_SECONDS):
            raise AuthUnavailable(f"no keys to check tokens with: {self._trouble}")
        return self._keys

    async def newer(self) -> SigningKeys | None:
        """See the contract."""
        before = self._keys
        await self._fetch()
        if self._trouble:
            raise AuthUnavailable(f"the token may be signed by a new key: {self._trouble}")
        return None if self._keys is before else self._keys

    def _younger_than(self, seconds: float) -> bool:
        return self._keys is not None and self._clock() - self._fetched_at < seconds

    async def _fetch(self) -> None:
        """Fetch the keys, unless that was just tried; with everybody else who wants it.

        A task of its own does it: whoever hangs up while it runs must not end it for others.
        """
        if self._fetching is None:
            now = self._clock()
            if self._tried_at is not None and now - self._tried_at < PAUSE_SECONDS:
                return
            self._tried_at = now
            self._fetching = asyncio.get_running_loop().create_task(self._fetch_now())
        await asyncio.shield(self._fetching)

    async def _fetch_now(self) -> None:
        try:
            url = await self._locate()
            self._keys = SigningKeys.parse((await self._web.get(url)).body())
            self._fetched_at, self._trouble = self._clock(), ""
        except (AuthUnavailable, BadKeySet) as error:
            self._trouble = f"{error}" if isinstance(error, AuthUnavailable) else f"{url} {error}"
            _log.warning("keys of tokens not fetched", error=self._trouble)
        finally:
            self._fetching = None

    @abstractmethod
    async def _locate(self) -> str:
        """The URL of the key set.

        Raises:
            AuthUnavailable: it cannot be found.
        """


class KeyUrl(_KeysOnTheWeb):
    """Keys at a known URL.

    Args:
        url: of the key set.
        web: the way there.
        clock: seconds, of any beginning.
    """

    def __init__(self, url: str, web: Web, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(web, clock)
        self._url = url

    async def _locate(self) -> str:
        return self._url


class DiscoveredKeys(_KeysOnTheWeb):
    """Keys where the issuer says (OpenID Connect Discovery 1.0; RFC 8414).

    Args:
        issuer: its URL.
        web: the way there.
        clock: seconds, of any beginning.
    """

    def __init__(self, issuer: str, web: Web, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(web, clock)
        self._issuer = issuer

    async def _locate(self) -> str:
        url = discovery_url(self._issuer)
        document = (await self._web.get(url)).object()
        if (
            document.get("issuer") != self._issuer
        ):  # section 4.3: or somebody else could speak for it
            raise AuthUnavailable(
                f"{url} is of another issuer ({shown(document.get('issuer'))}): "
                "write auth.oauth.issuer exactly as it stands there, or give auth.oauth.jwks"
            )
        place = document.get("jwks_uri")
        if not isinstance(place, str):
            raise AuthUnavailable(f"{url} does not say where the keys are (jwks_uri)")
        return place
