"""A draft and its recipients become a message, as it goes over the wire (RFC 5322, RFC 2045).

::

    multipart/mixed                if files are attached
      multipart/alternative        if something is quoted in HTML
        text/plain; format=flowed
        multipart/related          if that has pictures of its own (RFC 2387)
          text/html
          each picture
      each file
"""

from __future__ import annotations

import secrets
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime

from pillarbox.reader.compose import fields
from pillarbox.reader.compose.addresses import BadAddress, Recipient, checked
from pillarbox.reader.compose.attached import UNKNOWN
from pillarbox.reader.compose.fields import one_line
from pillarbox.reader.compose.flowed import flow
from pillarbox.reader.compose.pictures import named_in, worded
from pillarbox.reader.compose.rich import alternatives
from pillarbox.reader.errors import NotSendable
from pillarbox.reader.model import Draft, File, Identity

MAX_REFERENCES = 21
"""The first, and the last twenty (RFC 5537, section 3.4.4, says how to shorten; RFC 5322 leaves it open)."""
MAX_REFERENCE = 250
"""Characters of a Message-ID that is referred to: a longer one does not fit on a line of a header."""
MOST_PRINTABLE = 2
"""Quoted-printable may be so many times as long as the text: beyond it nobody can read it anyway, and base64 is shorter."""
LONGEST_LINE = 998
"""Octets (RFC 5322, section 2.1.1)."""
_NAMELESS = "undisclosed-recipients:;"
"""In To, when all recipients are in Bcc (RFC 5322, A.1.3): some programs show a message without To as damaged."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """Of one message. Nobody is in two of them."""

    to: Sequence[Recipient]
    cc: Sequence[Recipient] = ()
    bcc: Sequence[Recipient] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Of the envelope."""
        return tuple(one.address for one in (*self.to, *self.cc, *self.bcc))


def make_message(
    draft: Draft,
    identity: Identity,
    recipients: Recipients,
    contents: Iterable[tuple[File, bytes]],
    now: datetime,
) -> bytes:
    """The message, with CRLF line ends and without Bcc. ASCII, but for addresses that need RFC 6532 and messages that
    are forwarded whole.

    Raises:
        NotSendable: the identity's address is none.
    """
    named = named_in(draft.quoted)
    pictures: dict[str, bytes] = {}
    files: list[bytes] = []
    for file, content in contents:
        if file.content_id in named:
            pictures[file.content_id] = _file(file, content)
        else:
            files.append(_file(replace(file, content_id=""), content))
    body = _words(draft, pictures, identity.signature)
    if files:
        body = _multipart("mixed", [body, *files])
    return _header(draft, identity, recipients, now).encode() + b"MIME-Version: 1.0\r\n" + body


def bcc_field(recipients: Recipients) -> str:
    """The field that :func:`make_message` leaves out, for the writer's own copy; empty: nobody is hidden."""
    return fields.address_list("Bcc", recipients.bcc) if recipients.bcc else ""


def sender_address(identity: Identity) -> str:
    """Of the envelope, and of From.

    Raises:
        NotSendable: the identity's address is none.
    """
    try:
        return checked(identity.address)
    except BadAddress as error:
        raise NotSendable(
            f"The address of the account {identity.account} has to be corrected in its settings. {error}"
        ) from error


def _header(draft: Draft, identity: Identity, recipients: Recipients, now: datetime) -> str:
    sender = sender_address(identity)
    domain = sender.rpartition("@")[2].strip("[]")
    lines = [
        f"Date: {format_datetime(now)}\r\n",
        fields.address_list("From", [(identity.name, sender)]),
    ]
    if recipients.to:
        lines.append(fields.address_list("To", recipients.to))
    elif not recipients.cc:
        lines.append(f"To: {_NAMELESS}\r\n")
    if recipients.cc:
        lines.append(fields.address_list("Cc", recipients.cc))
    if one_line(draft.subject):
        lines.append(fields.unstructured("Subject", draft.subject))
    own = draft.message_id if _referable(draft.message_id) else f"{secrets.token_hex(16)}@{domain}"
    lines.append(f"Message-ID: <{own}>\r\n")
    if _referable(draft.in_reply_to):
        lines.append(fields.identifiers("In-Reply-To", [draft.in_reply_to]))
    if references := trimmed(draft.references):
        lines.append(fields.identifiers("References", references))
    return "".join(lines)


def trimmed(references: Sequence[str]) -> list[str]:
    """Those that are sent: each once, the first and the last ones."""
    known = [one for one in dict.fromkeys(references) if _referable(one)]
    return known if len(known) <= MAX_REFERENCES else [known[0], *known[1 - MAX_REFERENCES :]]


def _referable(message_id: str) -> bool:
    printable = message_id.isascii() and message_id.isprintable()
    return printable and 0 < len(message_id) <= MAX_REFERENCE and not set(" <>") & set(message_id)


def _words(draft: Draft, pictures: Mapping[str, bytes], signature: str) -> bytes:
    """The entity of the text: fields, an empty line, content. *pictures*: entities, by Content-ID. *signature*: the identity's."""
    typed = cleaned(draft.text)
    if not draft.quoted:
        return _text("plain", flow(typed))
    # What is quoted was written by others: a line end of another kind in it could end the message for some server.
    plain, html = alternatives(typed, worded(cleaned(draft.quoted), pictures), cleaned(signature))
    rich = _text("html", html.split("\n"))
    if pictures:
        rich = _multipart("related", [rich, *pictures.values()], '; type="text/html"')
    return _multipart("alternative", [_text("plain", flow(plain)), rich])


def cleaned(text: str) -> str:
    """Line ends are one kind, and what no text holds is gone: NUL, halves of characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text.encode("utf-8", "ignore").decode()


def _text(subtype: str, lines: Sequence[str]) -> bytes:
    """Seven bits where nothing can happen to them on the way; spaces at line ends are such a thing, and are
    coded (RFC 2045, section 6.7 (3)).
    """
    octets = "".join(f"{line}\r\n" for line in lines).encode()
    charset = "us-ascii" if octets.isascii() else "utf-8"
    flowed = "; format=flowed" if subtype == "plain" else ""
    kind = f"Content-Type: text/{subtype}; charset={charset}{flowed}\r\n".encode()
    if octets.isascii() and not any(map(_fragile, lines)):
        return kind + b"Content-Transfer-Encoding: 7bit\r\n\r\n" + octets
    printable = b2a_qp(octets, istext=True)
    printable = b"\r\n".join(_unmistakable(line) for line in printable.split(b"\r\n"))
    if len(printable) <= MOST_PRINTABLE * len(octets):
        return kind + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + printable
    return kind + b"Content-Transfer-Encoding: base64\r\n\r\n" + _base64(octets)


def _fragile(line: str) -> bool:
    return len(line) > LONGEST_LINE or line.endswith((" ", "\t")) or line.startswith(("From ", "."))


def _unmistakable(line: bytes) -> bytes:
    """Of quoted-printable: no line that mailbox files or SMTP could take for something else."""
    if line.startswith((b"From ", b".")):
        return b"=%02X" % line[0] + line[1:]
    return line


def _base64(octets: bytes) -> bytes:
    return encodebytes(octets).replace(b"\n", b"\r\n")


def _file(file: File, content: bytes) -> bytes:
    """The entity of an attachment."""
    if file.type == "message/rfc822":
        return _whole_message(file, content)
    media_type = UNKNOWN if file.type.startswith(("multipart/", "message/")) else file.type
    return (
        _described(file, media_type)
        + b"Content-Transfer-Encoding: base64\r\n\r\n"
        + _base64(content)
    )


def _whole_message(file: File, content: bytes) -> bytes:
    """It must not be coded (RFC 2046, section 5.2.1): where it cannot go as it is, it goes as any file."""
    lines = content.replace(b"\r\n", b"\n").split(b"\n")
    if max(map(len, lines)) > LONGEST_LINE or b"\0" in content or b"\r" in b"".join(lines):
        return _file(File(file.id, file.name, UNKNOWN, file.octets), content)
    encoding = b"7bit" if content.isascii() else b"8bit"
    return (
        _described(file, file.type)
        + b"Content-Transfer-Encoding: %s\r\n\r\n" % encoding
        + b"\r\n".join(lines)
    )


def _described(file: File, media_type: str) -> bytes:
    name = fields.parameter("filename", file.name)
    kind = f"Content-Type: {media_type}\r\n"
    if file.content_id:
        kind += f"Content-ID: <{file.content_id}>\r\n"
    way = "inline" if file.content_id else "attachment"
    return f"{kind}Content-Disposition: {way}{name}\r\n".encode()


def _multipart(subtype: str, parts: Sequence[bytes], more: str = "") -> bytes:
    """The boundary is random: that it stands in a part by chance cannot happen."""
    boundary = f"=_{secrets.token_hex(16)}"
    kind = f'Content-Type: multipart/{subtype}; boundary="{boundary}"{more}\r\n'
    if any(b"\r\nContent-Transfer-Encoding: 8bit\r\n" in part for part in parts):
        kind += "Content-Transfer-Encoding: 8bit\r\n"
    opening = f"--{boundary}\r\n".encode()
    return b"".join(
        [
            kind.encode() + b"\r\n",
            *(opening + part + b"\r\n" for part in parts),  # this line end is the boundary's
            f"--{boundary}--\r\n".encode(),
        ]
    )
