"""A new account: as it is tried, and as it stands in the configuration."""

from __future__ import annotations

from typing import Any

from pillarbox.app.collecting.sending_values import PORTS, SMTP, SMTPS
from pillarbox.app.collecting.values import READER
from pillarbox.client.endpoint import Endpoint
from pillarbox.client.endpoint import Security as Collecting
from pillarbox.client.hosts import authority
from pillarbox.client.tls import TlsSettings
from pillarbox.client.url import encoded_name
from pillarbox.fetch.account import Account
from pillarbox.fetch.rules import Rules
from pillarbox.reader.setting_up import NewAccount
from pillarbox.reader.submission import Security, Submission

_SENDING = ("smtp", "smtp_auth", "smtp_insecure_cleartext", "smtp_ca", "smtp_fingerprint")
PATIENCE = 30.0
"""Seconds of silence until a trial is given up: somebody waits for it."""


def to_try(account: NewAccount, token: str | None) -> Account:
    """As a run would take it. Nothing is deleted by these rules, whatever the user will choose."""
    return Account(
        account.name,
        account.collect,
        READER,
        Rules(keep_days=None),
        password=None if token else account.password or None,
        token=token,
        tls=account.tls,
        timeout=PATIENCE,
    )


def settings_of(account: NewAccount) -> dict[str, Any]:
    """Its keys and values, but for what proves it; None: not to be written."""
    clear = account.collect.security is Collecting.CLEARTEXT
    values: dict[str, Any] = {
        "url": str(account.collect),
        "insecure_cleartext": True if clear else None,
        "to": READER.kind,
        "keep": True if account.keep_days is None else None,
        "keep_days": account.keep_days,
        "ca": str(account.tls.ca) if account.tls.ca else None,
        "fingerprint": account.tls.fingerprint,
        "from": account.address,
        "name": account.person or None,
    }
    return values | sending_settings(account.submit, account.collect, account.tls)


def sending_settings(
    submit: Submission | None, collect: Endpoint, tls: TlsSettings
) -> dict[str, Any]:
    """Keys and values of where mail leaves, but for the password there.

    Args:
        submit: where; None: nowhere.
        collect: where the account is collected from.
        tls: which certificate counts there.
    """
    values: dict[str, Any] = dict.fromkeys(_SENDING)
    if submit is None:
        return values
    values["smtp"] = smtp_url(submit, collect.user)
    if submit.user is None:
        values["smtp_auth"] = False
    if submit.security is Security.NONE:
        values["smtp_insecure_cleartext"] = True
    if submit.tls != tls or submit.host != collect.host:
        values["smtp_ca"] = str(submit.tls.ca) if submit.tls.ca else None
        values["smtp_fingerprint"] = submit.tls.fingerprint
    return values


def smtp_url(submit: Submission, mailbox_user: str) -> str:
    """As ``smtp`` of an account; the mailbox's user is left out."""
    scheme = SMTPS if submit.security is Security.TLS else SMTP
    place = authority(submit.host.replace("%", "%25"), submit.port)
    own = submit.user not in {None, mailbox_user}
    user = f"{encoded_name(submit.user)}@" if own and submit.user else ""
    return f"{scheme}://{user}{place.removesuffix(f':{PORTS[scheme]}')}"
