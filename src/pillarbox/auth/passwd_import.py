"""A Dovecot passwd-file as accounts to be made: all of it understood, or told what is wrong where.

A line in which no password can ever be right (an empty one, ``*``, ``!``, ``nopassword``) makes an
account that is disabled: its mail must not be lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pillarbox.auth.account import NewAccount, account_of_hash
from pillarbox.auth.addresses import Domains
from pillarbox.auth.errors import AccountError
from pillarbox.auth.passwords import Passwords
from pillarbox.auth.sources.passwd_line import (
    FaultyLine,
    NotOurs,
    account_in,
    is_comment,
    name_in,
)

DEFAULT_SCHEME = "CRYPT"
"""Of hashes that do not say theirs: Dovecot's own default for a passwd-file."""


class LineFault(NamedTuple):
    """A line that cannot be used."""

    line: int
    """From 1."""
    reason: str
    """For an operator; quotes nothing but the user's name."""


class Lines(NamedTuple):
    """What a file says."""

    accounts: list[NewAccount]
    """Each name once."""
    without_password: list[str]
    """The names of those that are disabled for want of a password."""
    faults: list[LineFault]


def read_lines(content: bytes, domains: Iterable[str], passwords: Passwords) -> Lines:
    """Understand a whole file.

    Args:
        content: of the file.
        domains: ours: ``alice@domain`` of another one is a fault.
        passwords: makes verifiers that nothing proves, for accounts without a password.
    """
    ours = Domains(domains)
    lines = Lines([], [], [])
    line_of: dict[str, int] = {}
    for number, octets in enumerate(content.split(b"\n"), 1):
        try:
            line = octets.removesuffix(b"\r").decode()
            if is_comment(line):
                continue
            name = name_in(line, ours)
            _refuse_twins(name, line_of.setdefault(name, number), number)
            _add(lines, line, name, passwords)
        except UnicodeDecodeError:
            lines.faults.append(LineFault(number, "it is not UTF-8"))
        except NotOurs:
            lines.faults.append(LineFault(number, "its domain is none of delivery.domains"))
        except (FaultyLine, AccountError) as error:
            lines.faults.append(LineFault(number, str(error)))
    return lines


def _refuse_twins(name: str, first: int, number: int) -> None:
    if first != number:
        raise FaultyLine(f"{name} is in line {first} already")


def _add(lines: Lines, line: str, name: str, passwords: Passwords) -> None:
    found = account_in(line, name, DEFAULT_SCHEME)
    if found.hashes:
        new = account_of_hash(
            name, found.hashes[0], quota_octets=found.quota_octets, disabled=found.disabled
        )
    else:
        new = NewAccount(name, passwords.made_up(), True, found.quota_octets)
        lines.without_password.append(name)
    lines.accounts.append(new)
