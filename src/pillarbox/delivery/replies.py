"""Every reply that delivery itself words, and the one table from a domain error to a reply.

Codes are RFC 5321's, enhanced codes RFC 3463's. Choices that the RFCs leave open:

* A full maildrop is **452 4.2.2**. RFC 3463 says of X.2.2 that "the recipient can delete
  messages to make more space available" and that it "should be used as a persistent
  transient failure"; POP3 users do just that. A message larger than the whole quota can
  never fit: **552 5.2.3**, so that its sender learns of it at once.
* Anything that is wrong on this side is temporary for the sender, even when an operator has
  to mend it: mail waits in the sender's queue rather than bounce.
* A foreign domain is **550 5.7.1** in SMTP (relaying is a matter of permission) and
  **550 5.1.2** in LMTP, where nobody asks for relaying: the part right of the ``@`` is wrong.

ENHANCEDSTATUSCODES (RFC 2034) promises an enhanced code in every 2xx, 4xx and 5xx reply but
those to the greeting and to EHLO. aiosmtpd words some replies without one;
:func:`with_enhanced_code` adds it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pillarbox.contracts.errors import OverQuota, PillarboxError


class Reply(NamedTuple):
    """One reply: ``code enhanced text``."""

    code: int
    enhanced: str
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.enhanced} {self.text}"

    def about(self, address: str) -> Reply:
        """The same reply, naming the recipient that it is for."""
        return self._replace(text=f"<{address}> {self.text}")

    @property
    def outcome(self) -> str:
        """In the words of :meth:`pillarbox.contracts.meter.Meter.delivered`."""
        return _OUTCOMES[self.code // 100]


_OUTCOMES = {2: "stored", 4: "deferred", 5: "refused"}


class Refused(Exception):
    """A message or an address cannot be accepted; carries the reply that says so."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


# The greeting and the end
TOO_MANY_CONNECTIONS = Reply(421, "4.3.2", "too many connections, try again later")
TOO_MANY_FROM_ADDRESS = Reply(421, "4.7.0", "too many connections from your address")
NOT_ADMITTED = Reply(554, "5.7.1", "clients are not admitted from your address")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "too many errors, closing the connection")
NOT_MAIL = Reply(421, "4.7.0", "this is a mail server, not a web server: closing the connection")
NOT_TLS = Reply(421, "4.7.0", "TLS begins with STARTTLS here: closing the connection")
IDLE_TOO_LONG = Reply(421, "4.4.2", "idle for too long, closing the connection")
TOO_SLOW = Reply(421, "4.4.2", "the message took too long to arrive, closing the connection")
SHUTTING_DOWN = Reply(421, "4.3.2", "shutting down, try again in a moment")
TOO_MUCH = Reply(421, "4.7.0", "far more than the size announced, closing the connection")
BYE = Reply(221, "2.0.0", "goodbye")

# Commands
BARE_LINE_END = Reply(500, "5.5.2", "lines must end in CRLF (RFC 5321, section 2.3.8)")
CONTROL_CHARACTER = Reply(500, "5.5.2", "control character in the command")
LINE_TOO_LONG = Reply(500, "5.5.2", "command line too long")
NOT_UTF8 = Reply(500, "5.5.2", "command is not UTF-8")
UNKNOWN_COMMAND = Reply(500, "5.5.1", "command not recognised")
NOT_OFFERED = Reply(502, "5.5.1", "command not implemented here")
CANNOT_VERIFY = Reply(252, "2.0.0", "cannot verify: send the message, and RCPT will tell")
NEED_HOST_NAME = Reply(501, "5.5.4", "give your host's name")
NO_ARGUMENT = Reply(501, "5.5.4", "the command takes no argument")
NEED_GREETING = Reply(503, "5.5.1", "introduce yourself first")
NEED_RECIPIENT = Reply(503, "5.5.1", "no valid recipients")
TLS_READY = Reply(220, "2.0.0", "ready to start TLS")
TLS_ACTIVE = Reply(503, "5.5.1", "TLS is active already")
TLS_PIPELINED = Reply(503, "5.5.1", "nothing may be sent ahead behind STARTTLS; closing")
INTERNAL_ERROR = Reply(451, "4.3.0", "local error, try again later")

# Addresses
RECIPIENT_OK = Reply(250, "2.1.5", "recipient ok")
SENDER_OK = Reply(250, "2.1.0", "sender ok")
NO_SUCH_USER = Reply(550, "5.1.1", "no such user here")
NO_RELAY = Reply(550, "5.7.1", "not a domain of this host, and mail is not relayed")
NO_SUCH_DOMAIN = Reply(550, "5.1.2", "not a domain of this host")
BAD_RECIPIENT = Reply(553, "5.1.3", "not an address that mail can be sent to")
BAD_SENDER = Reply(553, "5.1.7", "not an address that mail can come from")
NEEDS_SMTPUTF8 = Reply(553, "5.6.7", "a non-ASCII address needs SMTPUTF8 (RFC 6531)")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "too many recipients, send the rest separately")
DIRECTORY_DOWN = Reply(451, "4.3.0", "the account directory does not answer, try again later")
ACCOUNT_CHANGED = Reply(451, "4.3.0", "a recipient's account has just been changed, try again")
LARGER_THAN_QUOTA = Reply(552, "5.2.3", "message larger than the whole maildrop may be")

# Messages
STORED = Reply(250, "2.0.0", "stored")
TOO_LARGE = Reply(552, "5.3.4", "message larger than this host accepts")
NO_ROOM = Reply(452, "4.3.1", "too much mail is coming in at once, try again later")
HEADER_TOO_LARGE = Reply(552, "5.3.4", "message header larger than this host accepts")
SMUGGLED_DOT = Reply(550, "5.6.0", "a dot line with a bare CR or LF looks like SMTP smuggling")
LOOP = Reply(554, "5.4.6", "too many Received fields: the message goes round in circles")
MAILDROP_FULL = Reply(452, "4.2.2", "maildrop full, try again later")
STORE_DOWN = Reply(451, "4.3.0", "mail cannot be stored now, try again later")

# The first class that fits; anything else is INTERNAL_ERROR.
_FOR_ERROR: tuple[tuple[type[PillarboxError], Reply], ...] = (
    (OverQuota, MAILDROP_FULL),
    (PillarboxError, STORE_DOWN),
)


def for_outcome(outcome: Exception | None) -> Reply:
    """The reply for what the store said of one recipient; None: it is stored."""
    if outcome is None:
        return STORED
    if isinstance(outcome, Refused):
        return outcome.reply
    return next((r for kind, r in _FOR_ERROR if isinstance(outcome, kind)), INTERNAL_ERROR)


_ENHANCED = {
    220: "2.0.0",
    221: "2.0.0",
    250: "2.0.0",
    252: "2.0.0",
    421: "4.3.0",
    454: "4.7.0",
    500: "5.5.2",
    501: "5.5.4",
    502: "5.5.1",
    503: "5.5.1",
    504: "5.5.4",
    552: "5.3.4",
    553: "5.1.3",
    555: "5.5.4",
}
_HAS_ENHANCED_CODE = re.compile(r"\d{3}[ -]\d\.\d{1,3}\.\d{1,3} ")


def with_enhanced_code(line: str) -> str:
    """*line*, a reply of aiosmtpd's own, with an enhanced code if it has none."""
    if _HAS_ENHANCED_CODE.match(line) or not line[:3].isdigit():
        return line
    code = int(line[:3])
    enhanced = _ENHANCED.get(code, f"{code // 100}.0.0")
    return f"{line[:3]} {enhanced} {line[4:]}" if code // 100 in _OUTCOMES else line
