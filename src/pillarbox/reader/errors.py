"""What can go wrong in the reader, in sentences for its user."""

from __future__ import annotations

from collections.abc import Mapping

from pillarbox.contracts.errors import PillarboxError


class ReaderError(PillarboxError):
    """What is wrong, and what to do. Shown on the page as it is."""


class LibraryUnusable(ReaderError):
    """The folder of the library cannot be read or written, or another reader has it open."""


class NoSuchMessage(ReaderError):
    """It is not there any more: another program, or another tab, has taken it away."""


class NoSuchFolder(ReaderError):
    """It does not exist."""


class BadFolderName(ReaderError):
    """No folder can have this name, or one has it already."""


class NotImportable(ReaderError):
    """It holds no mail, in no form that is known here, or cannot be read."""


class NoSuchDraft(ReaderError):
    """It was sent or discarded."""


class DraftChanged(ReaderError):
    """It was changed elsewhere (another tab) since it was read."""


class ChangedElsewhere(ReaderError):
    """A rule or a contact was changed or removed elsewhere (another tab) since a page has shown it."""


class NotSendable(ReaderError):
    """A message cannot be sent as it is: no recipient, a bad address, too large."""


class WrongFields(NotSendable):
    """Some of what was typed has to be corrected."""

    def __init__(self, by_field: Mapping[str, str]) -> None:
        super().__init__(" ".join(by_field.values()))
        self.by_field = by_field
        """What is wrong, by the field's name: ``to``, ``cc``, ``bcc``, ``account``, ``files``."""


class TooLate(ReaderError):
    """A message cannot be taken back any more."""


class BadSetting(ReaderError):
    """What the user wants to set cannot be."""


class CannotAddAccount(ReaderError):
    """Its settings do not work, or cannot be kept."""


class NoPassword(ReaderError):
    """An account has nothing to sign in with."""
