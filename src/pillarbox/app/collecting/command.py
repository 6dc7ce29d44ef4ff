"""``pillarbox fetch``, from what is wished for to the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pillarbox.app.collecting.choices import (
    PLACE,
    interval_of,
    layer_of,
    progress_of,
    refuse_contradictions,
    url_of,
    usage,
)
from pillarbox.app.collecting.credentials import ask_on_terminal, with_credentials
from pillarbox.app.collecting.layers import Layer, Said
from pillarbox.app.collecting.previewing import show_previews
from pillarbox.app.collecting.recipe import Recipe, collected_twice, is_cleartext, make_recipe
from pillarbox.app.collecting.session import Manner, Session
from pillarbox.app.collecting.values import READER
from pillarbox.app.collecting.voice import Voice
from pillarbox.app.collecting.wish import Wish
from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.exits import ExitCode, explain
from pillarbox.app.stdin_password import password_of_stdin

if TYPE_CHECKING:
    from pillarbox.app.collecting.configuration import Accounts


def run(wish: Wish) -> ExitCode:
    """:func:`fetch`, with every error said: what a process of its own ends with."""
    try:
        return fetch(wish)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 -- no traceback for users
        return explain(error, debug=wish.debug)


def fetch(wish: Wish) -> ExitCode:
    """Do what is wished for.

    Raises:
        ConfigError, CommandFailed: it cannot even be begun.
    """
    refuse_contradictions(wish)
    interval, progress = interval_of(wish), progress_of(wish)
    recipes = _recipes(wish)
    if "password_stdin" in wish.flags and len(recipes) > 1:
        raise usage("--password-stdin gives one password: name one account with it")
    password = password_of_stdin() if "password_stdin" in wish.flags else None
    state = state_folder(wish.values.get("state"))
    voice = Voice()
    _warn(recipes, voice)
    ask = ask_on_terminal()
    accounts = [
        with_credentials(recipe, state, password=password, ask=ask)._replace(
            confirmed="yes" in wish.flags
        )
        for recipe in recipes
    ]
    if "dry_run" in wish.flags:
        return show_previews(accounts, state, voice, as_json="json" in wish.flags)
    manner = Manner(interval, progress, as_json="json" in wish.flags, debug=wish.debug)
    return Session(accounts, state, voice, manner).run()


def state_folder(named: str | None) -> Path:
    """Where journals and sign-ins are kept: the folder *named*, or the platform's own.

    Raises:
        CommandFailed: no folder can have that name.
    """
    if named is None:
        import platformdirs  # noqa: PLC0415 -- who names a folder has no use for it

        return platformdirs.user_state_path("pillarbox") / "fetch"
    if not named or "\0" in named:
        raise usage("--state: name a folder")
    try:
        return Path(named).expanduser().absolute()
    except RuntimeError:
        raise usage(f'--state: "{named}" names no home folder; write the path in full') from None


def _recipes(wish: Wish) -> list[Recipe]:
    """What to collect.

    Raises:
        ConfigError, CommandFailed: it cannot be meant.
    """
    options = layer_of(wish)
    url = url_of(wish)
    if url is not None:
        return [_of_url(url, options)]
    from pillarbox.app.collecting.configuration import read_accounts  # noqa: PLC0415 -- brings TOML

    accounts = read_accounts(wish.config, wish.overrides)
    chosen = accounts.chosen(wish.what) if wish.what or not accounts.faults else {}
    return _of_accounts(accounts, chosen, options, named=bool(wish.what))


def _of_url(url: str, options: Layer) -> Recipe:
    if "to" not in options:
        raise usage("say where the mail goes, like --to maildir:~/Mail")
    faults: list[Fault] = []
    layer = {**options, "url": Said(url, lambda: PLACE, "")}
    recipe = make_recipe("", [layer], PLACE, faults)
    if recipe is None:
        raise ConfigError(faults)
    user, host = recipe.account.endpoint.user, recipe.account.endpoint.host
    name = user if "@" in user else f"{user}@{host}"
    return recipe._replace(account=recipe.account._replace(name=name))


def _of_accounts(
    accounts: Accounts, chosen: dict[str, Layer], options: Layer, *, named: bool
) -> list[Recipe]:
    """Those that are *chosen*; a fault in any account is one, so that it is not found at night.

    What the reader collects is passed over, unless it was *named*.
    """
    faults = list(accounts.faults)
    place = str(accounts.file or PLACE)
    made = [
        make_recipe(name, (options, layer, accounts.defaults), place, faults)
        for name, layer in chosen.items()
    ]
    recipes = [recipe for recipe in made if recipe is not None]
    ours = [recipe for recipe in recipes if recipe.account.target != READER]
    if named or not ours:
        readers = (recipe.account.name for recipe in recipes if recipe not in ours)
        faults += [_of_the_reader(name, place) for name in readers]
    faults += collected_twice(ours, place)
    if faults:
        raise ConfigError(faults)
    return ours


def _of_the_reader(name: str, place: str) -> Fault:
    return Fault(
        place,
        f"accounts.{name}",
        'is collected by the reader, as its "to" says',
        "start `pillarbox read`, or say where its mail goes instead: --to maildir:~/Mail",
    )


def _warn(recipes: Sequence[Recipe], voice: Voice) -> None:
    for recipe in recipes:
        if is_cleartext(recipe):
            voice.complain(
                f"warning: {recipe.account.name}: without TLS, everybody on the way to "
                f"{recipe.account.endpoint.place} can read the password and all mail"
            )
