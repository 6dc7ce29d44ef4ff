"""An account as its page shows it."""

from __future__ import annotations

from pillarbox.app.collecting.sending_values import SMTPS
from pillarbox.app.collecting.values import READER
from pillarbox.app.config.faults import ConfigError
from pillarbox.app.reading.accounts import ConfiguredAccounts
from pillarbox.app.reading.submissions import place_of
from pillarbox.client.hosts import authority
from pillarbox.reader.errors import NotSendable
from pillarbox.reader.setting_up import Description


def described(account: str, accounts: ConfiguredAccounts) -> Description:
    """What there is to say of *account*; little, if its settings will not do.

    Raises:
        CannotAddAccount: there is none of the name.
    """
    try:
        recipe = accounts.recipe(account, READER)
    except ConfigError:
        return Description(account)
    settings = accounts.settings(account)
    to = settings["to"].value if "to" in settings else READER
    place = settings["smtp"].value if "smtp" in settings else None
    words = recipe.password_command
    ways = (
        (words, f"the command {words[0]}" if words else ""),
        (recipe.account.tls.client_certificate, "a certificate of yours"),
    )
    security = "TLS" if place and place.scheme == SMTPS else "STARTTLS"
    try:
        sending = place_of(account, settings, recipe.account)
    except NotSendable:  # there is none, or one that cannot be used: it can be named anew
        sending = None
    return Description(
        account,
        collect=str(recipe.account.endpoint),
        mailbox=recipe.account.endpoint,
        submit=f"{authority(place.host, place.port)} ({security})" if place else "",
        sending=sending,
        keep_days=recipe.account.rules.keep_days,
        oauth=recipe.oauth2 is not None,
        password_from=next((said for way, said in ways if way), ""),
        tls=recipe.account.tls,
        elsewhere="" if to == READER else str(to),
    )
