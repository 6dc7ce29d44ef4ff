"""SASL mechanisms as step machines, one file a mechanism (RFC 4422).

A server's machine is made for one exchange and stepped with the client's responses. It does
no I/O and knows no passwords: when it has heard enough it returns what the client *claims*,
and the shell has that checked. ``MECHANISMS`` is the registry.
"""

from __future__ import annotations

from pillarbox.sasl.claims import PasswordClaim
from pillarbox.sasl.login import LoginServer
from pillarbox.sasl.mechanism import Challenge, SaslError, ServerMechanism
from pillarbox.sasl.plain import PlainServer

MECHANISMS: dict[str, type[ServerMechanism]] = {
    mechanism.name: mechanism for mechanism in (PlainServer, LoginServer)
}
"""Server mechanisms by their registered name."""

__all__ = ["MECHANISMS", "Challenge", "PasswordClaim", "SaslError", "ServerMechanism"]
