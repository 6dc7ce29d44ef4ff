"""What stands below a text: ``-- `` on a line of its own, then who wrote it (RFC 3676, section 4.3)."""

from __future__ import annotations

from pillarbox.reader.compose.flowed import SIGNATURE


def split_signature(text: str) -> tuple[str, str]:
    """What is above the last line ``-- ``, with its line end, and that line with all below it; empty: there is none.

    A quoted ``-- `` is none.
    """
    lines = text.split("\n")
    for number in range(len(lines) - 1, -1, -1):
        if lines[number] == SIGNATURE:
            above = "\n".join(lines[:number])
            return (f"{above}\n" if number else ""), "\n".join(lines[number:])
    return text, ""


def signed(text: str, signature: str) -> str:
    """*text* with *signature* below it, if there is one."""
    signature = signature.strip("\n")
    if not signature.strip():
        return text
    return f"{text}\n\n{SIGNATURE}\n{signature}\n"


def parted(text: str, signature: str) -> tuple[str, str]:
    """What of *text* are words, and what stands below them, when something is to go between: what was typed below the
    identity's *signature* (a postscript) belongs to the words. Behind ``-- `` programs would fold it.
    """
    words, below = split_signature(text)
    known = signature.strip("\n")
    if not known.strip() or not below.startswith(f"{SIGNATURE}\n{known}\n"):
        return words, below
    end = len(SIGNATURE) + len(known) + 2
    after = below[end:].strip("\n")
    return (f"{words.rstrip()}\n\n{after}\n", below[:end]) if after.strip() else (words, below)


def signed_anew(text: str, old: str, new: str) -> str:
    """Replace one identity's signature by another's, unless the user has changed it.

    What is above stays as it is: the page (``writing-signature.js``) may have the caret there, and more of it by now.
    """
    old, new = old.strip("\n"), new.strip("\n")
    words, below = split_signature(text)
    if not old.strip():
        return text if below else signed(text, new)
    if below.removeprefix(f"{SIGNATURE}\n").strip("\n") != old:
        return text
    return signed(words.removesuffix("\n").removesuffix("\n"), new)
