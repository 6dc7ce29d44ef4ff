"""A photograph that nobody took: snow on hills in the evening, as a PNG."""

from __future__ import annotations

import math
import struct
import zlib

WIDTH, HEIGHT = 480, 320
_SKY = ((58, 74, 110), (238, 176, 142))
_HILLS = (
    # Where its ridge is, how high its waves are and how long, and its colour: the nearer, the whiter.
    (0.52, 0.05, 1.7, (120, 128, 158)),
    (0.64, 0.06, 1.1, (166, 172, 194)),
    (0.78, 0.04, 0.6, (226, 229, 238)),
)


def photograph() -> bytes:
    """Of WIDTH by HEIGHT pixels."""
    lines = (b"\0" + b"".join(_pixel(x, y) for x in range(WIDTH)) for y in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(b"".join(lines), 9))
        + _chunk(b"IEND", b"")
    )


def _pixel(x: int, y: int) -> bytes:
    down = y / HEIGHT
    colour = _SKY
    for ridge, high, long, tint in reversed(_HILLS):
        wave = math.sin(x / WIDTH * 2 * math.pi / long + ridge * 9) * high
        if down > ridge + wave:
            shade = 1 - (down - ridge - wave) * 0.35
            return bytes(round(channel * shade) for channel in tint)
    sun = math.hypot((x / WIDTH - 0.68) * 1.5, down - 0.42)
    glow = max(0.0, 1 - sun / 0.4) ** 2
    part = min(1.0, down / 0.6)
    return bytes(
        round(min(255, above + (below - above) * part + 60 * glow))
        for above, below in zip(*colour, strict=True)
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )
