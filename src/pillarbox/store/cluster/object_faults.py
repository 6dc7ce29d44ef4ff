"""What an object store complains of, in the language of maildrops.

Nothing that it says is for good: keys are renewed and buckets are put back, and until then a
client comes again, and so does a sender.
"""

from __future__ import annotations

import re

import obstore.exceptions

from pillarbox.contracts.errors import StoreUnavailable

FAULTS = (obstore.exceptions.BaseError, OSError)
"""Whatever its library raises: what is not there is a FileNotFoundError."""
LONGEST = 300
"""Characters of what it says: an operator wants a line."""

_NO_SUCH_KEY = "<Code>NoSuchKey</Code>"
_CODE = re.compile(r"<Code>(\w+)</Code>")
_KIND = re.compile(r"HttpError \{\s*kind: (\w+)")


def is_no_such_key(error: Exception) -> bool:
    """Whether the store has said that it has no such object (and not that it has no such bucket)."""
    return isinstance(error, FileNotFoundError) and _NO_SUCH_KEY in str(error)


def unavailable(name: str, error: Exception) -> StoreUnavailable:
    """What to say of *error*, which the store *name* has caused."""
    return StoreUnavailable(f"object store {name}: {reason_of(error)}", temporary=True)


def reason_of(error: Exception) -> str:
    """In one line: the library's first, with S3's own code, or the kind of a failed connection."""
    text = str(error) or type(error).__name__
    line = text.partition("<?xml")[0].partition("\n")[0].strip(" :")[:LONGEST]
    found = _CODE.search(text) or _KIND.search(text)
    return f"{line} ({found[1]})" if found else line
