"""Drafts become messages, and messages drafts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import tzinfo

from pillarbox.reader.compose import quoting
from pillarbox.reader.compose.addresses import as_typed
from pillarbox.reader.compose.attached import MAX_FILES
from pillarbox.reader.compose.checking import doubts_about, only_to, reached_already, recipients_of
from pillarbox.reader.compose.drafts import KeptDrafts
from pillarbox.reader.compose.message import bcc_field, make_message, sender_address
from pillarbox.reader.compose.original import Original, read_original
from pillarbox.reader.compose.pictures import Pictures
from pillarbox.reader.compose.replies import author_of, each, envelope_for, identity_for
from pillarbox.reader.compose.signatures import signed, signed_anew
from pillarbox.reader.compose.subjects import answering, forwarding
from pillarbox.reader.compose.writers import Writers
from pillarbox.reader.contracts import Accounts, Clock, Library, Outbox
from pillarbox.reader.errors import LibraryUnusable, NotSendable, TooLate, WrongFields
from pillarbox.reader.mail.letter import Letter, read_letter, read_part
from pillarbox.reader.mail.mime import with_lf
from pillarbox.reader.mail.private import without_bcc
from pillarbox.reader.model import Draft, File, MessageKey, Outgoing, Parcel, Settings

_PIECE = 1 << 20
"""Octets that are written at once."""


class Writing:
    """Implements :class:`pillarbox.reader.contracts.Writing`."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        library: Library,
        drafts: KeptDrafts,
        outbox: Outbox,
        settings: Settings,
        clock: Clock,
        zone: tzinfo | None = None,
    ) -> None:
        """*zone*: in which dates are said; None: the system's."""
        self._writers, self._library = Writers(accounts), library
        self._drafts, self._outbox = drafts, outbox
        self._settings, self._clock, self._zone = settings, clock, zone

    # Beginning.

    def new(self, draft: Draft) -> Draft:
        """See the contract."""
        identity = self._writers.of_or_first(draft.account)
        if identity is not None:
            text = signed(draft.text, identity.signature)
            draft = replace(draft, account=identity.account, text=text)
        return self._drafts.new(draft)

    def reply(self, key: MessageKey, *, to_all: bool = False) -> Draft:
        """See the contract."""
        original = self._original(key)
        letter = original.letter
        envelope = envelope_for(original.answered, self._writers.all(), to_all=to_all)
        references = (
            (*letter.references, letter.message_id) if letter.message_id else letter.references
        )
        draft = Draft(
            "",
            to=as_typed(envelope.to),
            cc=as_typed(envelope.cc),
            subject=answering(letter.subject),
            answers=key,
            in_reply_to=letter.message_id,
            references=references,
        )
        if html := original.html():
            quote = quoting.quoted_html(letter, html, self._zone)
            draft = self._begun(replace(draft, quote=quote), original, "")
        else:
            draft = self._begun(draft, original, quoting.quoted(letter, self._zone))
        return self._drafts.new(draft)

    def forward(self, key: MessageKey, *, attached: bool = False) -> Draft:
        """See the contract."""
        original = self._original(key)
        letter = original.letter
        draft = Draft("", subject=forwarding(letter.subject), forwards=key)
        if attached:
            draft = self._drafts.new(self._begun(draft, original, ""))
            name = f"{letter.subject or 'message'}.eml"
            whole = without_bcc(with_lf(self._library.read(key)))
            return self._with_files(draft, [(name, "message/rfc822", whole, "")])
        pictures = Pictures(letter.parts)
        if html := original.html_with(pictures):
            quote = quoting.forwarded_html(letter, html, self._zone)
            draft = self._begun(replace(draft, quote=quote), original, "")
        else:
            draft = self._begun(draft, original, quoting.forwarded(letter, self._zone))
        data = self._library.read(key)
        parts = (read_part(data, part.number) for part in letter.parts[:MAX_FILES])
        files = (
            (part.name, part.type, content, pictures.names.get(part.number, ""))
            for part, content in parts
        )
        return self._with_files(self._drafts.new(draft), files)

    def again(self, key: MessageKey) -> Draft:
        """See the contract."""
        original = self._original(key)
        letter = original.letter
        identity = author_of(letter, self._writers.all())
        if identity is None:
            identity = identity_for(original.answered, self._writers.all())
        draft = self._writers.into(_whole(letter), identity)
        draft = replace(draft, bcc=as_typed(each(letter.bcc)))
        files = _files_of(letter, self._library.read(key))
        return self._with_files(self._drafts.new(draft), files)

    # Going on.

    def save(self, draft: Draft) -> Draft:
        """See the contract."""
        before = self._drafts.find(draft.id)
        if before.account != draft.account:
            old, new = self._writers.of(before.account), self._writers.of(draft.account)
            if old is not None and new is not None:
                text = signed_anew(draft.text, old.signature, new.signature)
                draft = replace(draft, text=text)
        return self._drafts.save(draft)

    def doubts(self, draft_id: str) -> Sequence[str]:
        """See the contract."""
        draft = self._drafts.find(draft_id)
        self._writers.of_draft(draft)  # what has to be corrected comes before what may be wrong
        recipients = recipients_of(draft)
        return [*reached_already(draft, recipients), *doubts_about(draft)]

    def send(self, draft_id: str) -> str:
        """See the contract. Once the outbox has it, it names the draft: there is no second step."""
        with self._drafts.lock:
            draft = self._drafts.find(draft_id)
            identity = self._writers.of_draft(draft)
            recipients = recipients_of(draft)
            contents = [(file, self._content(draft, file)) for file in draft.files]
            now = self._clock().astimezone(self._zone)
            message = make_message(draft, identity, recipients, contents, now)
            parcel = Parcel(
                message,
                identity.account,
                sender_address(identity),
                recipients.addresses,
                draft.subject.strip(),
                draft=draft.id,
                answers=draft.answers,
                forwards=draft.forwards,
                bcc=bcc_field(recipients),
                own=identity == self._writers.of(identity.account),
            )
            return self._outbox.put(parcel, hold_seconds=self._settings.hold_seconds)

    def take_back(self, outgoing_id: str) -> Draft:
        """See the contract. Who has got the message already is not among the draft's recipients any more; who may have got
        it is kept in mind.
        """
        with self._drafts.lock:
            outgoing = self._outbox.find(outgoing_id)
            if outgoing is None:
                raise TooLate("It has left, and cannot be taken back any more.")
            draft = self._drafts.kept(outgoing.draft) if outgoing.draft else None
            if draft is None:
                draft = self._made_anew(outgoing)
            else:
                draft = only_to(self._noted(draft, outgoing), outgoing.to)
            self._drafts.correct(draft)  # of one that is made anew: it is more than an offer
            self._outbox.take_out(outgoing_id)
            return self._drafts.find(draft.id)

    # Parts of it.

    def _original(self, key: MessageKey) -> Original:
        folder = self._library.find(key).folder
        return read_original(self._library.read(key), folder)

    def _begun(self, draft: Draft, original: Original, below: str) -> Draft:
        """*draft* from whom the message came to: room to write, what goes *below*, and the signature. An answer is from the
        very address; a message is forwarded from one that has a name: a subaddress is between two, and this is for a third.
        """
        writer = identity_for(original.answered, self._writers.all())
        text = f"\n\n{below}" if below else ""
        if writer is None:
            return replace(draft, text=text)
        named = self._writers.named(writer)
        draft = replace(draft, text=signed(text, writer.signature))
        if draft.answers is None:
            return self._writers.into(draft, named)
        came_to = "" if named == writer else writer.address
        return replace(self._writers.into(draft, writer), came_to=came_to)

    def _with_files(self, draft: Draft, files: Iterable[tuple[str, str, bytes, str]]) -> Draft:
        """Those that fit are attached (name, type, content, Content-ID); others are named in the text: nobody shall think that
        they are there.
        """
        if left_out := self._attached(draft, files):
            self._drafts.save(_told(draft, left_out))
        return self._drafts.find(draft.id)

    def _attached(
        self, draft: Draft, files: Iterable[tuple[str, str, bytes, str]]
    ) -> Sequence[str]:
        """Attach those that fit; the names of the others."""
        left_out: list[str] = []
        for name, media_type, content, shown_as in files:
            pieces = _pieces(content)
            try:
                self._drafts.attach(draft.id, name, media_type, pieces, content_id=shown_as)
            except NotSendable:
                left_out.append(name)
        return left_out

    def _content(self, draft: Draft, file: File) -> bytes:
        try:
            return self._drafts.path(draft.id, file.id).read_bytes()
        except OSError as error:
            raise WrongFields(
                {"files": f"{file.name} cannot be read any more. Remove it, and attach it again."}
            ) from error

    def _noted(self, draft: Draft, outgoing: Outgoing) -> Draft:
        """*draft* with those who may have got it, under which Message-ID."""
        if not outgoing.unsure:
            return draft  # it may have been handed over before that, too
        letter = read_letter(self._outbox.read(outgoing.id))
        unsure = tuple(dict.fromkeys((*draft.unsure, *outgoing.unsure)))
        return replace(draft, unsure=unsure, message_id=letter.message_id)

    def _made_anew(self, outgoing: Outgoing) -> Draft:
        """Of the message itself: the draft that it was made of is gone. The outbox names the new one once all of it is there:
        until then it is an offer that is in no list, and from then on it is hidden until the message is taken out.
        """
        draft = self._drafts.new(self._worded(outgoing))
        with self._gone_if_it_fails(draft):
            data = self._outbox.read(outgoing.id)
            left_out = self._attached(draft, _files_of(read_letter(data), data))
            self._outbox.name_draft(outgoing.id, draft.id)
        return _told(draft, left_out) if left_out else draft

    @contextmanager
    def _gone_if_it_fails(self, draft: Draft) -> Iterator[None]:
        """What a *draft* is made for may fail in any way: then it must not stay beside what it was made of."""
        try:
            yield
        except BaseException:
            with suppress(LibraryUnusable):  # what has failed first is what is said
                self._drafts.discard(draft.id)
            raise

    def _worded(self, outgoing: Outgoing) -> Draft:
        """Of the message itself, but for its files: the draft that it was made of is gone."""
        letter = read_letter(self._outbox.read(outgoing.id))
        named = {one.address.casefold() for one in (*letter.to, *letter.cc)}
        hidden = [one for one in outgoing.to if one.casefold() not in named]
        identity = self._writers.of(outgoing.account)
        writer = author_of(letter, [identity]) if identity is not None else None
        draft = replace(
            self._writers.into(_whole(letter), writer),
            account=outgoing.account,
            bcc=", ".join(hidden),
            unsure=outgoing.unsure,
        )
        return only_to(draft, outgoing.to)


def _whole(letter: Letter) -> Draft:
    """All of it that stands in fields and text, as it was typed; what is HTML, as text."""
    return Draft(
        "",
        to=as_typed(each(letter.to)),
        cc=as_typed(each(letter.cc)),
        subject=letter.subject,
        text="\n".join(map(str, quoting.lines(letter))),
        in_reply_to=letter.references[-1] if letter.references else "",
        references=letter.references,
    )


def _files_of(letter: Letter, data: bytes) -> Iterator[tuple[str, str, bytes, str]]:
    """All files of the message *data*, which is *letter*: name, type, content, no Content-ID."""
    parts = (read_part(data, part.number) for part in letter.parts)
    return ((part.name, part.type, content, "") for part, content in parts)


def _told(draft: Draft, left_out: Sequence[str]) -> Draft:
    """*draft*, which says that these files are not attached."""
    note = f"(Too large, and not attached: {', '.join(left_out)})"
    return replace(draft, text=f"\n\n{note}{draft.text}")


def _pieces(content: bytes) -> Iterator[bytes]:
    for at in range(0, len(content), _PIECE):
        yield content[at : at + _PIECE]
