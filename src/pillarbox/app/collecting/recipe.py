"""From what was said about an account to the :class:`Account` that a run takes.

What a run needs but what must not be read before it is needed (passwords, tokens) stays
outside; :mod:`.credentials` adds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pillarbox.app.collecting.layers import Layer, Said, merged
from pillarbox.app.config.faults import Fault
from pillarbox.app.config.sections import ACCOUNTS
from pillarbox.client.endpoint import Endpoint, Security
from pillarbox.client.errors import InvalidUrl
from pillarbox.client.limits import TIMEOUT
from pillarbox.client.tls import TlsSettings
from pillarbox.fetch.account import Account
from pillarbox.fetch.rules import Rules
from pillarbox.fetch.run import journal_of


class Recipe(NamedTuple):
    """An account, and where what proves it comes from."""

    account: Account
    """Without password and token."""
    password_command: tuple[str, ...] | None = None
    oauth2: dict[str, Any] | None = None
    """As :func:`pillarbox.app.collecting.keys` read it."""
    password_file: Path | None = None

    @property
    def is_told(self) -> bool:
        """Its settings say where what proves it comes from; else the keyring has it."""
        ways = (self.password_file, self.password_command, self.oauth2)
        return ways != (None, None, None)

    def __repr__(self) -> str:
        """Without what could be a secret."""
        return f"<Recipe for {self.account!r}>"


def make_recipe(
    name: str, layers: Sequence[Layer], place: str, faults: list[Fault]
) -> Recipe | None:
    """The account *name*, of what *layers* say, the strongest first.

    *place* is where something that is missing would have to stand. None when something is
    wrong: that is among *faults* then.
    """
    settings = merged(layers)
    for key in ("url", "to"):
        if key not in settings:
            faults.append(_missing(name, key, place))
            return None
    endpoint = _endpoint(settings, faults)
    if endpoint is None:
        return None

    def value(key: str, default: Any = None) -> Any:
        return settings[key].value if key in settings else default

    account = Account(
        name=name,
        endpoint=endpoint,
        target=value("to"),
        rules=Rules(_keep_days(settings), value("max_size")),
        recipient=value("recipient"),
        mechanism=value("auth"),
        tls=TlsSettings(value("ca"), value("fingerprint"), value("client_cert")),
        proxy=value("proxy"),
        timeout=value("timeout", TIMEOUT),
    )
    return Recipe(account, value("password_command"), value("oauth2"), value("password_file"))


def collected_twice(recipes: Sequence[Recipe], place: str) -> Iterator[Fault]:
    """Accounts of one mailbox share a journal: at the same time only one of them can have it."""
    names: dict[Path, str] = {}
    for recipe in recipes:
        account = recipe.account
        first = names.setdefault(journal_of(account, Path()), account.name)
        if first != account.name:
            yield Fault(
                place,
                f"{ACCOUNTS}.{account.name}",
                f"is the same mailbox as {ACCOUNTS}.{first}",
                f"leave one out, or name the one to collect: pillarbox fetch {account.name}",
            )


def is_cleartext(recipe: Recipe) -> bool:
    """Whether password and mail cross the network for all to read."""
    return recipe.account.endpoint.security is Security.CLEARTEXT


def _missing(name: str, key: str, place: str) -> Fault:
    hint = {
        "url": 'give one like url = "pop3s://alice@mail.example.org"',
        "to": 'say where its mail goes: to = "maildir:~/Mail" there or in [defaults]',
    }
    return Fault(place, f"accounts.{name}", f"has no {key}", hint[key])


def _endpoint(settings: Layer, faults: list[Fault]) -> Endpoint | None:
    url: Said = settings["url"]
    insecure = "insecure_cleartext" in settings and settings["insecure_cleartext"].value
    try:
        return Endpoint.parse(url.value, insecure_cleartext=insecure)
    except InvalidUrl as error:
        problem, _, hint = str(error).partition("; ")
        faults.append(url.fault(problem, hint))
        return None


def _keep_days(settings: Layer) -> int | None:
    """As :class:`Rules` has it. Nothing said: delete at once."""
    if "keep_days" in settings:
        days: int = settings["keep_days"].value
        return days
    return None if "keep" in settings and settings["keep"].value else 0
