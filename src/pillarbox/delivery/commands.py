"""Command lines: strict about their ends, and about what they hold.

RFC 5321, section 2.3.8: nothing but CRLF ends a line. A command with a bare LF is answered
with an error that says so; taking it would be half of SMTP smuggling, and waiting for a CR
would leave its sender without a word.
"""

from __future__ import annotations

import re

from pillarbox.delivery import replies
from pillarbox.delivery.replies import Refused

COMMAND_OCTETS = 2048
"""Of one command line. RFC 5321, section 4.5.3.1.4, wants 512 and room for what extensions
add (SIZE 26, SMTPUTF8 10 and UTF-8 addresses of three octets a letter)."""

NOT_OFFERED = frozenset({"AUTH", "BDAT", "ETRN", "EXPN", "SAML", "SEND", "SOML", "TURN"})
"""Commands that exist and are not for this host."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_OF_THE_WEB = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


def parse(line: bytes) -> tuple[str, str | None]:
    """Command in capitals, and its argument; None (as aiosmtpd has it) when there is none.

    Raises:
        Refused: it is not a command line.
    """
    if not line.endswith(b"\r\n"):
        raise Refused(replies.BARE_LINE_END)
    if len(line) > COMMAND_OCTETS:
        raise Refused(replies.LINE_TOO_LONG)
    try:
        text = line[:-2].decode()
    except UnicodeDecodeError:
        raise Refused(replies.NOT_UTF8) from None
    if _CONTROL.search(text):
        raise Refused(replies.CONTROL_CHARACTER)
    command, _, argument = text.partition(" ")
    return command.upper(), argument.strip() or None


def of_the_web(command: str) -> bool:
    """Whether a browser is talking: a page can make it post a form to this port, and the
    form's content must not become mail.
    """
    return command in _OF_THE_WEB or (command.endswith(":") and len(command) > 1)
