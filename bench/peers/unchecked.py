"""Pillarbox without any checking of sign-ins: what checking costs is the difference.

Started with ``python -m bench.peers.unchecked serve ...`` like ``pillarbox``.
"""

from __future__ import annotations

from typing import Any

from pillarbox.app import wire_up, wire_up_servers
from pillarbox.app.cli import main
from pillarbox.auth.authenticator import LocalAuthenticator
from pillarbox.model import DEFAULT_VIEW, Identity
from pillarbox.sasl.claims import Claim


async def _believe(_self: LocalAuthenticator, claim: Claim, _peer: str) -> Identity:
    user, _, device = claim.name.partition("+")
    return Identity(user, device or DEFAULT_VIEW)


def _open_unchecked(*arguments: Any, **named: Any) -> LocalAuthenticator:
    """The real one, that believes everybody."""
    setattr(LocalAuthenticator, "check", _believe)  # noqa: B010 -- mypy knows assignments to methods too well
    return wire_up.open_authenticator(*arguments, **named)


if __name__ == "__main__":
    setattr(wire_up_servers, "open_authenticator", _open_unchecked)  # noqa: B010 -- the same
    main()
