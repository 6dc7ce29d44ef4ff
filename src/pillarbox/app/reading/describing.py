"""An account as its page shows it."""

from __future__ import annotations

from pillarbox.app.collecting.sending_values import SMTPS, Place
from pillarbox.app.collecting.values import READER
from pillarbox.app.config.faults import ConfigError
from pillarbox.app.reading.accounts import ConfiguredAccounts
from pillarbox.app.reading.submissions import place_of
from pillarbox.client.hosts import authority
from pillarbox.reader.errors import NotSendable
from pillarbox.reader.setting_up import Description
from pillarbox.reader.submission import Security, Submission


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
    try:
        sending = place_of(account, settings, recipe.account)
    except NotSendable:  # there is none, or one that cannot be used: it can be named anew
        sending = None
    return Description(
        account,
        collect=str(recipe.account.endpoint),
        mailbox=recipe.account.endpoint,
        submit=_said(place, sending) if place else "",
        sending=sending,
        keep_days=recipe.account.rules.keep_days,
        oauth=recipe.oauth2 is not None,
        password_from=next((said for way, said in ways if way), ""),
        tls=recipe.account.tls,
        elsewhere="" if to == READER else str(to),
    )


def _said(place: Place, sending: Submission | None) -> str:
    """*place*, with how the way there is protected: of one that is not, the page says what that means."""
    where = authority(place.host, place.port)
    if sending is not None and sending.security is Security.NONE:
        return where
    return f"{where} ({'TLS' if place.scheme == SMTPS else 'STARTTLS'})"
