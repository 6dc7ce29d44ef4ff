"""Where the password of an account comes from.

In this order: standard input, if that was asked for; the account's ``oauth2``, ``password_command`` or
``password_file``, which are asked when the server is there and is who it has to be; the
keyring; and last a person at the terminal. Those two are asked before the network is, since
nothing else can go on while a person types.

The keyring has it under the service ``pillarbox:HOST`` and the user's name::

    keyring set pillarbox:mail.example.org alice
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pillarbox.app.collecting.password_command import password_from
from pillarbox.app.collecting.recipe import Recipe
from pillarbox.fetch.account import Account

SERVICE = "pillarbox"

Ask = Callable[[str], str | None]
"""Asks a person for a password, with a prompt; None: the person gave none."""


def with_credentials(
    recipe: Recipe, state: Path, *, password: str | None = None, ask: Ask | None = None
) -> Account:
    """The account of *recipe*, with what signs it in.

    Args:
        recipe: what is to be completed.
        state: the folder in which sign-ins by OAuth 2 are kept.
        password: what standard input gave.
        ask: asks a person; None: there is nobody.
    """
    account = recipe.account
    if password is not None:
        return account._replace(password=password)
    if recipe.oauth2 is not None:
        from pillarbox.app.collecting.tokens import AccessTokens  # noqa: PLC0415 -- few need it

        tokens = AccessTokens(recipe.oauth2, account.name, state)
        return account._replace(token=tokens, discard_token=tokens.discard)
    if recipe.password_command is not None:
        return account._replace(
            password=partial(password_from, recipe.password_command, account.name)
        )
    if recipe.password_file is not None:
        from pillarbox.app.collecting.password_file import password_in  # noqa: PLC0415 -- few need it

        return account._replace(password=partial(password_in, recipe.password_file, account.name))
    if account.tls.client_certificate is not None:  # it signs in by itself (EXTERNAL)
        return account._replace(password=kept_password(account))
    found = kept_password(account)
    if found is None and ask is not None:
        found = ask(f"Password for {account.endpoint.user} at {account.endpoint.host}: ")
    return account._replace(password=found)


def kept_password(account: Account) -> str | None:
    """What the keyring has; None: nothing, or there is no keyring that can be asked."""
    endpoint = account.endpoint
    return password_kept_for(endpoint.host, endpoint.user, account.name)


def password_kept_for(host: str, user: str, whose: str) -> str | None:
    """What the keyring has for *user* at *host*, of the account *whose*; None: as above."""
    try:
        import keyring  # noqa: PLC0415 -- an optional extra, and slow to import
    except ImportError:
        return None
    try:
        return keyring.get_password(f"{SERVICE}:{host}", user)
    except Exception as error:  # noqa: BLE001 -- backends fail with errors of their desktops
        if not _is_absent(error):
            sys.stderr.write(
                f"pillarbox: warning: the keyring cannot be asked for the password of "
                f"{whose} ({type(error).__name__}): unlock it, or set a password_command\n"
            )
        return None


def _is_absent(error: Exception) -> bool:
    """Whether the machine simply has no keyring, as servers do not."""
    from keyring.errors import NoKeyringError  # noqa: PLC0415 -- as above

    return isinstance(error, NoKeyringError)


def ask_on_terminal() -> Ask | None:
    """What asks the person at the terminal; None: there is none."""
    return _ask if sys.stdin.isatty() else None


def _ask(prompt: str) -> str | None:
    import getpass  # noqa: PLC0415 -- most passwords come from elsewhere

    try:
        return getpass.getpass(prompt)
    except EOFError:  # Ctrl-D
        sys.stderr.write("\n")
        return None
