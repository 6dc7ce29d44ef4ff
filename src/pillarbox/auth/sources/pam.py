"""Users of the system, their passwords checked by PAM.

PAM runs with the rights of the process that asks. ``pam_unix`` checks only a process's own
password then, unless that is root's: an unprivileged server needs a service whose modules ask
somebody else (``pam_sss``, ``pam_winbind``, ``pam_ldap``).

PAM blocks, on the network or on purpose: after a wrong password it waits for seconds, so that
people guess slowly. That is the throttle's business here, so the waiting is switched off.
"""

from __future__ import annotations

import ctypes
import pwd
from collections.abc import Collection
from typing import Any

import pam

from pillarbox.auth.errors import AccountsUnavailable, InvalidName
from pillarbox.auth.names import normalise
from pillarbox.auth.sources.contract import SourceAccount, askable
from pillarbox.auth.sources.threads import Threads

NOBODIES = range(61_184, 65_536)
"""Users that are no people: those that systemd makes up for services, and ``nobody``."""

NO_ID = 2**32 - 1
"""-1 as a user's number."""

_FAIL_DELAY = 10  # PAM_FAIL_DELAY of _pam_types.h
_DISALLOW_NULL = 0x1  # PAM_DISALLOW_NULL_AUTHTOK
_SILENT = 0x8000  # PAM_SILENT

# fmt: off
_REFUSALS = frozenset({
    # what is the user's fault, or the password's
    pam.PAM_AUTH_ERR, pam.PAM_USER_UNKNOWN, pam.PAM_MAXTRIES,
    pam.PAM_ACCT_EXPIRED, pam.PAM_NEW_AUTHTOK_REQD, pam.PAM_AUTHTOK_EXPIRED,
    pam.PAM_CRED_EXPIRED, pam.PAM_PERM_DENIED, pam.PAM_CRED_INSUFFICIENT,
})
# fmt: on

_NO_DELAY = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)(
    lambda _result, _microseconds, _data: None
)
"""What PAM calls instead of waiting."""


class PamSource:
    """A source (:class:`pillarbox.auth.sources.contract.Source`) on the system's users.

    Args:
        service: the name of PAM's configuration, a file in ``/etc/pam.d``.
        min_uid: users with smaller numbers are the system's own, and have no mail here.
        exclude: nor have these.
        threads: at once, of each process.
        timeout: seconds for an answer.

    Raises:
        OSError, AttributeError: there is no PAM on this system.
    """

    name = "pam"

    def __init__(
        self,
        service: str,
        *,
        min_uid: int = 1000,
        exclude: Collection[str] = (),
        threads: int = 4,
        timeout: float = 10.0,
    ) -> None:
        self._service = service
        self._min_uid = min_uid
        self._exclude = frozenset(exclude)
        self._threads = Threads(self.name, threads, timeout)
        _Question()  # loads PAM, if that can be done

    async def find(self, user: str) -> SourceAccount | None:
        """See the contract: the system's users, by whatever ``nsswitch.conf`` says.

        Raises:
            AccountsUnavailable: it takes too long.
        """
        name, possible = askable(user)
        account = await self._threads.call(self._account, name)
        return account if possible else None

    async def proves(self, account: SourceAccount, password: str) -> bool:
        """See the contract. The account must not have expired, either, nor its password.

        Raises:
            AccountsUnavailable: it takes too long, or PAM fails.
        """
        name, possible = askable(account.name)
        if not possible or not password or "\0" in password:
            return False
        return await self._threads.call(self._opens, name, password)

    async def close(self) -> None:
        await self._threads.close()

    def _account(self, user: str) -> SourceAccount | None:
        try:
            found = pwd.getpwnam(user)
            same = normalise(found.pw_name) == user
        except (KeyError, InvalidName):
            return None
        except OSError as error:
            raise AccountsUnavailable(f"pam: users cannot be read: {error.strerror}") from None
        if not same or user in self._exclude or not self._is_person(found.pw_uid):
            return None
        return SourceAccount(user, stamp=str(found.pw_uid))

    def _is_person(self, uid: int) -> bool:
        return uid >= self._min_uid and uid not in NOBODIES and uid != NO_ID

    def _opens(self, user: str, password: str) -> bool:
        question = _Question()
        secret = password.encode("utf-8", "surrogateescape")
        if question.authenticate(user, secret, self._service, resetcreds=False):
            return True
        if question.code in _REFUSALS:
            return False
        raise AccountsUnavailable(
            f"pam: the service {self._service} fails: {question.reason} ({question.code})"
        )


class _Question(pam.PamAuthenticator):  # type: ignore[misc] # has no types
    """One question to PAM: with no accounts without passwords, no output, and no waiting."""

    def __init__(self) -> None:
        super().__init__()
        authenticate: Any = self.pam_authenticate

        def strictly(handle: Any, flags: int) -> int:
            self.pam_set_item(handle, _FAIL_DELAY, ctypes.cast(_NO_DELAY, ctypes.c_void_p))
            answer: int = authenticate(handle, flags | _DISALLOW_NULL | _SILENT)
            return answer

        self.pam_authenticate: Any = strictly
