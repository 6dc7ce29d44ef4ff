"""Who can write: the accounts, each as one of its addresses."""

from __future__ import annotations

from dataclasses import replace

from pillarbox.reader.compose.senders import named_address, writing_as
from pillarbox.reader.contracts import Accounts
from pillarbox.reader.errors import WrongFields
from pillarbox.reader.model import Draft, Identity


class Writers:
    """Those of *accounts*, as they are at each moment."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def all(self) -> list[Identity]:
        """Each with the account's own address."""
        return [self._accounts.identity(name) for name in self._accounts.names()]

    def of(self, account: str) -> Identity | None:
        """None: there is no such account (any more)."""
        return self._accounts.identity(account) if account in self._accounts.names() else None

    def of_or_first(self, account: str) -> Identity | None:
        """That of *account*, if there still is such an account; else the first. None: there is none at all."""
        names = self._accounts.names()
        if not names:
            return None
        return self._accounts.identity(account if account in names else names[0])

    def of_draft(self, draft: Draft) -> Identity:
        """From whom *draft* is, with the address that it is from.

        Raises:
            WrongFields: there is none, or it has to be chosen.
        """
        identity = self.of_or_first(draft.account)
        if identity is None:
            raise WrongFields({"account": "There is no account to send from. Add one first."})
        if draft.account and identity.account != draft.account:
            raise _gone(f"There is no account {draft.account} any more.")
        writer = writing_as(identity, draft.sender) if draft.sender else identity
        if writer is None:
            raise _gone(f"{draft.sender} is no address of the account {identity.account} any more.")
        return writer

    def named(self, writer: Identity) -> Identity:
        """*writer* with an address that has a name: not the subaddress of one."""
        known = self._accounts.identity(writer.account)
        return replace(known, address=named_address(known, writer.address) or known.address)

    def into(self, draft: Draft, writer: Identity | None) -> Draft:
        """*draft* from *writer*, who has the address that it is to be from. None: from nobody yet."""
        if writer is None:
            return draft
        own = self._accounts.identity(writer.account).address
        sender = "" if writer.address == own else writer.address
        return replace(draft, account=writer.account, sender=sender)


def _gone(why: str) -> WrongFields:
    return WrongFields({"account": f"{why} Choose from whom this message goes."})
