"""What of a message is its text, and what is attached to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from pillarbox.reader.mail.header import Header
from pillarbox.reader.mail.mime import Entity, with_lf
from pillarbox.reader.mail.names import safe_name
from pillarbox.reader.mail.parameters import read_parameters
from pillarbox.reader.mail.words import text_of

_TEXTS = frozenset({"text/plain", "text/html"})
_NOT_SHOWN = frozenset({"text/x-amp-html", "text/watch-html"})
"""Further forms of what is there as HTML."""

_SUBJECT_WITHIN = 8_192
"""Octets of an attached message in which its subject is looked for."""

SIGNED_PGP = "It is signed with OpenPGP. The signature is not checked here."
SIGNED_SMIME = "It is signed with S/MIME. The signature is not checked here."
ENCRYPTED_PGP = "It is encrypted with OpenPGP. Save the attached file, and open it with a program that has your key."
ENCRYPTED_SMIME = "It is encrypted with S/MIME. Save the attached file, and open it with a program that has your key."
TNEF = (
    "The file winmail.dat was made by Microsoft Outlook, and no file was found in it. If you miss something, "
    "ask the sender to send it as HTML or plain text."
)

_SIGNATURES = {
    "application/pgp-signature": SIGNED_PGP,
    "application/pkcs7-signature": SIGNED_SMIME,
    "application/x-pkcs7-signature": SIGNED_SMIME,
}
TNEF_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_PKCS7 = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})


@dataclass(slots=True)
class Layout:
    """Of one message, or of a part of it."""

    plain: list[Entity] = field(default_factory=list)
    """The text for who wants it plain: text/plain where there is a choice."""
    rich: list[Entity] = field(default_factory=list)
    """The text for who wants HTML; what there is as plain text only is among it."""
    attached: list[Entity] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Sentences: what kind of message this is."""

    @property
    def has_html(self) -> bool:
        return any(entity.type == "text/html" for entity in self.rich)

    def add(self, other: Layout) -> None:
        self.plain += other.plain
        self.rich += other.rich
        self.attached += other.attached
        self.notes += other.notes


def lay_out(entity: Entity) -> Layout:
    """Recurses no deeper than the limit on depth."""
    if not entity.children:
        return _leaf(entity)
    if entity.type == "multipart/alternative":
        return _alternatives([lay_out(child) for child in entity.children])
    done = Layout()
    for child in entity.children:
        done.add(lay_out(child))
    if entity.type == "multipart/encrypted":
        done.notes.insert(0, ENCRYPTED_PGP)
    return done


def disposition(entity: Entity) -> str:
    """``inline``, ``attachment`` or nothing."""
    return (
        entity.header.first(b"content-disposition")
        .partition(b";")[0]
        .strip()
        .lower()
        .decode("ascii", "replace")
    )


def said_name(entity: Entity) -> str:
    """What the message calls a part; may be anything."""
    from_disposition = _disposition_name(entity)
    return from_disposition or entity.parameters.get("name", "")


def name_of(entity: Entity) -> str:
    """Safe as a file name. A message without one is called what its subject is."""
    said = said_name(entity)
    if not said and entity.type == "message/rfc822":
        block = with_lf(entity.decoded(_SUBJECT_WITHIN)).partition(b"\n\n")[0]
        subject = text_of(Header(block).first(b"subject"))
        said = f"{subject.replace('/', '_')}.eml" if subject else ""
    return safe_name(said, entity.type, entity.number)


def content_id(entity: Entity) -> str:
    return entity.header.first(b"content-id").decode("utf-8", "replace").strip().strip("<>").strip()


def is_signature(entity: Entity) -> bool:
    return entity.type in _SIGNATURES


def is_tnef(entity: Entity) -> bool:
    return entity.type in TNEF_TYPES or said_name(entity).lower() == "winmail.dat"


def is_within(entity: Entity, multipart: str) -> bool:
    """Whether it is directly in a multipart of that type."""
    return entity.parent is not None and entity.parent.type == multipart


def _disposition_name(entity: Entity) -> str:
    value = entity.header.first(b"content-disposition")
    return read_parameters(value)[1].get("filename", "") if b";" in value else ""


def _leaf(entity: Entity) -> Layout:
    if entity.type in _TEXTS and disposition(entity) != "attachment" and _is_text(entity):
        return Layout(plain=[entity], rich=[entity])
    if entity.type == "application/pgp-encrypted":  # RFC 3156, section 4: only a version
        return Layout()
    if entity.type in _NOT_SHOWN and is_within(entity, "multipart/alternative"):
        return Layout()
    done = Layout(attached=[entity])
    if note := _note(entity):
        done.notes.append(note)
    return done


def _is_text(entity: Entity) -> bool:
    """A part with a file's name is attached, unless it comes first: some programs name the text itself."""
    if not said_name(entity):
        return True
    at = entity
    while at.parent is not None:
        if at.parent.children[0] is not at:
            return False
        at = at.parent
    return True


def _note(entity: Entity) -> str:
    if entity.type in _SIGNATURES and is_within(entity, "multipart/signed"):
        return _SIGNATURES[entity.type]
    if is_tnef(entity):
        return TNEF
    if entity.type in _PKCS7:
        kind = entity.parameters.get("smime-type", "enveloped-data").lower()
        return SIGNED_SMIME if kind == "signed-data" else ENCRYPTED_SMIME
    return ""


def _alternatives(choices: list[Layout]) -> Layout:
    """RFC 2046, section 5.1.4: the same several times, the best last."""
    texts = [choice for choice in choices if choice.plain or choice.rich]
    plain = [choice for choice in texts if not choice.has_html]
    rich = [choice for choice in texts if choice.has_html]
    done = Layout()
    for choice in choices:
        done.attached += choice.attached
        done.notes += choice.notes
    if texts:
        done.plain = (plain or texts)[0].plain
        done.rich = (rich or texts)[-1].rich
    return done
