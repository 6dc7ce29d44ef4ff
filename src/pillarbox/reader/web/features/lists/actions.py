"""What is done to messages. Each is a POST, and but for what is removed for good, can be undone.

Fields: those of :class:`.choice.Choice`; ``to`` or ``new`` (a folder); ``flag`` and ``on``; ``back``, where to go
from here; ``sure``, for what cannot be undone; ``quiet``, for what the page does by itself.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from pillarbox.reader.desk import Desk
from pillarbox.reader.errors import BadFolderName, ReaderError, TooLate
from pillarbox.reader.model import INBOX, TRASH, Change, Emptied, Flag, Folder, MessageKey
from pillarbox.reader.web import words
from pillarbox.reader.web.features.lists.choice import AT_ONCE, Choice, Chosen
from pillarbox.reader.web.features.lists.seen import moment_of
from pillarbox.reader.web.features.lists.told import Done, Told, with_done
from pillarbox.reader.web.pages import back, by_script, is_ours, off_loop, page, tell

_MAX_FIELDS = AT_ONCE + 50
"""Of a form: every message is one, and some more say what to do."""

_OFF = frozenset({"0", "off", "false", "no"})
_FLAGS = {flag.name.casefold(): flag for flag in Flag} | {flag.value: flag for flag in Flag}
_BY_HAND = (Flag.SEEN, Flag.FLAGGED)
"""What a user may say of a message; the others tell what was done with it."""

Action = Callable[[Request], Awaitable[Response]]


class BadRequest(ReaderError):
    """A form that no page of ours has made."""


@dataclass(frozen=True, slots=True)
class Actions:
    """What is done."""

    desk: Desk
    told: Told

    def by_name(self) -> Mapping[str, Action]:
        """What stands behind ``/do/``."""
        return {
            "archive": self.archive,
            "delete": self.delete,
            "move": self.move,
            "mark": self.mark,
            "erase": self.erase,
            "empty-trash": self.empty_trash,
        }

    async def archive(self, request: Request) -> Response:
        form = await _form(request)
        chosen = await self._chosen(form)
        change = await off_loop(self.desk.library.archive, chosen.keys)
        return self._reply(request, form, _done(change, chosen), left=change.keys)

    async def delete(self, request: Request) -> Response:
        """To Trash. If all of them are there, it can only be meant for good."""
        form = await _form(request)
        chosen = await self._chosen(form)
        if chosen.trashed == len(chosen.keys):
            return await self._erase(request, form, chosen)
        change = await off_loop(self.desk.library.delete, chosen.keys)
        return self._reply(request, form, _done(change, chosen), left=change.keys)

    async def move(self, request: Request) -> Response:
        """To a folder, also a new one; without either: a page that asks where."""
        form = await _form(request)
        to, new = _text(form, "to"), _text(form, "new").strip()
        if not to and not new:
            return await self._where(request, form)
        chosen = await self._chosen(form)
        try:
            folder = await off_loop(self.desk.library.make_folder, new) if new else Folder(to)
        except BadFolderName as error:
            if by_script(request):
                raise
            return await self._where(request, form, problem=str(error))
        change = await off_loop(self.desk.library.move, chosen.keys, folder)
        return self._reply(request, form, _done(change, chosen), left=change.keys)

    async def mark(self, request: Request) -> Response:
        form = await _form(request)
        flag = _FLAGS.get(_said(request, form, "flag"))
        if flag not in _BY_HAND:
            raise BadRequest("Messages can be marked as read, or flagged.")
        on = _said(request, form, "on") not in _OFF
        # Reading a thread is reading all of it; what is marked as unread, or flagged, is the message that one sees.
        chosen = await self._chosen(form, whole_threads=on == (flag is Flag.SEEN))
        change = await off_loop(_mark, self.desk, chosen.keys, flag, on)
        return self._reply(request, form, _done(change, chosen))

    async def erase(self, request: Request) -> Response:
        """What is in Trash: for good, if one is sure of just these messages."""
        form = await _form(request)
        return await self._erase(request, form, await self._chosen(form, only=TRASH))

    async def empty_trash(self, request: Request) -> Response:
        """For good, if one is sure: what was counted when one was asked."""
        form = await _form(request)
        library, sure = self.desk.library, _text(form, "sure")
        emptied = await off_loop(library.empty_trash, moment_of(sure)) if sure else None
        if emptied is None:
            now = str(library.moment)
            folders = await off_loop(library.folders)
            count = sum(each.total for each in folders if each.folder == TRASH)
            if not count:
                return self._reply(request, form, Done("Trash was empty"))
            what = f"{'all ' if count > 1 else ''}{words.count(count, 'message')} in Trash"
            return await _ask(request, form, "empty-trash", what, now)
        return self._reply(request, form, Done(_emptied(emptied)))

    async def undo(self, request: Request) -> Response:
        form = await _form(request)
        change = await off_loop(self.desk.library.undo, request.path_params["change"])
        if change is None:
            raise TooLate(
                "This cannot be undone any more. The messages are where they are now: look in Trash, or search for them."
            )
        return self._reply(request, form, Done(words.undone(change)))

    async def _erase(self, request: Request, form: FormData, chosen: Chosen) -> Response:
        if chosen.keys and _text(form, "sure") != chosen.mark:
            return await _ask(request, form, "erase", _counted(chosen), chosen.mark)
        removed = await off_loop(self.desk.library.erase, chosen.keys)
        say = f"Removed {words.count(removed, 'message')} for good"
        if not removed:
            say = "Nothing was removed: only what is in Trash can be removed for good"
        return self._reply(request, form, Done(_with_more(say, chosen)), left=chosen.keys)

    async def _chosen(
        self, form: FormData, *, whole_threads: bool = True, only: Folder | None = None
    ) -> Chosen:
        return await off_loop(_messages, self.desk, Choice.of(form), whole_threads, only)

    async def _where(self, request: Request, form: FormData, problem: str = "") -> Response:
        return await page(
            request,
            "lists/move.html",
            form=form,
            problem=problem,
            status=409 if problem else 200,
            targets=[
                state
                for state in await off_loop(self.desk.library.folders)
                if state.folder != INBOX
            ],
        )

    def _reply(
        self, request: Request, form: FormData, done: Done, left: Collection[MessageKey] = ()
    ) -> Response:
        """To a script: what was done; else back to the page, which says it. Messages that have *left* are no longer open."""
        quiet = bool(_text(form, "quiet"))
        if by_script(request):
            return Response(status_code=204) if quiet else tell(done.say, done.change)
        to = _closed(_text(form, "back") or "/", left)
        return back(to if quiet else with_done(to, self.told.note(done)))


async def _form(request: Request) -> FormData:
    return await request.form(max_fields=_MAX_FIELDS)


async def _ask(request: Request, form: FormData, action: str, what: str, sure: str) -> Response:
    """Whether *what* is to be removed for good: a page, whose form says *sure*; to a script both."""
    if by_script(request):
        asked = json.dumps({"asked": {"action": action, "what": what, "sure": sure}})
        return Response(status_code=204, headers={"HX-Trigger": asked})
    keep = _text(form, "back")
    return await page(
        request,
        "lists/sure.html",
        form=form,
        action=action,
        what=what,
        sure=sure,
        keep=keep if is_ours(keep) else "/mail/Trash",
    )


def _counted(chosen: Chosen) -> str:
    """How many messages: a row may stand for more than one."""
    count = words.count(len(chosen.keys), "message")
    if chosen.rows == len(chosen.keys):
        return count
    return f"{count} of {words.count(chosen.rows, 'conversation')}"


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def _said(request: Request, form: FormData, name: str) -> str:
    """A field, or the same in the URL: a button of a form with many can say one thing only."""
    return _text(form, name) or request.query_params.get(name, "")


def _messages(
    desk: Desk,
    choice: Choice,
    whole_threads: bool,  # noqa: FBT001 -- for a thread
    only: Folder | None,
) -> Chosen:
    return choice.messages(desk.library, whole_threads=whole_threads, only=only)


def _mark(desk: Desk, keys: Collection[MessageKey], flag: Flag, on: bool) -> Change:  # noqa: FBT001 -- for a thread
    return desk.library.mark(keys, flag, on=on)


def _emptied(emptied: Emptied) -> str:
    said: list[str] = []
    if emptied.removed:
        said.append(f"Removed {words.count(emptied.removed, 'message')} for good")
    if emptied.left:
        stays = words.count(emptied.left, "message stays", "messages stay")
        said.append(f"{stays}, which you were not asked about")
    return ". ".join(said) or "Trash was empty"


def _done(change: Change, chosen: Chosen) -> Done:
    if not change.keys:
        return Done(_with_more("Nothing had to be changed", chosen))
    say = words.done(change)
    if change.to == TRASH and chosen.trashed:
        say += f". {words.count(chosen.trashed, 'other is', 'others are')} there already"
    return Done(_with_more(say, chosen), change.id)


def _with_more(say: str, chosen: Chosen) -> str:
    if not chosen.more:
        return say
    return (
        f"{say}. {words.number(AT_ONCE)} go at once, and there are more: do it again for the rest"
    )


def _closed(url: str, left: Collection[MessageKey]) -> str:
    """*url* without the message that is open, if it has *left*."""
    parts = urlsplit(url)
    asked = [
        (name, value) for name, value in parse_qsl(parts.query) if name != "m" or value not in left
    ]
    return parts._replace(query=urlencode(asked)).geturl()
