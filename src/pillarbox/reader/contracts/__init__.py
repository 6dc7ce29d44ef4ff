"""What the parts of the reader promise each other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pillarbox.reader.contracts.accounts import Accounts, Collector
from pillarbox.reader.contracts.library import Filing, Index, Library, Report, Rules
from pillarbox.reader.contracts.outbox import Outbox
from pillarbox.reader.contracts.writing import Contacts, Drafts, Writing

__all__ = [
    "Accounts",
    "Clock",
    "Collector",
    "Contacts",
    "Drafts",
    "Filing",
    "Index",
    "Library",
    "Outbox",
    "Report",
    "Rules",
    "Writing",
]

Clock = Callable[[], datetime]
"""Now; aware."""
