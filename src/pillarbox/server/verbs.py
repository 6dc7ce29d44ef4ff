"""What carries out each command: the table, and the step that uses it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pillarbox.contracts.errors import PillarboxError
from pillarbox.server import authorization, exchange, transaction
from pillarbox.server.faults import fault, needs_operator
from pillarbox.server.session import Session, log
from pillarbox.wire.commands import Command
from pillarbox.wire.replies import Code, Reply, err
from pillarbox.wire.server import Event, SaslResponse
from pillarbox.wire.verbs import Verb

Handler = Callable[[Session, Command], Awaitable[Reply]]

HANDLERS: dict[Verb, Handler] = {
    Verb.APOP: authorization.apop,
    Verb.AUTH: exchange.auth,
    Verb.CAPA: authorization.capa,
    Verb.LANG: authorization.lang,
    Verb.PASS: authorization.password,
    Verb.STLS: authorization.stls,
    Verb.USER: authorization.user,
    Verb.UTF8: authorization.utf8,
    Verb.DELE: transaction.dele,
    Verb.LIST: transaction.list_,
    Verb.NOOP: transaction.noop,
    Verb.QUIT: transaction.quit_,
    Verb.RETR: transaction.retr,
    Verb.RSET: transaction.rset,
    Verb.STAT: transaction.stat,
    Verb.TOP: transaction.top,
    Verb.UIDL: transaction.uidl,
}


async def respond(session: Session, event: Event) -> Reply:
    """Carry out one event. Never raises a domain error: it becomes a reply."""
    try:
        if isinstance(event, Command):
            return await HANDLERS[event.verb](session, event)
        if isinstance(event, SaslResponse):
            return await exchange.sasl_response(session, event.data)
    except PillarboxError as error:
        emit = log.error if needs_operator(error) else log.warning
        user = session.identity.user if session.identity else None
        name = type(error).__name__
        emit("command failed", peer=session.peer, user=user, error=name, detail=str(error))
        return fault(error)
    except Exception:  # noqa: BLE001 -- a bug gets an answer, too
        log.exception("command failed", peer=session.peer)
        session.drop_exchange()
        return err("internal fault; nothing has been removed", Code.SYS_TEMP, closes=True)
    return exchange.refused_line(session, event.reply)
