"""``pillarbox user list``: all accounts."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from pillarbox.app.cli.invocation import configuration
from pillarbox.app.cli.options import AsJson
from pillarbox.app.cli.output import show_columns, show_json
from pillarbox.app.cli.storage import accounts_of
from pillarbox.app.sizes import format_size
from pillarbox.auth.account import AccountRecord
from pillarbox.auth.schemes import scheme_of


def list_users(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show all accounts: name, state, quota, when they were made.

    Those of the accounts file, that is; users of other sources (auth.sources) are not listed.
    """
    with accounts_of(configuration(context)) as accounts:
        records = accounts.records()
    if as_json:
        show_json(
            [
                {
                    "name": record.name,
                    "disabled": record.disabled,
                    "quota_octets": record.quota_octets,
                    "apop": record.apop_secret is not None,
                    "app_passwords_only": record.app_passwords_only,
                    "hash": scheme_of(record.verifier),
                    "created_at": _moment(record.created_at),
                    "changed_at": _moment(record.changed_at),
                }
                for record in records
            ]
        )
        return
    show_columns(
        ("NAME", "STATE", "QUOTA", "MADE"),
        [
            (
                record.name,
                _state(record),
                format_size(record.quota_octets) if record.quota_octets else "-",
                _moment(record.created_at),
            )
            for record in records
        ],
    )


def _state(record: AccountRecord) -> str:
    if record.disabled:
        return "disabled"
    return "app passwords" if record.app_passwords_only else "active"


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
