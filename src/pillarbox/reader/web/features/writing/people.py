"""Contacts: the list, one of them, completion, import."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from urllib.parse import urlencode

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from pillarbox.reader.compose.addresses import Recipient, readable
from pillarbox.reader.errors import ChangedElsewhere, NotSendable, WrongFields
from pillarbox.reader.model import Contact, mark_of
from pillarbox.reader.web.features.writing.typed import form_of
from pillarbox.reader.web.pages import back, by_script, desk_of, off_loop, page, tell

_COMPLETIONS = 8
"""That are offered at once: more is a list to be read."""
_SHOWN = 500
"""Contacts on the page; more are found by typing."""
_REFUSED = 5
"""Files of an import of which the page says why they were not taken."""
_CONFLICT, _WRONG = 409, 422


async def _show(request: Request) -> Response:
    return await _list(request, Contact("", ""))


async def _list(
    request: Request,
    typed: Contact,
    *,
    wrong: dict[str, str] | None = None,
    gone: bool = False,
    imported: int | None = None,
    status: int = 200,
) -> Response:
    """*imported*: how many contacts just were. *gone*: somebody else has removed what was to be changed into *typed*."""
    contacts = desk_of(request).contacts
    sought = " ".join(request.query_params.get("q", "").split())
    everyone = await off_loop(contacts.all)
    found = [one for one in everyone if _fits(one, sought)]
    restored = request.query_params.get("restored", "")
    said = request.query_params.get("imported", "")
    if said.isascii() and said.isdigit():
        imported = int(said[:9])
    return await page(
        request,
        "writing/contacts.html",
        status=status,
        found=found[:_SHOWN],
        more=max(len(found) - _SHOWN, 0),
        total=len(everyone),
        sought=sought,
        typed=typed,
        typed_address=_typed_address,
        wrong=wrong or {},
        gone=gone,
        problem=contacts.problem,
        imported=imported,
        removed=contacts.removed(request.query_params.get("removed", "")),
        restored=next((one for one in everyone if one.id == restored), None),
    )


def _fits(contact: Contact, sought: str) -> bool:
    whole = f"{contact.name} {contact.address}".casefold()
    return all(word in whole for word in sought.casefold().split())


async def _one(request: Request) -> Response:
    contact = await _named(request)
    if contact is None:
        return back("/contacts")
    return await _form(request, contact, contact)


async def _form(
    request: Request,
    typed: Contact,
    there: Contact,
    *,
    seen: str = "",
    wrong: dict[str, str] | None = None,
    elsewhere: bool = False,
    status: int = 200,
) -> Response:
    """For what is *there*. *seen*: what the page has shown of it, if that is something else; *elsewhere*: it is shown now
    that it is.
    """
    return await page(
        request,
        "writing/contact.html",
        status=status,
        typed=typed,
        there=there,
        seen=seen or mark_of(there),
        wrong=wrong or {},
        elsewhere=elsewhere,
    )


async def _named(request: Request) -> Contact | None:
    everyone = await off_loop(desk_of(request).contacts.all)
    wanted = request.path_params["contact"]
    return next((one for one in everyone if one.id == wanted), None)


async def _save(request: Request) -> Response:
    """A new one, or a changed one."""
    contact_id = request.path_params.get("contact", "")
    async with form_of(request) as form:
        typed = Contact(form.texts.get("name", ""), form.texts.get("address", ""), contact_id)
        seen = form.texts.get("seen", "")
    save = partial(desk_of(request).contacts.save, typed, seen=seen)
    try:
        await off_loop(save)
    except ChangedElsewhere:
        there = await _named(request)
        if there is None:
            return await _list(request, replace(typed, id=""), gone=True, status=_CONFLICT)
        return await _form(request, typed, there, elsewhere=True, status=_CONFLICT)
    except WrongFields as error:
        wrong = dict(error.by_field)
        there = await _named(request) if contact_id else None
        if there is None:
            return await _list(request, typed, wrong=wrong, status=_WRONG)
        return await _form(request, typed, there, wrong=wrong, seen=seen, status=_WRONG)
    return back("/contacts")


async def _remove(request: Request) -> Response:
    async with form_of(request) as form:
        seen = form.texts.get("seen", "")
    wanted = request.path_params["contact"]
    try:
        await off_loop(partial(desk_of(request).contacts.remove, wanted, seen=seen))
    except ChangedElsewhere:
        if there := await _named(request):
            return await _form(request, there, there, elsewhere=True, status=_CONFLICT)
    return back(f"/contacts?{urlencode({'removed': wanted})}")


async def _restore(request: Request) -> Response:
    wanted = request.path_params["contact"]
    await off_loop(desk_of(request).contacts.restore, wanted)
    if by_script(request):
        there = await _named(request)
        return tell(f"{there.name or there.address if there else 'The contact'} is there again")
    return back(f"/contacts?{urlencode({'restored': wanted})}")


async def _import(request: Request) -> Response:
    contacts = desk_of(request).contacts
    count, refused = 0, list[str]()
    async with form_of(request) as form:
        if not form.files:
            wrong = {"file": "Choose a file first."}
            return await _list(request, Contact("", ""), wrong=wrong, status=_WRONG)
        for upload in form.files:
            try:
                count += await off_loop(contacts.import_vcards, await _content(upload))
            except NotSendable as error:
                refused.append(f"{upload.filename}: {error}")
    if refused:
        more = len(refused) - _REFUSED
        told = [*refused[:_REFUSED], *([f"And {more} more."] if more > 0 else [])]
        return await _list(
            request,
            Contact("", ""),
            wrong={"file": " ".join(told)},
            imported=count or None,
            status=_WRONG,
        )
    return back(f"/contacts?imported={count}")


async def _content(upload: UploadFile) -> bytes:
    return await off_loop(upload.file.read)


async def _complete(request: Request) -> Response:
    """For scripts: whom the last of the recipients may become."""
    typed = request.query_params.get("q", "")
    found = await off_loop(desk_of(request).contacts.complete, typed, _COMPLETIONS)
    return JSONResponse([_offered(one) for one in found])


def _offered(contact: Contact) -> dict[str, str]:
    """*text*: what goes into the field."""
    address = readable(contact.address)
    return {"name": contact.name, "address": address, "text": _typed_address(contact)}


def _typed_address(contact: Contact) -> str:
    """As one would type it into To."""
    return str(Recipient(contact.name, readable(contact.address)))


ROUTES: list[BaseRoute] = [
    Route("/contacts", _show, methods=["GET"]),
    Route("/contacts", _save, methods=["POST"]),
    Route("/contacts/complete", _complete, methods=["GET"]),
    Route("/contacts/import", _import, methods=["POST"]),
    Route("/contacts/{contact}", _one, methods=["GET"]),
    Route("/contacts/{contact}", _save, methods=["POST"]),
    Route("/contacts/{contact}/remove", _remove, methods=["POST"]),
    Route("/contacts/{contact}/restore", _restore, methods=["POST"]),
]
