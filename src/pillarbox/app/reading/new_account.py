"""A new account: as it is tried, and as it stands in the configuration."""

from __future__ import annotations

from typing import Any

from pillarbox.app.collecting.sending_values import PORTS, SMTP, SMTPS
from pillarbox.app.collecting.values import READER
from pillarbox.client.endpoint import Security as Collecting
from pillarbox.client.hosts import authority
from pillarbox.client.url import encoded_name
from pillarbox.fetch.account import Account
from pillarbox.fetch.rules import Rules
from pillarbox.reader.setting_up import NewAccount
from pillarbox.reader.submission import Security, Submission

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
    return values | _of_submission(account, account.submit)


def _of_submission(account: NewAccount, submit: Submission | None) -> dict[str, Any]:
    if submit is None:
        return {}
    values: dict[str, Any] = {"smtp": smtp_url(submit, account.collect.user)}
    if submit.user is None:
        values["smtp_auth"] = False
    if submit.security is Security.NONE:
        values["smtp_insecure_cleartext"] = True
    if submit.tls != account.tls or submit.host != account.collect.host:
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
