"""What came with the form of a draft is kept; its page, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from pillarbox.reader.contracts import Drafts
from pillarbox.reader.desk import Desk
from pillarbox.reader.errors import DraftChanged, LibraryUnusable, NotSendable
from pillarbox.reader.incoming import Received
from pillarbox.reader.model import Draft, Identity
from pillarbox.reader.web.features.writing.senders import senders_for
from pillarbox.reader.web.features.writing.typed import Typed
from pillarbox.reader.web.pages import back, by_script, desk_of, off_loop, page

_CONFLICT, _WRONG, _UNUSABLE = 409, 422, 503


async def shown(  # what a page of a draft says is all of it
    request: Request,
    draft: Draft,
    *,
    back_to: str,
    wrong: Mapping[str, str] | None = None,
    doubts: Sequence[str] = (),
    status: int = 200,
) -> Response:
    """The page of *draft*. *wrong*: by field; what belongs to none has the empty name."""
    identities = await off_loop(_identities, desk_of(request))
    return await page(
        request,
        "writing/compose.html",
        status=status,
        draft=draft,
        identities=identities,
        senders=senders_for(draft, identities),
        back_to=back_to,
        wrong=wrong or {},
        doubts=doubts,
    )


def _identities(desk: Desk) -> list[Identity]:
    return [desk.accounts.identity(name) for name in desk.accounts.names()]


async def keep(request: Request, typed: Typed) -> Draft | Response:
    """The draft as it was typed, kept, with the files that came along, whatever button was pressed; or the page that says
    why it could not be, with all that was typed.
    """
    saved = await _save(request, typed)
    if isinstance(saved, Response) or not typed.files:
        return saved
    drafts = desk_of(request).drafts
    for upload in typed.files:
        try:
            await off_loop(attach, drafts, saved.id, upload)
        except (NotSendable, LibraryUnusable) as error:
            if by_script(request):
                raise
            status = _UNUSABLE if isinstance(error, LibraryUnusable) else _WRONG
            wrong = {"files": f"{upload.filename} was not attached. {error}"}
            draft = await off_loop(drafts.find, saved.id)
            return await shown(request, draft, back_to=typed.back, wrong=wrong, status=status)
    return await off_loop(drafts.find, saved.id)


def attach(drafts: Drafts, draft_id: str, upload: UploadFile) -> None:
    """Raises what :meth:`.contracts.Drafts.attach` does."""
    name, kind = upload.filename or "file", upload.content_type or ""
    drafts.attach(draft_id, name, kind, Received(upload.file))


async def _save(request: Request, typed: Typed) -> Draft | Response:
    desk = desk_of(request)
    last = await off_loop(desk.drafts.find, request.path_params["draft"])
    draft = typed.into(last)
    try:
        return await off_loop(desk.writing.save, draft)
    except (DraftChanged, NotSendable, LibraryUnusable) as error:
        if by_script(request):
            raise
        said, status = str(error), _CONFLICT
        if isinstance(error, LibraryUnusable):
            said, status = f"This is not saved. {error} What you typed is still here.", _UNUSABLE
        if isinstance(error, DraftChanged):
            said = (
                "This draft was changed in another tab since it was opened here. "
                "Save it again to replace that with what you see, or leave this page to keep the other."
            )
        if typed.files:
            said += " Then choose the files again."
        newest = Typed(typed.texts | {"version": str(last.version)}).into(last)
        return await shown(request, newest, back_to=typed.back, wrong={"": said}, status=status)


def to_draft(draft: Draft, typed: Typed, **more: str) -> Response:
    """Back to its page."""
    query = ({"back": typed.back} if typed.back else {}) | more
    return back(f"/compose/{draft.id}" + (f"?{urlencode(query)}" if query else ""))
