"""What the wizard and the page of accounts need: discovery, trials, and changes to the configuration."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import platformdirs

from pillarbox.app.collecting.tokens import oauth2_settings
from pillarbox.app.collecting.values import READER
from pillarbox.app.config.faults import ConfigError
from pillarbox.app.reading import new_place
from pillarbox.app.reading.account_file import AccountFile
from pillarbox.app.reading.accounts import ConfiguredAccounts
from pillarbox.app.reading.describing import described
from pillarbox.app.reading.discovering import find_servers
from pillarbox.app.reading.kept_secrets import COLLECTING, SENDING, KeptSecrets
from pillarbox.app.reading.new_account import PATIENCE, sending_settings, settings_of, to_try
from pillarbox.client.looking import look_at_certificate
from pillarbox.client.tls import TlsSettings, fingerprint_of
from pillarbox.contracts.errors import PillarboxError
from pillarbox.domains import comparable
from pillarbox.fetch.account import Account
from pillarbox.fetch.moving import Compared, compare
from pillarbox.fetch.oauth.login import login
from pillarbox.fetch.oauth.source import TokenSource
from pillarbox.fetch.oauth.store import TokenStore
from pillarbox.fetch.oauth.token_file import TokenFile
from pillarbox.fetch.run import preview
from pillarbox.reader.errors import CannotAddAccount, NoPassword, NotSendable
from pillarbox.reader.model import Identity
from pillarbox.reader.setting_up import Description, Found, Mailbox, NewAccount, OAuth
from pillarbox.reader.submission import Submission

_SENDING_PASSWORD = ("smtp_password_file", "smtp_password_command")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9@._+-]+")

Discover = Callable[[str], Awaitable[Sequence[Found]]]
"""Finds servers for an address, best first."""

TrySubmission = Callable[[Submission], Awaitable[None]]
"""Signs in, and sends nothing."""


class ConfiguredSetup:
    """See :class:`pillarbox.reader.setting_up.Setup`."""

    def __init__(
        self,
        accounts: ConfiguredAccounts,
        submit: TrySubmission,
        discover: Discover = find_servers,
    ) -> None:
        """Change the configuration that *accounts* come from.

        Args:
            accounts: as the reader has them.
            submit: tries a submission server.
            discover: finds servers.
        """
        self._accounts = accounts
        self._submit = submit
        self._discover = discover

    def suggest_name(self, address: str) -> str:
        """The address is what tells accounts apart for most people."""
        name = _NOT_IN_NAMES.sub("-", address.strip()).lstrip("@._+-")[:90] or "mail"
        taken = set(self._accounts.names())
        numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
        return next(each for each in (name, *numbered) if each not in taken)

    async def discover(self, address: str) -> Sequence[Found]:
        return await self._discover(address)

    async def try_collecting(self, account: NewAccount) -> int:
        plan = await preview(
            to_try(account, await self._token(account.name, account.oauth)), self._accounts.state
        )
        return len(plan.retrieve)

    async def try_submitting(self, account: NewAccount) -> None:
        submission = account.submit
        if submission is None:
            raise CannotAddAccount("There is no server for sending.")
        if submission.user is not None:
            token = await self._token(account.name, account.oauth)
            password = account.submit_password or account.password or None
            submission = submission._replace(token=token, password=None if token else password)
        await self._submit(submission)

    async def fingerprint(self, account: NewAccount) -> str:
        der = await look_at_certificate(account.collect, None)
        return fingerprint_of(der) if der else ""

    async def sign_in(
        self, account: str, oauth: OAuth | None, show: Callable[[str], object]
    ) -> None:
        if oauth is None:
            table = self._accounts.recipe(account, READER).oauth2
            if table is None:
                raise CannotAddAccount(f'The account "{account}" signs in by a password.')
        else:
            table = _table(oauth)
        settings = await oauth2_settings(table, account)
        store = TokenStore(account, self._accounts.state)
        # The page shows the link: a browser is open already.
        await login(settings, store, show=show, open_browser=lambda _url: None)
        self._accounts.forget(account)

    def add(self, account: NewAccount) -> None:
        if account.name in self._accounts.names():
            raise CannotAddAccount(
                f'There is an account "{account.name}" already: give this one another name.'
            )
        file = self._file()
        secrets = KeptSecrets(file.path)
        values = settings_of(account)
        if account.oauth is not None:
            values["oauth2"] = _table(account.oauth)
        else:
            values["password_file"] = secrets.keep(
                account.name, account.collect.host, account.collect.user, account.password
            )
        if account.submit is not None and account.submit_password:
            values["smtp_password_file"] = secrets.keep(
                account.name,
                account.submit.host,
                account.submit.user or "",
                account.submit_password,
                purpose=SENDING,
            )
        file.put(account.name, {key: value for key, value in values.items() if value is not None})
        self._must_work(account.name, file)

    def describe(self, account: str) -> Description:
        description = described(account, self._accounts)
        file = self._accounts.current.file
        if file is None or account not in AccountFile(file).names():
            why = "It is given on the command line or in the environment: change it there."
            return replace(description, fixed=why)
        return description

    def set_identity(self, identity: Identity) -> None:
        values = {
            "from": identity.address or None,
            "name": identity.name or None,
            "signature": identity.signature or None,
            "aliases": list(identity.aliases) or None,
        }
        self._own(identity.account).put(identity.account, values)

    def set_keeping(self, account: str, days: int | None) -> None:
        keep = (
            {"keep": True, "keep_days": None} if days is None else {"keep": None, "keep_days": days}
        )
        self._own(account).put(account, keep)

    def set_trust(self, account: str, tls: TlsSettings) -> None:
        values = {"ca": str(tls.ca) if tls.ca else None, "fingerprint": tls.fingerprint}
        self._own(account).put(account, values)

    def set_password(self, account: str, password: str) -> None:
        file = self._own(account)
        recipe = self._accounts.recipe(account, READER)
        if where := self.describe(account).password_from:
            raise CannotAddAccount(f"The password comes from {where}: change it there.")
        endpoint = recipe.account.endpoint
        secrets = KeptSecrets(file.path)
        kept = secrets.keep(account, endpoint.host, endpoint.user, password)
        file.put(account, {"password_file": kept})
        secrets.remove_others(account, kept)

    async def try_mailbox(self, account: str, mailbox: Mailbox) -> Compared:
        there, before = await asyncio.to_thread(new_place.to_try, account, mailbox, self._accounts)
        return await compare(there, before, self._accounts.state)

    def set_mailbox(self, account: str, mailbox: Mailbox, *, same: bool) -> None:
        new_place.move(account, mailbox, self._accounts, self._own(account), same=same)

    async def try_sending(self, account: str, submit: Submission, password: str) -> None:
        await self._submit(await asyncio.to_thread(self._signing_as_now, account, submit, password))

    def set_sending(self, account: str, submit: Submission | None, password: str) -> None:
        file = self._own(account)
        recipe = self._accounts.recipe(account, READER)
        mailbox = recipe.account
        self._must_be_known_there(account, submit, password)
        if submit is not None:
            submit = _introduced(submit, mailbox)
        values = sending_settings(submit, mailbox.endpoint, mailbox.tls)
        secrets = KeptSecrets(file.path)
        before = file.values(account)
        signs_in = submit is not None and submit.user is not None
        if not signs_in:
            values |= dict.fromkeys(_SENDING_PASSWORD)
        kept = None
        if signs_in and password:
            # What the file names at any moment is the right one for the server that it names.
            kept = secrets.keep_file(
                account, password, purpose=SENDING, beside=self._sending_password(account)
            )
            values |= dict.fromkeys(_SENDING_PASSWORD) | {"smtp_password_file": kept}
        try:
            file.put(account, values)
            try:
                self._must_send(account, submit)
            except PillarboxError as error:
                file.put(account, {key: before.get(key) for key in values})
                raise CannotAddAccount(f"Nothing was changed: {error}") from None
        except CannotAddAccount:
            if kept and file.values(account).get("smtp_password_file") != kept:
                secrets.remove_kept(kept)
            raise
        if kept or not signs_in:
            secrets.remove_others(account, kept, SENDING)

    def _sending_password(self, account: str) -> Path | None:
        """The file that has it now."""
        said = self._accounts.settings(account).get("smtp_password_file")
        return said.value if said else None

    def _must_be_known_there(self, account: str, submit: Submission | None, password: str) -> None:
        """Raises NoPassword: another host than now would get the password of this one."""
        settings = self._accounts.settings(account)
        if password or submit is None or submit.user is None or "smtp" not in settings:
            return
        recipe = self._accounts.recipe(account, READER)
        by_password = not (recipe.oauth2 or recipe.account.tls.client_certificate)
        has_one = by_password or any(key in settings for key in _SENDING_PASSWORD)
        if has_one and comparable(settings["smtp"].value.host) != comparable(submit.host):
            raise NoPassword(
                f"{submit.host} is another server: enter the password for it. That of the server until now is not shown to it."
            )

    def _must_send(self, account: str, submit: Submission | None) -> None:
        """Raises PillarboxError: what was written cannot be used."""
        self._accounts.recipe(account, READER)
        if submit is not None:
            self._accounts.to_submit(account)

    def _signing_as_now(self, account: str, submit: Submission, password: str) -> Submission:
        """*submit*, with what signs in there. Raises NoPassword: that has to be entered."""
        self._must_be_known_there(account, submit, password)
        mailbox = self._accounts.recipe(account, READER).account
        submit = _introduced(submit, mailbox)._replace(proxy=mailbox.proxy, timeout=PATIENCE)
        if submit.user is None:
            return submit
        if password:
            return submit._replace(password=password)
        try:
            now = self._accounts.to_submit(account)
        except NotSendable:
            now = None
        if now is not None and now.user is not None:
            return submit._replace(password=now.password, token=now.token)
        signed = self._accounts.to_collect(account, self._accounts.state)
        return submit._replace(password=signed.password, token=signed.token)

    def remove(self, account: str) -> None:
        file = self._own(account)
        endpoint = self._accounts.recipe(account, READER).account.endpoint
        file.drop(account)
        KeptSecrets(file.path).forget(account, endpoint.host, endpoint.user)
        TokenFile(self._accounts.state, account).remove()
        self._accounts.forget(account)

    async def _token(self, name: str, oauth: OAuth | None) -> str | None:
        if oauth is None:
            return None
        settings = await oauth2_settings(_table(oauth), name)
        return await TokenSource(settings, TokenStore(name, self._accounts.state)).access_token()

    def _file(self) -> AccountFile:
        """The one that is read, or the one that will be."""
        found = self._accounts.current.file
        return AccountFile(found or platformdirs.user_config_path("pillarbox") / "pillarbox.toml")

    def _own(self, account: str) -> AccountFile:
        """The file, if *account* can be changed in it.

        Raises:
            CannotAddAccount: it cannot.
        """
        if fixed := self.describe(account).fixed:
            raise CannotAddAccount(fixed)
        return self._file()

    def _must_work(self, account: str, file: AccountFile) -> None:
        """What was written has to be understood; else it is taken back."""
        try:
            self._accounts.recipe(account, READER)
        except (ConfigError, CannotAddAccount) as error:
            file.drop(account)
            for purpose in (COLLECTING, SENDING):
                KeptSecrets(file.path).remove_file(account, purpose)
            raise CannotAddAccount(f"The account was not added: {error}") from None


def _introduced(submit: Submission, mailbox: Account) -> Submission:
    """With the certificate of ours that the mailbox's server knows, if it is the same."""
    if submit.host != mailbox.endpoint.host:
        return submit
    ours = mailbox.tls.client_certificate
    return submit._replace(tls=submit.tls._replace(client_certificate=ours))


def _table(oauth: OAuth) -> dict[str, Any]:
    table = {"provider": oauth.provider, "client_id": oauth.client_id}
    return table | ({"client_secret": oauth.client_secret} if oauth.client_secret else {})
