"""The accounts of the configuration, as the reader needs them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from pillarbox.app.collecting.configuration import Accounts, read_accounts
from pillarbox.app.collecting.credentials import with_credentials
from pillarbox.app.collecting.layers import Layer, Said, merged
from pillarbox.app.collecting.recipe import Recipe, collected_twice, make_recipe
from pillarbox.app.collecting.tokens import AccessTokens
from pillarbox.app.collecting.values import READER
from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.config.sections import ACCOUNTS, DEFAULTS
from pillarbox.app.reading.kept_secrets import FOLDER
from pillarbox.app.reading.submissions import Signing, make_submission
from pillarbox.contracts.errors import PillarboxError
from pillarbox.fetch.account import Account
from pillarbox.fetch.destinations import Target
from pillarbox.reader.errors import CannotAddAccount, NotSendable
from pillarbox.reader.model import Identity
from pillarbox.reader.submission import Submission

Stamp = tuple[int, int, int] | None


class ConfiguredAccounts:
    """See :class:`pillarbox.reader.contracts.Accounts`.

    The file is read again when it has changed. While it cannot be read, what it said before counts: a slip of the
    pen must not take the accounts away.
    """

    def __init__(self, config: Path | None, overrides: Sequence[str], state: Path) -> None:
        """Read them.

        Args:
            config: as ``--config``.
            overrides: as ``--set``.
            state: the folder of journals and sign-ins, as of ``pillarbox fetch``.

        Raises:
            ConfigError: the file cannot be read.
        """
        self._config, self._overrides, self._state = config, tuple(overrides), state
        self._lock = threading.Lock()
        self._tokens: dict[str, tuple[object, AccessTokens]] = {}
        self._accounts = read_accounts(config, overrides)
        self._stamp = _stamp(self._accounts.file)
        self._broken = ""

    @property
    def state(self) -> Path:
        return self._state

    @property
    def kept(self) -> Sequence[Path]:
        file = self.current.file
        if file is None:
            return ()
        passwords = file.parent / FOLDER
        return (file, passwords) if passwords.exists() else (file,)

    @property
    def current(self) -> Accounts:
        """What the configuration says now."""
        with self._lock:
            stamp = _stamp(self._accounts.file)
            if stamp is None or stamp != self._stamp:
                try:
                    self._accounts = read_accounts(self._config, self._overrides)
                except ConfigError as error:
                    self._broken = str(error)
                else:
                    self._broken = ""
                self._stamp = _stamp(self._accounts.file)
            return self._accounts

    def names(self) -> Sequence[str]:
        return tuple(self.current.by_name)

    def identity(self, account: str) -> Identity:
        settings = self.settings(account)
        user = self._user(account)
        address = settings["from"].value if "from" in settings else user if "@" in user else ""
        return Identity(
            account,
            address,
            settings["name"].value if "name" in settings else "",
            settings["signature"].value if "signature" in settings else "",
            settings["aliases"].value if "aliases" in settings else (),
        )

    def problem(self, account: str) -> str:
        faults: list[Fault] = []
        if self._recipe(account, READER, faults) is None or faults:
            return str(ConfigError(faults))
        return self._broken

    def troubles(self) -> Sequence[str]:
        current = self.current
        named = _begins(current.by_name) if current.by_name else ()
        # Each value of an account with a bad name is a fault of its own.
        told: dict[tuple[str, str], Fault] = {}
        for fault in current.faults:
            if not fault.setting.startswith(named):
                told.setdefault((fault.setting.rpartition(".")[0], fault.problem), fault)
        return [str(fault) for fault in told.values()]

    def to_collect(self, account: str, into: Path) -> Account:
        recipe = self.recipe(account, Target("maildir", str(into.absolute())))
        return self._signing(account, recipe)

    def to_submit(self, account: str) -> Submission:
        if account not in self.current.by_name:
            raise NotSendable(
                f"There is no account {account} any more. Edit the message, and choose from whom else to send it."
            )
        try:
            recipe = self.recipe(account, READER)
        except PillarboxError as error:
            raise NotSendable(str(error)) from None
        settings = self.settings(account)
        sign = partial(self._signing, account, recipe)
        signing = Signing(recipe.account, recipe.is_told, sign)
        return make_submission(account, settings, signing)

    # For the wizard.

    def recipe(self, account: str, target: Target) -> Recipe:
        """The account, with *target* instead of its own.

        Raises:
            CannotAddAccount: there is none of the name.
            ConfigError: its settings will not do.
        """
        if account not in self.current.by_name:
            raise CannotAddAccount(f'There is no account "{account}" (any more).')
        faults: list[Fault] = []
        recipe = self._recipe(account, target, faults)
        if recipe is None or faults:
            raise ConfigError(faults)
        return recipe

    def settings(self, account: str) -> Layer:
        """What counts for *account*."""
        current = self.current
        return merged([current.by_name.get(account, {}), current.defaults])

    def forget(self, account: str) -> None:
        """A person has signed in anew: what was known of tokens does not count."""
        self._tokens.pop(account, None)

    def _recipe(self, account: str, target: Target, faults: list[Fault]) -> Recipe | None:
        current = self.current
        place = str(current.file or "pillarbox")
        mine = _begins([account])
        faults += [fault for fault in current.faults if fault.setting.startswith(mine)]
        to: Layer = {"to": Said(target, lambda: place, "to")}

        def made(name: str, found: list[Fault]) -> Recipe | None:
            return make_recipe(name, (to, current.by_name[name], current.defaults), place, found)

        recipes = [recipe for name in current.by_name if (recipe := made(name, []))]
        faults += [
            fault
            for fault in collected_twice(recipes, place)
            if fault.setting == f"accounts.{account}"
        ]
        return made(account, faults) if account in current.by_name else None

    def _signing(self, account: str, recipe: Recipe) -> Account:
        """With what signs it in. Tokens come from one place for collecting and sending: some providers give out
        a new refresh token each time, and take the old one back.
        """
        if recipe.oauth2 is None:
            return with_credentials(recipe, self._state)
        table, tokens = self._tokens.get(account, (None, None))
        if tokens is None or table != recipe.oauth2:
            tokens = AccessTokens(recipe.oauth2, account, self._state)
            self._tokens[account] = recipe.oauth2, tokens
        return recipe.account._replace(token=tokens, discard_token=tokens.discard)

    def _user(self, account: str) -> str:
        recipe = self._recipe(account, READER, [])
        return recipe.account.endpoint.user if recipe else ""


def _begins(names: Iterable[str]) -> tuple[str, ...]:
    """How the names of settings begin that count for these accounts."""
    beginnings = [f"{DEFAULTS}."]
    for name in names:
        beginnings += [f"{ACCOUNTS}.{name}.", f"PILLARBOX_ACCOUNTS__{name.upper()}__"]
    return tuple(beginnings)


def _stamp(file: Path | None) -> Stamp:
    """What tells a file from what it was before; None: there is none."""
    if file is None:
        return None
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
