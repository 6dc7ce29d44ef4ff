"""The nouns of the reader."""

from pillarbox.reader.model.accounts import Collecting, Identity, Status
from pillarbox.reader.model.filing import (
    Change,
    Emptied,
    ExportForm,
    Imported,
    Progress,
    Rule,
    Verb,
    mark_of,
)
from pillarbox.reader.model.lists import FolderState, Hit, Page, Row, Where
from pillarbox.reader.model.mail import (
    ARCHIVE,
    FIXED,
    INBOX,
    NOBODY,
    SENT,
    TRASH,
    Correspondent,
    Entry,
    Flag,
    Folder,
    MessageKey,
    inbox_of,
)
from pillarbox.reader.model.sending import Outgoing, Parcel, Sending
from pillarbox.reader.model.settings import Settings
from pillarbox.reader.model.writing import Contact, Draft, File

__all__ = [
    "ARCHIVE",
    "FIXED",
    "INBOX",
    "NOBODY",
    "SENT",
    "TRASH",
    "Change",
    "Collecting",
    "Contact",
    "Correspondent",
    "Draft",
    "Emptied",
    "Entry",
    "ExportForm",
    "File",
    "Flag",
    "Folder",
    "FolderState",
    "Hit",
    "Identity",
    "Imported",
    "MessageKey",
    "Outgoing",
    "Page",
    "Parcel",
    "Progress",
    "Row",
    "Rule",
    "Sending",
    "Settings",
    "Status",
    "Verb",
    "Where",
    "inbox_of",
    "mark_of",
]
