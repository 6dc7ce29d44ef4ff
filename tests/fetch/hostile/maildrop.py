"""What a hostile server has to lose: messages that DELE and QUIT really remove."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Mail(NamedTuple):
    """One message, as the server keeps it: CRLF line ends, not stuffed."""

    unique_id: str
    content: bytes


def letter(number: int, lines: int = 1) -> Mail:
    """A small message that is unlike all others."""
    text = b"From: bob@example.org\r\nSubject: letter %d\r\n\r\n" % number
    body = b"".join(b"line %d of %d\r\n" % (line, number) for line in range(1, lines + 1))
    return Mail(f"uid-{number}", text + body)


def letters(count: int) -> list[Mail]:
    """So many of them."""
    return [letter(number) for number in range(1, count + 1)]


class Maildrop:
    """The server's side of the truth."""

    def __init__(self, mails: Iterable[Mail]) -> None:
        self.mails = list(mails)
        self.everything = list(self.mails)
        """All that was ever there."""
        self.hidden: set[str] = set()
        """Unique-ids that are not shown, though they are there."""
        self.removed: list[Mail] = []
        self.retrieved: Counter[str] = Counter()
        """How often each unique-id was asked for."""
        self.on_removal: Callable[[Mail], None] = lambda _: None
        """Called when a message goes for good: was it durable by then?"""

    def put(self, *mails: Mail) -> None:
        """Mail arrives."""
        self.mails += mails
        self.everything += mails

    def shown(self) -> list[Mail]:
        """What a session is given to see."""
        return [mail for mail in self.mails if mail.unique_id not in self.hidden]

    def remove(self, mails: Iterable[Mail]) -> None:
        """QUIT: these go."""
        for mail in mails:
            self.on_removal(mail)
            self.mails.remove(mail)
            self.removed.append(mail)
