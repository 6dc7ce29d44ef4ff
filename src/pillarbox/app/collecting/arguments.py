"""The command line of ``pillarbox fetch``: its options, and a quick way to read them.

Typer makes help, completion and error messages of the table below
(:mod:`pillarbox.app.cli.fetch`). It also takes a third of the time of a whole poll to import;
so a command line that is in order is read here, by the same table, and Typer is left out
(:mod:`pillarbox.app.front`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pillarbox.app.collecting.wish import Wish, spelling
from pillarbox.app.front import front_of
from pillarbox.fetch.limits import INTERVAL

COMMAND = "fetch"
WATCH = "watch"


class Option(NamedTuple):
    """A row."""

    name: str
    """As in :class:`Wish`: ``max_size`` is ``--max-size``."""
    metavar: str
    """What stands for its value; empty: it has none."""
    help: str

    @property
    def spelling(self) -> str:
        return spelling(self.name)


# fmt: off
OPTIONS = (
    Option("to", "DEST", "Where mail goes: maildir:DIR, mbox:FILE, mh:DIR, lmtp:…, command:CMD."),
    Option("recipient", "ADDRESS", "For whom, where lmtp: asks; else the user."),
    Option("delete", "", "Delete on the server what is stored here (the default)."),
    Option("keep", "", "Leave everything on the server."),
    Option("keep_days", "N", "Leave it for N days after it was collected."),
    Option("yes", "", "Delete also what was to be kept before, without asking."),
    Option("max_size", "SIZE", "Leave larger messages alone, as 10M."),
    Option("password_stdin", "", "Read the password from one line of standard input."),
    Option("password_command", "CMD", "A command that prints the password."),
    Option("auth", "MECHANISM", "Sign in in this way only."),
    Option("ca", "FILE", "Trust only these authorities (PEM)."),
    Option("fingerprint", "SHA256", "Trust only this certificate."),
    Option("client_cert", "FILE", "Certificate and key to show (PEM)."),
    Option("insecure_cleartext", "", "Go without TLS: everybody on the way can read all."),
    Option("proxy", "URL", "Go through a SOCKS5 or HTTP proxy."),
    Option("timeout", "SECONDS", "Of silence, until the server is given up (60)."),
    Option("state", "DIR", "Where it is noted what has been collected."),
    Option("watch", "[SECONDS]", "Stay, and collect again each so many seconds (300)."),
    Option("dry_run", "", "Say what would be collected and deleted; do nothing."),
    Option("progress", "WHEN", "Show progress: auto, always or never."),
    Option("json", "", "Print events, one JSON object a line."),
)
# fmt: on

_BY_SPELLING = {option.spelling: option for option in OPTIONS}


def quick_wish(arguments: Sequence[str], environ: Mapping[str, str]) -> Wish | None:
    """What the command line (without the program's name) wishes ``fetch`` to do.

    None: it is another command, asks for help, or something is wrong with it.
    """
    front = front_of(arguments, environ)
    if front is None or front.command != COMMAND:
        return None
    wish = Wish(config=front.config, overrides=front.overrides, debug=front.debug)
    return _wish(with_interval(list(front.rest)), wish)


def with_interval(arguments: list[str]) -> list[str]:
    """The arguments with ``--watch`` made whole: its seconds may be left out."""
    whole: list[str] = []
    rest = iter(range(len(arguments)))
    for place in rest:
        word = arguments[place]
        if word == "--":
            return whole + arguments[place:]
        following = arguments[place + 1 : place + 2]
        if word != f"--{WATCH}":
            whole.append(word)
        elif following and following[0].replace(".", "", 1).isdecimal():
            whole.append(f"{word}={following[0]}")
            next(rest)
        else:
            whole.append(f"{word}={INTERVAL}")
    return whole


def _wish(arguments: Sequence[str], wish: Wish) -> Wish | None:
    what: list[str] = []
    values: dict[str, str] = {}
    flags: set[str] = set()
    rest = iter(arguments)
    for word in rest:
        if word == "--":
            what += rest
        elif not word.startswith("-") or word == "-":
            what.append(word)
        else:
            spelling, equals, value = word.partition("=")
            option = _BY_SPELLING.get(spelling)
            if option is None or (equals and not option.metavar):
                return None
            if not option.metavar:
                flags.add(option.name)
                continue
            found = value if equals else next(rest, None)
            if found is None:
                return None
            values[option.name] = found
    if what[:1] == ["login"]:
        return None
    return wish._replace(what=tuple(what), values=values, flags=frozenset(flags))
