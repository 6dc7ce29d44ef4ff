"""The names of accounts: which are possible, and when two are the same.

An account's name is three things at once: what a person signs in with, the local part of
an address (RFC 5321, section 4.1.2), and the name of a maildrop, which an engine may turn
into a folder's. So a name holds only what is harmless in all three: letters, marks and
digits of any script, and a few characters of punctuation. Everything that a local part
would have to quote, and everything with a meaning elsewhere (``/`` in paths, ``@`` and
``+`` in addresses, ``%`` and ``!`` in old mail routes, wildcards, quotes of shells), is
refused, after normalisation, so that no look-alike (``℀``, which becomes ``a/c``) slips by.

Two names are the same when they are equal after SASLprep (RFC 4013) and in lower case.
"""

from __future__ import annotations

import re
import unicodedata

from pillarbox.auth.errors import InvalidName
from pillarbox.model import DEFAULT_VIEW
from pillarbox.sasl.prep import saslprep

MAX_NAME_OCTETS = 64
"""Octets of UTF-8: RFC 5321, section 4.5.3.1.1, allows a local part no more."""

MAX_DEVICE_CHARACTERS = 32
"""A name that people type into every device's settings, behind the account's."""

PUNCTUATION = "._-'&="
"""Beside letters, marks and digits. ``o'brien`` and ``r&d`` exist; none needs quoting."""

_PLAIN = re.compile(r"[a-z0-9_'&=](?:[a-z0-9_'&=-]|\.(?=[^.])){0,63}", re.ASCII)
"""Names that need no second look: nearly all (the shape that `_refuse_shape` permits)."""


def normalise(name: str) -> str:
    """The one form of *name* under which an account is kept and found.

    Normalising the result again changes nothing.

    Raises:
        InvalidName: no account can be called so; the message says why.
    """
    if name.isascii():
        lowered = name.lower()
        if _PLAIN.fullmatch(lowered):
            return lowered
    _refuse_length(name)
    prepared = _prepared(_prepared(name).lower())
    _refuse_length(prepared)
    _refuse_characters(prepared)
    _refuse_shape(prepared)
    if prepared.lower() != prepared:  # no such case is known; two accounts must never be one
        raise InvalidName(f"the name {name!a} has no stable lower case")
    return prepared


def _refuse_length(name: str) -> None:
    if not name:
        raise InvalidName("a name cannot be empty")
    octets = len(name.encode("utf-8", "replace"))
    if octets > MAX_NAME_OCTETS:
        raise InvalidName(
            f"a name has at most {MAX_NAME_OCTETS} octets, as the local part of an address "
            f"(RFC 5321, section 4.5.3.1.1); this one has {octets}"
        )


def _prepared(name: str) -> str:
    try:
        return saslprep(name)
    except ValueError as error:
        raise InvalidName(f"the name {name!a} cannot be used: {error}") from None


def _refuse_characters(name: str) -> None:
    for char in name:
        if char not in PUNCTUATION and unicodedata.category(char)[0] not in "LMN":
            raise InvalidName(
                f"a name cannot hold {char!a}: only letters, digits and {PUNCTUATION}"
                + (" (what follows + is a device, not part of the name)" if char == "+" else "")
            )


def _refuse_shape(name: str) -> None:
    if name[0] in ".-":
        raise InvalidName(f"a name cannot begin with {name[0]!a}")
    if unicodedata.category(name[0])[0] == "M":
        raise InvalidName(f"a name cannot begin with the combining mark U+{ord(name[0]):04X}")
    if name[-1] == "." or ".." in name:
        raise InvalidName(
            "a name cannot end with a dot or hold two in a row (RFC 5321, section 4.1.2)"
        )


def normalise_device(name: str) -> str:
    """The one form of a device's name, what stands behind the ``+``; else as :func:`normalise`.

    Raises:
        InvalidName: no device can be called so; the message says why.
    """
    device = normalise(name)
    if len(device) > MAX_DEVICE_CHARACTERS:
        raise InvalidName(
            f"the name of a device has at most {MAX_DEVICE_CHARACTERS} characters; this one has "
            f"{len(device)}"
        )
    if device == DEFAULT_VIEW:
        raise InvalidName(
            f"no device can have the name {DEFAULT_VIEW!r}: that is the view of the account's own "
            "password"
        )
    return device
