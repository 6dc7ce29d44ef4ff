"""What a form of a draft holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from starlette.datastructures import UploadFile
from starlette.requests import Request

from pillarbox.reader.model import Draft
from pillarbox.reader.web.features.writing.senders import parsed
from pillarbox.reader.web.pages import is_ours, sent_form

_FIELD = 12_000_000
"""Octets of one field: the longest text of a draft in UTF-8, and more."""
_FILES = 200
"""At once: as many as a draft takes."""
_TEXTS = ("account", "to", "cc", "bcc", "subject")


@dataclass(frozen=True, slots=True)
class Typed:
    """A form, read."""

    texts: dict[str, str]
    files: tuple[UploadFile, ...] = field(default=())

    @property
    def back(self) -> str:
        """Where one was before; empty: it does not say, or that is not here."""
        said = self.texts.get("back", "")
        return said if is_ours(said) else ""

    def into(self, draft: Draft) -> Draft:
        """*draft* with what was typed; what the form does not have stays. Line ends are those of the page."""
        fields = {name: self.texts[name] for name in _TEXTS if name in self.texts}
        version = self.texts.get("version", "")
        account, sender = draft.account, draft.sender
        if "account" in fields:
            account, sender = parsed(fields["account"])
        return replace(
            draft,
            account=account,
            sender=sender,
            to=fields.get("to", draft.to),
            cc=fields.get("cc", draft.cc),
            bcc=fields.get("bcc", draft.bcc),
            subject=fields.get("subject", draft.subject),
            text=self.texts.get("text", draft.text).replace("\r\n", "\n"),
            # A box that is not checked sends nothing: only a form that has the text has the box, too.
            unquoted="unquoted" in self.texts if "text" in self.texts else draft.unquoted,
            version=int(version[:18]) if version.isascii() and version.isdigit() else draft.version,
        )


@asynccontextmanager
async def form_of(request: Request) -> AsyncIterator[Typed]:
    """The form of *request*; its files are there until the block is left."""
    async with sent_form(request, max_files=_FILES, max_part_size=_FIELD) as form:
        items = form.multi_items()
        yield Typed(
            {name: value for name, value in items if isinstance(value, str)},
            tuple(_chosen(value for _, value in items)),
        )


def _chosen(values: Iterable[UploadFile | str]) -> Iterable[UploadFile]:
    """Files. A file field in which none was chosen sends one without a name."""
    return (one for one in values if isinstance(one, UploadFile) and one.filename)
