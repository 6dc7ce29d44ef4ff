"""The message that an answer or a forwarded message is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pillarbox.reader.compose.pictures import Pictures, worded
from pillarbox.reader.compose.replies import Answered
from pillarbox.reader.mail.addresses import read_addresses
from pillarbox.reader.mail.clean import clean
from pillarbox.reader.mail.header import Header
from pillarbox.reader.mail.letter import Letter, read_letter
from pillarbox.reader.mail.limits import ADDRESSES
from pillarbox.reader.mail.mime import Tree
from pillarbox.reader.model import INBOX, SENT, Folder

_NOTED = (b"x-original-to", b"x-envelope-to", b"envelope-to", b"delivered-to", b"x-delivered-to")
"""Where servers note whom a message was for: it may be in no other field (Bcc, a list). The last two are what that has become."""
_RECEIVED = b"received"
"""Each server puts it above all that was there, and its own notes above that."""
MAX_HTML = 1_000_000
"""Characters of HTML that is quoted. What is longer is quoted as text."""


@dataclass(frozen=True, slots=True)
class Original:
    """A message, read."""

    answered: Answered

    @property
    def letter(self) -> Letter:
        return self.answered.letter

    def html(self) -> str:
        """For an answer: harmless, and with words in the place of images that would have to be loaded; empty: it is text."""
        return worded(self._clean(remote=False, address_of=_nowhere))

    def html_with(self, pictures: Pictures) -> str:
        """For who gets it as it is: harmless, with all its images."""
        html = self._clean(remote=True, address_of=pictures.address_of)
        return worded(html, pictures.names.values())

    def _clean(self, *, remote: bool, address_of: Callable[[str], str | None]) -> str:
        html = self.letter.html
        if not html or len(html) > MAX_HTML:
            return ""
        cleaned = clean(html, remote=remote, cid=address_of)
        return cleaned.ground.under(cleaned.html)


def read_original(data: bytes, folder: Folder) -> Original:
    """The message *data*, which lies in *folder*. Never fails."""
    letter = read_letter(data)
    header = Tree(data).root.header
    answered = Answered(
        letter,
        read_addresses(header.first(b"mail-followup-to"), ADDRESSES),
        tuple(_noted(header)),
        account_of(folder),
        sent=folder == SENT,
    )
    return Original(answered)


def _noted(header: Header) -> Iterator[str]:
    """What the last server that notes such has noted. What is below may be of a server that has forwarded it, or of whoever
    sent it: nobody can tell one from the other.
    """
    found: dict[bytes, bytes] = {}
    for name, value in header.in_order((*_NOTED, _RECEIVED)):
        if name != _RECEIVED:
            found.setdefault(name, value)
        elif found:
            break
    for name in _NOTED:
        for one in read_addresses(found.get(name, b""), ADDRESSES):
            yield one.address


def account_of(folder: Folder) -> str:
    """Whose inbox it is; empty: it is none."""
    inbox, _, account = folder.partition("/")
    return account if inbox == INBOX else ""


def _nowhere(_: str) -> None:
    """Images of the original are no part of the answer."""
