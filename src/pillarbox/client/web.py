"""Documents from the web, for discovery: small, over HTTPS, or not at all.

A document says to which server a password will go, so it is worth what its road is worth.
Cleartext is refused, also as the end of a redirection.
"""

from __future__ import annotations

import asyncio
import ssl
from http.client import HTTPException, HTTPMessage
from time import monotonic
from typing import IO
from urllib import request

PATIENCE = 10.0
"""Seconds for one document: somebody waits at a screen, and most of the questions go to hosts
that do not exist."""

MAX_DOCUMENT = 256 * 1024
"""Octets of a document; real ones have a few thousand."""

MOST_REDIRECTIONS = 3
"""More than a provider needs that has moved, and moved again."""

_PIECE = 16 * 1024
_SCHEME = "https://"


async def fetch_document(url: str, *, trust: ssl.SSLContext | None = None) -> bytes | None:
    """What is at *url*; None when nothing is to be had there over HTTPS, for whatever reason.

    Args:
        url: of the document.
        trust: a client's context; None: whom the system trusts.
    """
    if not url.startswith(_SCHEME):
        return None
    return await asyncio.to_thread(_fetch, url, trust or ssl.create_default_context())


def _fetch(url: str, trust: ssl.SSLContext) -> bytes | None:
    deadline = monotonic() + PATIENCE
    document = bytearray()
    try:
        with _opener(trust).open(url, timeout=PATIENCE) as answer:
            while piece := answer.read1(_PIECE):
                document += piece
                if len(document) > MAX_DOCUMENT or monotonic() > deadline:
                    return None
    except (OSError, HTTPException, ValueError):
        # No such host, nothing there, a certificate for another name: each is common where
        # no document has been put, and there are other places to ask.
        return None
    return bytes(document)


class _OverHttpsOnly(request.HTTPRedirectHandler):
    max_redirections = MOST_REDIRECTIONS
    max_repeats = MOST_REDIRECTIONS

    def redirect_request(
        self,
        req: request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> request.Request | None:
        if not newurl.startswith(_SCHEME):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(trust: ssl.SSLContext) -> request.OpenerDirector:
    """One that knows HTTPS, the proxies of the environment, and nothing else (no ``file:``)."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.HTTPSHandler(context=trust),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
        _OverHttpsOnly(),
    ):
        opener.add_handler(handler)
    return opener
