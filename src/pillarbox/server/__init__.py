"""Mail going out: asyncio shells around the wire core.

``connection`` is one client, ``session`` what it may do, ``authorization`` (with ``exchange``
for AUTH) and ``transaction`` the commands of the two states, ``verbs`` the table that joins them (and the
one table from domain error to reply), ``listener`` the front door, ``tls`` and ``limits``
what guards it.
"""

from __future__ import annotations

from pillarbox.server.limits import AddressTally, LocalTally, Policy
from pillarbox.server.listener import Pop3Server
from pillarbox.server.tls import CertificateProblem, server_context

__all__ = [
    "AddressTally",
    "CertificateProblem",
    "LocalTally",
    "Policy",
    "Pop3Server",
    "server_context",
]
