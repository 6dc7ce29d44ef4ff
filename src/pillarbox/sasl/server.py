"""The server's mechanisms, by name."""

from __future__ import annotations

from pillarbox.sasl.bearer import OAuthBearerServer, XOAuth2Server
from pillarbox.sasl.digest import CramMd5Server
from pillarbox.sasl.external import ExternalServer
from pillarbox.sasl.login import LoginServer
from pillarbox.sasl.mechanism import ServerMechanism
from pillarbox.sasl.plain import PlainServer
from pillarbox.sasl.scram import (
    ScramSha1PlusServer,
    ScramSha1Server,
    ScramSha256PlusServer,
    ScramSha256Server,
)

_ALL: tuple[type[ServerMechanism], ...] = (
    PlainServer,
    LoginServer,
    ScramSha256Server,
    ScramSha256PlusServer,
    ScramSha1Server,
    ScramSha1PlusServer,
    OAuthBearerServer,
    XOAuth2Server,
    ExternalServer,
    CramMd5Server,
)

MECHANISMS: dict[str, type[ServerMechanism]] = {mechanism.name: mechanism for mechanism in _ALL}
"""Server mechanisms by their registered name. An exchange is made by calling one with its
:class:`~pillarbox.sasl.surroundings.Surroundings`."""
