"""Mail as it is: trace fields and signatures that nothing compresses, words that compress somewhat."""

from __future__ import annotations

import base64
import random
from functools import cache

from bench.peers.contract import DOMAIN

_WORDS = 4000
_LINE = 72
_TEXT = 20_000
"""Octets of words at most; what a letter has beyond is an attachment, in Base64."""


def letter(octets: int, seed: int = 0) -> bytes:
    """A letter of that many octets, 1,000 at least; another one for each *seed*. No line begins with a dot."""
    chance = random.Random(seed)
    parts = [_head(chance, seed), _text(chance, min(octets, _TEXT))]
    if octets > _TEXT:
        parts.append(base64.encodebytes(chance.randbytes(octets)).replace(b"\n", b"\r\n"))
    text = b"".join(parts)[: octets - 2]
    return text.removesuffix(b"\r").ljust(octets - 2, b"x") + b"\r\n"


def _head(chance: random.Random, seed: int) -> bytes:
    def secret(size: int) -> str:
        return base64.b64encode(chance.randbytes(size)).decode()

    lines = [
        f"Received: from mx.{DOMAIN} by mail.{DOMAIN} with ESMTPS id {secret(9)}",
        f"DKIM-Signature: v=1; a=rsa-sha256; d={DOMAIN}; s=s1; bh={secret(32)};",
        f" b={secret(128)}",
        f"Message-ID: <{seed}.{chance.getrandbits(64):x}@{DOMAIN}>",
        f"From: a@{DOMAIN}",
        f"To: b@{DOMAIN}",
        f"Subject: letter {seed}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def _text(chance: random.Random, octets: int) -> bytes:
    words, weights = _vocabulary()
    lines, size = [], 0
    while size < octets:
        line = " ".join(chance.choices(words, cum_weights=weights, k=14))[:_LINE]
        lines.append(line)
        size += len(line) + 2
    return "\r\n".join([*lines, ""]).encode()


@cache
def _vocabulary() -> tuple[list[str], list[float]]:
    """Words, of which some are much more frequent than others."""
    chance = random.Random(1)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    weights = [1 / (rank + 2) for rank in range(len(letters))]
    words = [
        "".join(chance.choices(letters, weights, k=chance.randint(2, 10))) for _ in range(_WORDS)
    ]
    total, sums = 0.0, []
    for rank in range(_WORDS):
        total += 1 / (rank + 3)
        sums.append(total)
    return words, sums
