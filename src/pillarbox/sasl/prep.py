"""SASLprep (RFC 4013): one form for names and passwords that a person would call equal.

The same password typed on two keyboards can arrive as different code points (a precomposed
``é`` or an ``e`` and an accent). SASLprep, a profile of stringprep (RFC 3454), maps both to
one string, in four steps that are four functions here:

1. map (section 2.1): other spaces become U+0020; what nobody sees is dropped;
2. normalise (section 2.2): Unicode form KC, of Unicode 3.2, for ever the same;
3. prohibit (section 2.3): control characters, private use, surrogates, tags …;
4. check directions (section 2.4): right-to-left text may not be mixed with left-to-right.

Code points that Unicode 3.2 had not assigned (section 2.5: emoji, newer scripts) are
prohibited in a *stored string*; a *query* may hold them, since they can only fail to match.
"""

from __future__ import annotations

import stringprep
from unicodedata import ucd_3_2_0

_PROHIBITED = (  # section 2.3, in its order
    (stringprep.in_table_c12, "a space other than U+0020"),
    (stringprep.in_table_c21_c22, "a control character"),
    (stringprep.in_table_c3, "a private-use character"),
    (stringprep.in_table_c4, "a non-character"),
    (stringprep.in_table_c5, "a surrogate (the bytes were not UTF-8)"),
    (stringprep.in_table_c6, "a character unfit for plain text"),
    (stringprep.in_table_c7, "a character unfit for canonical text"),
    (stringprep.in_table_c8, "a deprecated or direction-changing character"),
    (stringprep.in_table_c9, "a tagging character"),
)


def saslprep(text: str, *, unassigned: bool = False) -> str:
    """Prepare *text* for comparison; preparing the result again changes nothing.

    Args:
        text: any string; its length is the caller's to limit (the result can be up to
            18 times as long).
        unassigned: accept code points that Unicode 3.2 had not assigned: a query
            (True) rather than a stored string (False).

    Raises:
        ValueError: *text* holds what RFC 4013 prohibits; the message names the code
            point, never the text.
    """
    if text.isascii() and text.isprintable():
        return text  # nothing to map, nothing prohibited: nearly every name and password
    prepared = ucd_3_2_0.normalize("NFKC", _mapped(text))
    _refuse_prohibited(prepared, unassigned=unassigned)
    _refuse_mixed_directions(prepared)
    return prepared


def _mapped(text: str) -> str:
    """U+200B is in both tables; it becomes a space, as in the other implementations."""
    return "".join(
        " " if stringprep.in_table_c12(char) else char
        for char in text
        if stringprep.in_table_c12(char) or not stringprep.in_table_b1(char)
    )


def _refuse_prohibited(text: str, *, unassigned: bool) -> None:
    for char in text:
        for table_holds, what in _PROHIBITED:
            if table_holds(char):
                raise ValueError(f"U+{ord(char):04X} is {what}")
        if not unassigned and stringprep.in_table_a1(char):
            raise ValueError(f"U+{ord(char):04X} is newer than SASLprep's Unicode 3.2")


def _refuse_mixed_directions(text: str) -> None:
    """RFC 3454, section 6, requirements 2 and 3 (requirement 1 is table C.8)."""
    if not any(stringprep.in_table_d1(char) for char in text):
        return
    if any(stringprep.in_table_d2(char) for char in text):
        raise ValueError("right-to-left and left-to-right characters are mixed")
    if not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])):
        raise ValueError("right-to-left text begins or ends with another kind of character")
