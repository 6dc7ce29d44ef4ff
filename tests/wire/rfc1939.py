"""A reference model of RFC 1939, written from its text: what must a server answer?

Independent of the code under test: it shares no function with it, knows no bytes but the
lines of the client, and says only what the RFC says. Where the RFC leaves a choice (does
USER know the name?), it leaves it, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NAME, PASSWORD = b"mrose", b"tanstaaf"


@dataclass(frozen=True)
class Answer:
    """What the server has to say."""

    ok: bool | None
    """+OK or -ERR; None: either."""
    text: bytes | None = None
    """The first words behind +OK, where they are laid down."""
    body: tuple[bytes, ...] | None = None
    """Of a multi-line reply: its lines as the client reads them, stuffing undone."""
    multiline: bool = False
    uids: tuple[int, ...] | None = None
    """UIDL: the identities of the listed messages, in order, numbers in ``body``."""
    closes: bool = False


ERR = Answer(ok=False)
OK = Answer(ok=True)


@dataclass
class Model:
    """One maildrop and one client."""

    maildrop: list[tuple[int, bytes]]
    """Identity and content (canonical) of each message."""

    def __post_init__(self) -> None:
        self.connect()

    def connect(self) -> None:
        self.user: bytes | None = None
        self.session: list[tuple[int, bytes]] | None = None
        self.marked: set[int] = set()
        self.closed = False

    def answer(self, line: bytes) -> Answer:
        """Section 3: a keyword in any case, and arguments behind single spaces."""
        keyword, *arguments = line.split(b" ")
        name = keyword.upper().decode("latin-1")
        if name == "CAPA":  # RFC 2449: in both states
            return ERR if arguments else Answer(ok=True, multiline=True)
        if name == "QUIT":
            return ERR if arguments else self._quit()
        if self.session is None:
            return self._authorization(name, line)
        command = getattr(self, f"_{name.lower()}", None)
        if name not in {"STAT", "LIST", "RETR", "DELE", "NOOP", "RSET", "TOP", "UIDL"}:
            return ERR
        answer: Answer = command(arguments) if command else ERR
        return answer

    # Section 4 and section 7: the AUTHORIZATION state.

    def _authorization(self, name: str, line: bytes) -> Answer:
        argument = line[5:]
        if name == "USER" and argument:
            self.user = argument
            return Answer(ok=True if argument == NAME else None)
        if name == "PASS" and argument and self.user is not None:
            right = (self.user, argument) == (NAME, PASSWORD)
            self.user = None
            if right:
                self.session = list(self.maildrop)
            return Answer(ok=right)
        return ERR

    # Section 5 and section 7: the TRANSACTION state.

    def _there(self) -> list[int]:
        assert self.session is not None
        return [n for n in range(1, len(self.session) + 1) if n not in self.marked]

    def _octets(self, number: int) -> int:
        assert self.session is not None
        return len(self.session[number - 1][1])

    def _number(self, argument: bytes) -> int | None:
        """A message-number that may be referred to; None: an error."""
        if not re.fullmatch(rb"[0-9]+", argument):
            return None
        number = int(argument)
        return number if number in self._there() else None

    def _stat(self, arguments: list[bytes]) -> Answer:
        total = sum(self._octets(n) for n in self._there())
        return ERR if arguments else Answer(ok=True, text=b"%d %d" % (len(self._there()), total))

    def _list(self, arguments: list[bytes]) -> Answer:
        if not arguments:
            lines = tuple(b"%d %d" % (n, self._octets(n)) for n in self._there())
            return Answer(ok=True, body=lines, multiline=True)
        number = self._number(arguments[0]) if len(arguments) == 1 else None
        return Answer(ok=True, text=b"%d %d" % (number, self._octets(number))) if number else ERR

    def _uidl(self, arguments: list[bytes]) -> Answer:
        assert self.session is not None
        if not arguments:
            there = self._there()
            identities = tuple(self.session[n - 1][0] for n in there)
            numbers = tuple(b"%d" % n for n in there)
            return Answer(ok=True, body=numbers, multiline=True, uids=identities)
        number = self._number(arguments[0]) if len(arguments) == 1 else None
        if not number:
            return ERR
        return Answer(ok=True, text=b"%d" % number, uids=(self.session[number - 1][0],))

    def _retr(self, arguments: list[bytes]) -> Answer:
        number = self._number(arguments[0]) if len(arguments) == 1 else None
        return self._message(number) if number else ERR

    def _top(self, arguments: list[bytes]) -> Answer:
        if len(arguments) != 2 or not re.fullmatch(rb"[0-9]+", arguments[1]):
            return ERR
        number = self._number(arguments[0])
        return self._message(number, int(arguments[1])) if number else ERR

    def _message(self, number: int, lines: int | None = None) -> Answer:
        assert self.session is not None
        every = self.session[number - 1][1].split(b"\r\n")[:-1]
        if lines is not None and b"" in every:
            every = every[: every.index(b"") + 1 + lines]
        return Answer(ok=True, body=tuple(every), multiline=True)

    def _dele(self, arguments: list[bytes]) -> Answer:
        number = self._number(arguments[0]) if len(arguments) == 1 else None
        if number:
            self.marked.add(number)
        return OK if number else ERR

    def _noop(self, arguments: list[bytes]) -> Answer:
        return ERR if arguments else OK

    def _rset(self, arguments: list[bytes]) -> Answer:
        if arguments:
            return ERR
        self.marked.clear()
        return OK

    # Section 6: the UPDATE state.

    def _quit(self) -> Answer:
        if self.session is not None:
            gone = {self.session[n - 1][0] for n in self.marked}
            self.maildrop[:] = [entry for entry in self.maildrop if entry[0] not in gone]
        self.closed = True
        return Answer(ok=True, closes=True)
