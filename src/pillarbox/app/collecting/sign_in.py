"""``pillarbox fetch login ACCOUNT``: a person signs in, once, and the sign-in is kept."""

from __future__ import annotations

import webbrowser
from pathlib import Path

from pillarbox.app.collecting.configuration import read_accounts
from pillarbox.app.collecting.credentials import SERVICE
from pillarbox.app.collecting.layers import Layer, merged
from pillarbox.app.collecting.recipe import make_recipe
from pillarbox.app.collecting.running import Interrupted, until_signal
from pillarbox.app.collecting.tokens import oauth2_settings
from pillarbox.app.collecting.voice import Voice
from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.exits import CommandFailed
from pillarbox.fetch.oauth.login import login
from pillarbox.fetch.oauth.store import TokenStore


def sign_in(
    name: str, state: Path, *, config: Path | None, overrides: tuple[str, ...], browser: bool
) -> None:
    """Have a person sign in to the account *name*.

    Args:
        name: as in the configuration.
        state: the folder for what the keyring does not keep.
        config: as ``--config``.
        overrides: as ``--set``.
        browser: open one, where the provider's way needs it; else only show the URL.

    Raises:
        PillarboxError: it did not succeed.
    """
    accounts = read_accounts(config, overrides)
    layers = [accounts.chosen([name])[name], accounts.defaults]
    faults = list(accounts.faults)
    recipe = make_recipe(name, layers, str(accounts.file or ""), faults)
    if faults or recipe is None:
        raise ConfigError(faults)
    if recipe.oauth2 is None:
        raise _needs_none(name, layers, recipe.account.endpoint.host, recipe.account.endpoint.user)
    table = recipe.oauth2
    voice = Voice()

    async def work() -> None:
        settings = await oauth2_settings(table, name)
        await login(
            settings,
            TokenStore(name, state),
            show=voice.note,
            open_browser=webbrowser.open if browser else _open_none,
        )

    try:
        until_signal(work())
    except Interrupted:
        raise CommandFailed("interrupted; nobody has signed in") from None
    voice.say(f"signed in: pillarbox fetch {name}")


def _open_none(_url: str) -> None:
    """For a machine without a screen."""


def _needs_none(name: str, layers: list[Layer], host: str, user: str) -> ConfigError:
    settings = merged(layers)
    said = settings["url"]
    hint = (
        "its password_command is asked each time"
        if "password_command" in settings
        else f"keep its password with `keyring set {SERVICE}:{host} {user}`, "
        'or set oauth2 = { provider = "…", client_id = "…" }'
    )
    fault = Fault(said.place(), f"accounts.{name}", "has no oauth2 to sign in with", hint)
    return ConfigError([fault])
