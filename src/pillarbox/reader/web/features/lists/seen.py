"""What of a list was there when a page was made: what has come since, its user has not seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pillarbox.reader.contracts import Library
from pillarbox.reader.errors import ReaderError
from pillarbox.reader.model import Folder, MessageKey, Row
from pillarbox.reader.web.features.lists.listing import Listing

AS_OF_NOW = 1
"""For a moment: whatever the list has."""
_DIGITS = 16


class TooOld(ReaderError):
    """It is not known any more what a page had shown."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Whether messages that are in a list now were in it at a moment."""

    listing: Listing
    since: Mapping[MessageKey, Folder | None]
    """See :meth:`pillarbox.reader.contracts.Library.since`."""

    @classmethod
    def at(cls, moment: int, listing: Listing, library: Library) -> Seen:
        """Blocking.

        Raises:
            TooOld: that is forgotten.
        """
        since = {} if moment == AS_OF_NOW else library.since(moment, listing.query)
        if since is None:
            raise TooOld(
                "Too much has happened since this list was shown. Reload the page, look, and choose again."
            )
        return cls(listing, since)

    def has(self, row: Row) -> bool:
        """Whether the message *row* was there. One that was in another folder is new in a search, too."""
        if row.key not in self.since:
            return True
        folder = self.since[row.key]
        if folder is None:
            return False
        return self.listing.holds(folder) if self.listing.threads else folder == row.folder

    def new_among(self, rows: Iterable[Row], library: Library) -> frozenset[MessageKey]:
        """Those of *rows*, which are of the list, of whose messages none was there. Blocking."""
        return frozenset(
            row.key
            for row in rows
            if not self.has(row)
            and not any(map(self.has, self.listing.members(row, library, counted=True)))
        )


def moment_of(text: object) -> int:
    """A form's, or a URL's."""
    plain = isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= _DIGITS
    return int(str(text)) if plain else AS_OF_NOW
