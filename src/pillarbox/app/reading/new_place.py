"""The server from which an account is collected is another one now, or called otherwise: tried first, then kept.

The account keeps its name, and thereby its inbox; its password goes along in the keyring, its journal if the mailbox
is the same (:mod:`pillarbox.fetch.moving`), and sending stays as it was (:mod:`.unmoved_sending`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from pillarbox.app.collecting.credentials import kept_password
from pillarbox.app.collecting.recipe import Recipe
from pillarbox.app.collecting.values import READER
from pillarbox.app.config.faults import ConfigError
from pillarbox.app.reading.account_file import AccountFile
from pillarbox.app.reading.accounts import ConfiguredAccounts
from pillarbox.app.reading.kept_secrets import SENDING, KeptSecrets
from pillarbox.app.reading.new_account import PATIENCE
from pillarbox.app.reading.unmoved_sending import Unmoved, sending_place, unmoved
from pillarbox.client.endpoint import Security
from pillarbox.contracts.errors import PillarboxError
from pillarbox.fetch.account import Account
from pillarbox.fetch.errors import JournalUnusable
from pillarbox.fetch.journal_file import existing
from pillarbox.fetch.moving import carry, leave
from pillarbox.fetch.run import journal_of
from pillarbox.reader.errors import CannotAddAccount, NoPassword
from pillarbox.reader.setting_up import Mailbox
from pillarbox.reader.submission import Submission

_ELSEWHERE = "Its server is also given on the command line or in the environment: change it there."
_SENDS_ELSEWHERE = "Its server for sending is given on the command line or in the environment, without a user: name one there."


def to_try(account: str, mailbox: Mailbox, accounts: ConfiguredAccounts) -> tuple[Account, Path]:
    """*account* at its new place, with what signs it in; and the journal of the old one. Blocking.

    Raises:
        PillarboxError: there is nothing to try.
    """
    now = accounts.recipe(account, READER).account
    there = _moved(now, mailbox)
    _must_be_free(there, accounts)
    signed = accounts.to_collect(account, accounts.state)
    if mailbox.password:
        signed = signed._replace(password=mailbox.password, token=None, discard_token=None)
    if (signed.password, signed.token, there.tls.client_certificate) == (None, None, None):
        raise NoPassword("There is no password for this account here: enter it.")
    ready = there._replace(
        password=signed.password,
        token=signed.token,
        discard_token=signed.discard_token,
        timeout=PATIENCE,
    )
    return ready, journal_of(now, accounts.state)


def move(
    account: str, mailbox: Mailbox, accounts: ConfiguredAccounts, file: AccountFile, *, same: bool
) -> None:
    """*account*, which stands in *file*, is collected from *mailbox*. *same*: its journal goes along.

    Raises:
        PillarboxError: nothing was changed.
    """
    recipe = accounts.recipe(account, READER)
    now, there = recipe.account, _moved(recipe.account, mailbox)
    _must_be_free(there, accounts)
    if mailbox.password and (recipe.password_command or recipe.oauth2):
        raise CannotAddAccount("It signs in otherwise than by a password that is entered here.")
    password = mailbox.password or _kept_there(recipe, there)
    sending = unmoved(now, there, password, accounts)
    values = _changes(now, there) | _what_stays(now, there, account, accounts) | sending.values
    old, new = (journal_of(place, accounts.state) for place in (now, there))
    carried = same and old != new and existing(old) is not None
    if carried:
        carry(old, new)
    secrets = KeptSecrets(file.path)
    with ExitStack() as undo:
        # Passwords first: what the file names at any moment is the right one for the server that it names.
        if sending.password:
            undo.callback(secrets.remove_file, account, SENDING)
            kept = secrets.keep_file(account, sending.password, purpose=SENDING)
            values["smtp_password_file"] = kept
        if password:
            values["password_file"] = _keep(recipe, there, password, secrets, undo)
        _write(there, values, sending, accounts, file)
        undo.pop_all()
    if password:
        secrets.remove_others(account, values["password_file"])
    if carried:
        with suppress(JournalUnusable):  # the new one counts; this one is in nobody's way
            leave(old, new)
    if not _is_used(now, accounts):
        secrets.forget_kept(now.endpoint.host, now.endpoint.user)


def _write(
    there: Account,
    values: dict[str, Any],
    sending: Unmoved,
    accounts: ConfiguredAccounts,
    file: AccountFile,
) -> None:
    """All of *values*, if they come to what is meant; or nothing."""
    account = there.name
    before = file.values(account)
    file.put(account, values)
    try:
        moved = accounts.recipe(account, READER).account
        if moved.endpoint != there.endpoint:
            raise CannotAddAccount(_ELSEWHERE)
        if _signs_in(sending_place(moved, accounts)) != _signs_in(sending.place):
            raise CannotAddAccount(_SENDS_ELSEWHERE)
    except PillarboxError as error:
        file.put(account, {key: before.get(key) for key in values})
        raise CannotAddAccount(f"Nothing was changed: {error}") from None


def _signs_in(place: Submission | None) -> tuple[str, str | None] | None:
    return place and (place.host, place.user)


def _moved(now: Account, mailbox: Mailbox) -> Account:
    tls = now.tls._replace(ca=mailbox.tls.ca, fingerprint=mailbox.tls.fingerprint)
    return now._replace(endpoint=mailbox.endpoint, tls=tls)


def _must_be_free(there: Account, accounts: ConfiguredAccounts) -> None:
    """Raises CannotAddAccount: another account is collected from there."""
    mine = journal_of(there, Path())
    for name in accounts.names():
        with suppress(ConfigError):
            other = accounts.recipe(name, READER).account
            if name != there.name and journal_of(other, Path()) == mine:
                raise CannotAddAccount(f'The account "{name}" is collected from there already.')


def _changes(now: Account, there: Account) -> dict[str, Any]:
    """Keys and values, of what is another thing now: the rest stays as it was written."""
    values: dict[str, Any] = {}
    if there.endpoint != now.endpoint:
        values["url"] = str(there.endpoint)
    if (clear := there.endpoint.security is Security.CLEARTEXT) != (
        now.endpoint.security is Security.CLEARTEXT
    ):
        values["insecure_cleartext"] = True if clear else None
    return values | _differing(_trust(there), _trust(now))


def _trust(account: Account) -> dict[str, str | None]:
    tls = account.tls
    return {"ca": str(tls.ca) if tls.ca else None, "fingerprint": tls.fingerprint}


def _differing(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in new.items() if value != old[key]}


def _what_stays(
    now: Account, there: Account, account: str, accounts: ConfiguredAccounts
) -> dict[str, Any]:
    """What followed from the old place and is to be as it was: the address of who writes, and which certificate counts
    where mail leaves by the host that it was collected from.
    """
    settings = accounts.settings(account)
    values: dict[str, Any] = {}
    user = now.endpoint.user
    if "from" not in settings and "@" in user and user != there.endpoint.user:
        values["from"] = user
    place = settings["smtp"].value if "smtp" in settings else None
    own = "smtp_ca" in settings or "smtp_fingerprint" in settings
    if place is not None and not own and place.host == now.endpoint.host != there.endpoint.host:
        values |= {f"smtp_{key}": value for key, value in _trust(now).items() if value}
    return values


def _kept_there(recipe: Recipe, there: Account) -> str:
    """The password, if the keyring has it by a name that is another one now."""
    now = recipe.account
    same = (now.endpoint.host, now.endpoint.user) == (there.endpoint.host, there.endpoint.user)
    return "" if recipe.is_told or same else kept_password(now) or ""


def _keep(
    recipe: Recipe, there: Account, password: str, secrets: KeptSecrets, undo: ExitStack
) -> str | None:
    """As :meth:`.KeptSecrets.keep`; *undo* takes it back."""
    host, user = there.endpoint.host, there.endpoint.user
    before = kept_password(there)
    beside = recipe.password_file
    kept = secrets.keep(there.name, host, user, password, beside=beside)
    if kept is not None:
        undo.callback(secrets.remove_kept, kept)
    elif before is None:
        undo.callback(secrets.forget_kept, host, user)
    else:
        undo.callback(secrets.keep, there.name, host, user, before, beside=beside)
    return kept


def _is_used(before: Account, accounts: ConfiguredAccounts) -> bool:
    """Whether some account still signs in by the name that the keyring has *before*'s password under."""
    host, user = before.endpoint.host, before.endpoint.user
    for name in accounts.names():
        settings = accounts.settings(name)
        if "smtp" in settings and settings["smtp"].value.host == host:
            return True
        with suppress(ConfigError):
            endpoint = accounts.recipe(name, READER).account.endpoint
            if (endpoint.host, endpoint.user) == (host, user):
                return True
    return False
