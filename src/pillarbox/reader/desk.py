"""All that a running reader has, side by side: what pages are given."""

from __future__ import annotations

from dataclasses import dataclass

from pillarbox.reader.contracts import (
    Accounts,
    Clock,
    Collector,
    Contacts,
    Drafts,
    Filing,
    Library,
    Outbox,
    Rules,
    Writing,
)
from pillarbox.reader.model import Settings
from pillarbox.reader.news import News
from pillarbox.reader.preferences import Preferences
from pillarbox.reader.setting_up import Setup


@dataclass(frozen=True, slots=True)
class Desk:
    """The services of one reader."""

    accounts: Accounts
    setup: Setup
    library: Library
    filing: Filing
    """The library again."""
    rules: Rules
    drafts: Drafts
    contacts: Contacts
    writing: Writing
    outbox: Outbox
    collector: Collector
    news: News
    preferences: Preferences
    settings: Settings
    """Those of *preferences*."""
    clock: Clock
