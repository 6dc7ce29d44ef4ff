"""What every proof is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

from pillarbox.auth.applicant import Applicant
from pillarbox.contracts.errors import CredentialsRefused
from pillarbox.model import Identity


class Proof(Protocol):
    """One claim of one client. Both steps may raise AuthUnavailable or AccountError."""

    who: Applicant
    """For the throttle."""

    async def recognise(self) -> Identity | None:
        """What the claim opens, when that can be said without much work; None says nothing."""

    async def prove(self) -> Identity:
        """What the claim opens.

        Raises:
            CredentialsRefused: nothing; with the reason, for the log.
        """


class CheapProof(ABC):
    """One for which the look is the proof already."""

    async def recognise(self) -> Identity | None:
        """See :class:`Proof`."""
        try:
            return await self.prove()
        except CredentialsRefused:
            return None

    @abstractmethod
    async def prove(self) -> Identity:
        """See :class:`Proof`."""
