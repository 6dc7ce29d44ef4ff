"""Signed access tokens: JSON Web Tokens (RFC 7519) in the compact serialization (RFC 7515).

The order matters (RFC 8725): what the header says is only looked at to find the key; nothing of
the payload is believed, or even read, before the signature has been checked. A signature costs
40 µs (RSA), 100 (P-256, Ed25519) or 500 (the larger curves), so it is checked where we are.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any, NamedTuple

from joserfc.jwk import Key
from joserfc.jws import JWSRegistry

from pillarbox.auth.oauth.claims import Rules, Verdict, judge_jwt
from pillarbox.auth.oauth.key_source import KeySource
from pillarbox.auth.oauth.wording import shown
from pillarbox.contracts.errors import AuthUnavailable, CredentialsRefused

MAX_HEADER = 8 * 1024
"""Characters of a token's header. Some put a certificate there, which is not looked at."""

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_ENCRYPTED_DOTS = 4
_TYPES = {"jwt", "at+jwt", "application/at+jwt"}
"""``at+jwt`` is an access token for certain (RFC 9068, section 2.1); many issuers write JWT, or
nothing. Other types are other things: notices of a logout, proofs of a key (RFC 8725, section 3.11)."""


class _Signed(NamedTuple):
    """A token, taken apart."""

    algorithm: str
    kid: str | None
    message: bytes
    """What was signed."""
    payload: str
    signature: bytes


class JwtCheck:
    """Checks tokens by their signature.

    Args:
        rules: what the claims must say.
        keys: where the issuer's keys are.
        algorithms: the signatures that count.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        rules: Rules,
        keys: KeySource,
        algorithms: tuple[str, ...],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._rules = rules
        self._keys = keys
        self._algorithms = frozenset(algorithms)
        self._clock = clock

    async def check(self, token: str) -> Verdict:
        """Say whose *token* is.

        Raises:
            CredentialsRefused: it is not good.
            AuthUnavailable: there are no keys to check it with.
        """
        signed = self._taken_apart(token)
        if not _is_signed_by(
            signed, (await self._keys.keys()).fitting(signed.kid, signed.algorithm)
        ):
            newer = await self._keys.newer()
            keys = () if newer is None else newer.fitting(signed.kid, signed.algorithm)
            if not _is_signed_by(signed, keys):
                raise CredentialsRefused(
                    "the token is not signed by a key of the issuer "
                    f"(alg {signed.algorithm}, kid {shown(signed.kid) if signed.kid else 'none'})"
                )
        return judge_jwt(_payload(signed), self._rules, self._clock())

    async def begin(self) -> None:
        """Get the keys."""
        with contextlib.suppress(AuthUnavailable):  # which is in the log
            await self._keys.keys()

    def _taken_apart(self, token: str) -> _Signed:
        """The parts, and what the header says of them.

        Raises:
            CredentialsRefused: it is no signed token, or not one of those that we take.
        """
        if not _COMPACT.fullmatch(token):
            kind = "an encrypted" if token.count(".") == _ENCRYPTED_DOTS else "no signed"
            raise CredentialsRefused(f"the token is {kind} JSON Web Token")
        message, _, signature = token.rpartition(".")
        head, _, payload = message.partition(".")
        header = _header(head)
        if header.get("alg") not in self._algorithms:
            raise CredentialsRefused(
                f"the token's signature is of a kind that is not taken ({shown(header.get('alg'))}, "
                "none of auth.oauth.algorithms)"
            )
        return _Signed(
            header["alg"], header.get("kid"), message.encode(), payload, _decoded(signature)
        )


def _header(segment: str) -> dict[str, Any]:
    """The header, of a token that we understand whole (RFC 7515, section 4)."""
    header = _object(segment) if len(segment) <= MAX_HEADER else None
    if header is None:
        raise CredentialsRefused("the token's header is none")
    if "crit" in header or "b64" in header:
        raise CredentialsRefused("the token needs an extension that is not known here (crit)")
    kid, kind = header.get("kid"), header.get("typ", "JWT")
    if not isinstance(kid, str | None) or not isinstance(header.get("alg"), str):
        raise CredentialsRefused("the token's header is none")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise CredentialsRefused(
            f"the token is something else than an access token ({shown(kind)})"
        )
    return header


def _payload(signed: _Signed) -> dict[str, Any]:
    claims = _object(signed.payload)
    if claims is None:
        raise CredentialsRefused("the token's claims are no JSON object")
    return claims


def _is_signed_by(signed: _Signed, keys: tuple[Key, ...]) -> bool:
    """Whether one of *keys*, which are all for this algorithm, made the signature."""
    algorithm = JWSRegistry.algorithms[signed.algorithm]
    return any(algorithm.verify(signed.message, signed.signature, key) for key in keys)


def _object(segment: str) -> dict[str, Any] | None:
    try:
        found = json.loads(_decoded(segment))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _decoded(segment: str) -> bytes:
    """Base64url without its padding (RFC 7515, section 2).

    Raises:
        CredentialsRefused: it is of a length that cannot be.
    """
    try:
        return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise CredentialsRefused("the token is no JSON Web Token: its base64 is broken") from None
