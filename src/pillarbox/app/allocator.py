"""The C library's allocator, told about the one large thing that TLS connections of SMTP have.

uvloop gives each TLS connection that it has made a buffer of 256 KiB of which a page or two is
ever used. (Those of POP3 are made by ``server.tls_transport`` and have none.) As long as such a
buffer is a mapping of its own, the rest costs nothing. But glibc raises its threshold for
mappings whenever one is freed, and from then on cuts the buffers out of the heap, in between what
handshakes leave behind: an idle connection then costs 48 kB instead of 28. Setting the threshold
by hand also stops glibc from raising it.
"""

from __future__ import annotations

import contextlib
import ctypes

MAPPING_OCTETS = 200 * 1024
"""Above the pieces in which bodies are read and sent, which must not be mapped each time."""

_M_MMAP_THRESHOLD = -3  # malloc.h


def settle() -> None:
    """Fix the threshold, where the C library has one; elsewhere nothing is needed."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, MAPPING_OCTETS)
