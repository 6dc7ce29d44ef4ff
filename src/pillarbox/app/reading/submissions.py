"""Where an account's mail leaves: what its settings say, and what follows from those of its mailbox.

Who collects and sends at the same host by default trusts the same certificate; the password is the mailbox's unless
there is another one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from pillarbox.app.collecting.credentials import password_kept_for
from pillarbox.app.collecting.layers import Layer
from pillarbox.app.collecting.password_command import password_from
from pillarbox.app.collecting.password_file import password_in
from pillarbox.app.collecting.sending_values import SMTPS, Place
from pillarbox.client.signing_in import Secret
from pillarbox.client.tls import TlsSettings
from pillarbox.fetch.account import Account
from pillarbox.reader.errors import NotSendable
from pillarbox.reader.submission import Security, Submission


class Signing(NamedTuple):
    """The mailbox, and how one signs in there."""

    account: Account
    is_told: bool
    """Its settings say where the password comes from; else the keyring has it."""
    sign: Callable[[], Account]
    """The account with password or token; may ask the keyring."""


def place_of(name: str, settings: Layer, account: Account) -> Submission:
    """Where the mail of the account *name* leaves, without secrets; *account*: where it is collected from.

    Raises:
        NotSendable: it has no server for sending, or one without protection.
    """

    def value(key: str, default: Any = None) -> Any:
        return settings[key].value if key in settings else default

    place: Place | None = value("smtp")
    if place is None:
        raise NotSendable(
            f'The account "{name}" has no server for sending. Name one on its page, under Accounts.'
        )
    submission = Submission(
        place.host,
        place.port,
        _security(name, place, clear=value("smtp_insecure_cleartext", default=False)),
        tls=_tls(value, place, account),
        timeout=account.timeout,
        proxy=account.proxy,
    )
    if not value("smtp_auth", default=True):
        return submission
    return submission._replace(user=place.user or account.endpoint.user)


def make_submission(name: str, settings: Layer, signing: Signing) -> Submission:
    """Of the account *name*.

    Raises:
        NotSendable: it has no server for sending, or one without protection.
    """

    def value(key: str, default: Any = None) -> Any:
        return settings[key].value if key in settings else default

    submission = place_of(name, settings, signing.account)
    if submission.user is None:
        return submission
    if (own := _own_password(name, value)) is not None:
        return submission._replace(password=own)
    if not signing.is_told and submission.host != signing.account.endpoint.host:
        kept = password_kept_for(submission.host, submission.user, name)
        if kept is not None:
            return submission._replace(password=kept)
    signed = signing.sign()
    return submission._replace(
        password=signed.password, token=signed.token, discard_token=signed.discard_token
    )


def _security(name: str, place: Place, *, clear: bool) -> Security:
    if place.scheme == SMTPS:
        if clear:
            raise NotSendable(
                f'The account "{name}" demands TLS for sending (smtps://), but '
                "smtp_insecure_cleartext is set: leave one out."
            )
        return Security.TLS
    return Security.NONE if clear else Security.STARTTLS


def _tls(value: Callable[..., Any], place: Place, account: Account) -> TlsSettings:
    same = account.tls if place.host == account.endpoint.host else TlsSettings()
    ca, fingerprint = value("smtp_ca"), value("smtp_fingerprint")
    if ca is None and fingerprint is None:
        return same
    return same._replace(ca=ca, fingerprint=fingerprint)


def _own_password(name: str, value: Callable[..., Any]) -> Secret | None:
    """What signs in there and nowhere else; None: as for the mailbox."""
    if (file := value("smtp_password_file")) is not None:
        return partial(password_in, file, name)
    if (command := value("smtp_password_command")) is not None:
        return partial(password_from, command, name)
    return None
