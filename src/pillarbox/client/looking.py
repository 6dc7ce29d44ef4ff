"""A second look at a server whose certificate did not convince, to tell the user what is wrong.

OpenSSL refuses a certificate without showing it. So one more connection is made, which
believes anything and says nothing but what leads to the handshake; what it sees goes into an
error's sentence and nowhere else.
"""

from __future__ import annotations

import asyncio

from pillarbox.client.connection import Connection
from pillarbox.client.conversation import Conversation
from pillarbox.client.endpoint import Endpoint, Security
from pillarbox.client.errors import ClientError, Unreachable
from pillarbox.client.proxy import open_connection
from pillarbox.client.tls import looking_context
from pillarbox.wire.states import Outcome
from pillarbox.wire.verbs import Verb

PATIENCE = 10.0
"""Seconds of silence in which a server loses the chance to be explained."""


async def look_at_certificate(endpoint: Endpoint, proxy: str | None) -> bytes | None:
    """The certificate that the server shows (DER); None when it cannot be had."""
    try:
        return await _look(endpoint, proxy)
    except (ClientError, OSError):
        return None  # there is an error to report already, and it is the more important one


async def _look(endpoint: Endpoint, proxy: str | None) -> bytes | None:
    loop = asyncio.get_running_loop()
    sock = await open_connection(
        endpoint.host, endpoint.port, proxy=proxy, timeout=PATIENCE, loop=loop
    )
    connection = Connection(loop, endpoint.place, PATIENCE)
    context = looking_context()
    at_once = context if endpoint.security is Security.IMPLICIT_TLS else None
    await connection.begin(sock, at_once, endpoint.host)
    try:
        if at_once is None:
            conversation = Conversation(connection)
            await conversation.greeting()
            status = await conversation.status(conversation.say(Verb.STLS))
            if status.outcome is not Outcome.OK:
                return None
            await connection.secure(context, endpoint.host)
        return connection.certificate
    finally:
        connection.abort(Unreachable("it was a look only"))
