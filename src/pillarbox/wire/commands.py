"""The table of commands: their grammar, and the states in which they are legal.

A command is a keyword in any letter case and, after one space, its arguments, on one line
of at most 255 octets with its CRLF (RFC 2449, section 4). To add a command, add its name to
``verbs.py`` and a row here.

How strict: what has one sensible meaning is accepted (several spaces, spaces at the end,
leading zeros); everything else is refused, because a guess about which message to delete is
worse than an error. The exceptions are names and passwords, in which each octet after the
first space counts, spaces included (RFC 1939, section 7, PASS).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from typing import NamedTuple

from pillarbox.wire.errors import CommandRefused
from pillarbox.wire.lines import MAX_LINE
from pillarbox.wire.states import State
from pillarbox.wire.verbs import Verb

MAX_COMMAND = 255
"""Octets of a command line, CRLF included (RFC 2449, section 4)."""

_MAX_DIGITS = 10
"""Digits of the largest number that is looked at: no maildrop has ten thousand million
messages, and reading a longer number costs more the longer it is."""

_CRLF = 2
_NUL = 0
"""As the number of an octet, which Python finds ten times as fast as a text of one."""


class Command(NamedTuple):
    """A command that is well formed and legal in the present state."""

    verb: Verb
    number: int | None = None
    """Message-number of RETR, DELE, TOP, and of LIST and UIDL when given. At least 1."""
    lines: int = 0
    """TOP: how many lines of the body."""
    text: str = ""
    """USER, APOP: name. PASS: password. AUTH: mechanism. LANG: language. UTF8: ``USER``.
    Octets that are not UTF-8 are surrogate escapes."""
    data: str | None = None
    """APOP: digest. AUTH: initial response, still in base64; None when there is none."""


def _decode(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")


def _nothing(verb: Verb, rest: bytes) -> Command:
    if rest.strip():
        raise CommandRefused(f"{verb} takes no argument")
    return Command(verb)


def _parse_number(word: bytes) -> int:
    if not word.isdigit() or len(word) > _MAX_DIGITS:
        raise CommandRefused("a number in decimal digits is needed")
    return int(word)


def _parse_message_number(word: bytes) -> int:
    number = _parse_number(word)
    if number == 0:
        raise CommandRefused("message-numbers begin at 1")
    return number


def _message(verb: Verb, rest: bytes) -> Command:
    words = rest.split()
    if len(words) != 1:
        raise CommandRefused(f"{verb} takes one message-number")
    return Command(verb, _parse_message_number(words[0]))


def _message_or_nothing(verb: Verb, rest: bytes) -> Command:
    return _message(verb, rest) if rest.strip() else Command(verb)


def _top(verb: Verb, rest: bytes) -> Command:
    words = rest.split()
    if len(words) != 2:  # noqa: PLR2004 -- the two that the message names
        raise CommandRefused("TOP takes a message-number and a number of lines")
    return Command(verb, _parse_message_number(words[0]), _parse_number(words[1]))


def _text(verb: Verb, rest: bytes) -> Command:
    if not rest:
        raise CommandRefused(f"{verb} takes an argument")
    return Command(verb, text=_decode(rest))


def _word_or_nothing(verb: Verb, rest: bytes) -> Command:
    words = rest.split()
    if len(words) > 1:
        raise CommandRefused(f"{verb} takes at most one argument")
    return Command(verb, text=_decode(words[0]) if words else "")


def _user_or_nothing(verb: Verb, rest: bytes) -> Command:
    word = rest.strip().upper()
    if word not in {b"", b"USER"}:
        raise CommandRefused("UTF8 takes USER or nothing")
    return Command(verb, text=word.decode())


def _name_and_digest(verb: Verb, rest: bytes) -> Command:
    name, _, digest = rest.rstrip(b" ").rpartition(b" ")
    if not name:
        raise CommandRefused("APOP takes a name and a digest")
    return Command(verb, text=_decode(name), data=_decode(digest))


def _mechanism(verb: Verb, rest: bytes) -> Command:
    words = rest.split()
    if len(words) > 2:  # noqa: PLR2004 -- the two that the message names
        raise CommandRefused("AUTH takes a mechanism and an initial response")
    mechanism = _decode(words[0]).upper() if words else ""
    return Command(verb, text=mechanism, data=_decode(words[1]) if len(words) > 1 else None)


class Multiline(Enum):
    """Which replies carry a content behind an ``+OK`` (RFC 1939, section 3)."""

    NEVER = auto()
    ALWAYS = auto()
    WITHOUT_ARGUMENT = auto()
    """Of all when none is named: LIST, UIDL, LANG."""


class Rule(NamedTuple):
    """A row of the table."""

    verb: Verb
    parse: Callable[[Verb, bytes], Command]
    states: frozenset[State]
    secret: bool = False
    """The line carries a password or what stands for one: never logged."""
    may_be_followed: bool = True
    """Whether commands may have been sent behind it without waiting (RFC 2449, section 6.6;
    RFC 2595, section 4)."""
    max_octets: int = MAX_COMMAND
    multiline: Multiline = Multiline.NEVER

    def has_content(self, *, arguments: bool) -> bool:
        """Whether a content follows when this command succeeds."""
        if self.multiline is Multiline.WITHOUT_ARGUMENT:
            return not arguments
        return self.multiline is Multiline.ALWAYS


_SIGNING_IN = frozenset({State.AUTHORIZATION, State.NAMED})
_NAMED = frozenset({State.NAMED})
_SIGNED_IN = frozenset({State.TRANSACTION})
_BOTH = _SIGNING_IN | _SIGNED_IN

_ALWAYS = Multiline.ALWAYS
_OF_ALL = Multiline.WITHOUT_ARGUMENT

# fmt: off
_TABLE = (
    #    verb       arguments            legal in                          # specified in
    Rule(Verb.APOP, _name_and_digest,    _SIGNING_IN, secret=True),        # RFC 1939, 7
    Rule(Verb.AUTH, _mechanism,          _SIGNING_IN, secret=True,
         max_octets=MAX_LINE),                                             # RFC 5034, 4
    Rule(Verb.CAPA, _nothing,            _BOTH, multiline=_ALWAYS),        # RFC 2449, 5
    Rule(Verb.DELE, _message,            _SIGNED_IN),                      # RFC 1939, 5
    Rule(Verb.LANG, _word_or_nothing,    _BOTH, multiline=_OF_ALL),        # RFC 6856, 3
    Rule(Verb.LIST, _message_or_nothing, _SIGNED_IN, multiline=_OF_ALL),   # RFC 1939, 5
    Rule(Verb.NOOP, _nothing,            _SIGNED_IN),                      # RFC 1939, 5
    Rule(Verb.PASS, _text,               _NAMED, secret=True),             # RFC 1939, 7
    Rule(Verb.QUIT, _nothing,            _BOTH),                           # RFC 1939, 4 and 6
    Rule(Verb.RETR, _message,            _SIGNED_IN, multiline=_ALWAYS),   # RFC 1939, 5
    Rule(Verb.RSET, _nothing,            _SIGNED_IN),                      # RFC 1939, 5
    Rule(Verb.STAT, _nothing,            _SIGNED_IN),                      # RFC 1939, 5
    Rule(Verb.STLS, _nothing,            _SIGNING_IN, may_be_followed=False),  # RFC 2595, 4
    Rule(Verb.TOP,  _top,                _SIGNED_IN, multiline=_ALWAYS),   # RFC 1939, 7
    Rule(Verb.UIDL, _message_or_nothing, _SIGNED_IN, multiline=_OF_ALL),   # RFC 1939, 7
    Rule(Verb.USER, _text,               _SIGNING_IN),                     # RFC 1939, 7
    # RFC 6856 puts UTF8 before the sign-in; classic Outlook sends it after and gives the
    # account up on -ERR.
    Rule(Verb.UTF8, _user_or_nothing,    _BOTH),                           # RFC 6856, 2
)
# fmt: on

RULES: dict[bytes, Rule] = {rule.verb.encode(): rule for rule in _TABLE}
"""The table, by keyword in capitals."""

_understood: dict[bytes, tuple[Rule, Command]] = {}
"""Commands by their lines, octet for octet, that need not be understood again. None holds a
secret. At first those that are nothing but their keyword."""
for _rule in _TABLE:
    with suppress(CommandRefused):
        _understood[_rule.verb.encode()] = _rule, _rule.parse(_rule.verb, b"")

REMEMBERED_LINES = 1024
"""How many; then no more. About 250 octets each: ``RETR 1`` and its like are most of what
clients say."""

FOREIGN_KEYWORDS = frozenset(
    {b"GET", b"HEAD", b"POST", b"PUT", b"OPTIONS", b"CONNECT", b"EHLO", b"HELO", b"LHLO"}
)
"""First words of HTTP and SMTP. A peer that says one of these is not talking to us (it may
be a browser that an attacker pointed here, as in the ALPACA attack): close at once."""


def parse(line: bytes, state: State) -> tuple[Rule, Command]:
    """Understand one line, given without its CRLF.

    Raises:
        CommandRefused: with a text fit for the peer.
    """
    known = _understood.get(line)
    if known is not None and state in known[0].states:
        return known
    keyword, _, rest = line.partition(b" ")
    rule = RULES.get(keyword) or RULES.get(keyword.upper())
    if rule is None:
        raise CommandRefused("unknown command")
    if len(line) + _CRLF > rule.max_octets:
        raise CommandRefused(f"a command has at most {rule.max_octets} octets")
    if _NUL in line:
        raise CommandRefused("NUL has no place in a command")
    if state not in rule.states:
        raise CommandRefused(_why_not_now(rule, state))
    understood = rule, rule.parse(rule.verb, rest)
    if understood[1].number is not None and len(_understood) < REMEMBERED_LINES:
        _understood[line] = understood
    return understood


def _why_not_now(rule: Rule, state: State) -> str:
    if state is State.TRANSACTION:
        return f"{rule.verb} comes before signing in"
    if rule.verb is Verb.PASS:
        return "USER comes before PASS"
    return f"{rule.verb} comes after signing in"
