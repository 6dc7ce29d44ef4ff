"""``/rules``: what happens to mail that comes in."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pillarbox.reader.desk import Desk
from pillarbox.reader.errors import BadFolderName, ChangedElsewhere
from pillarbox.reader.mail.summary import summarise
from pillarbox.reader.model import INBOX, Folder, MessageKey, Rule, mark_of
from pillarbox.reader.web.features.filing.forms import choices
from pillarbox.reader.web.pages import back, by_script, chosen, desk_of, off_loop, page, tell

CONDITIONS = (
    ("sender", "From", "A part of the name or address, like example.org"),
    ("to", "To or Cc", "A part of the name or address of somebody it went to"),
    ("subject", "Subject", "Words that stand in it"),
    ("list_id", "Mailing list", "A part of what the list calls itself"),
)
"""Field, label, hint."""
_ID_OCTETS = 8
_MAX_WORDS = 500
"""Characters of a condition: no address or subject that one looks for is longer."""


def routes() -> list[BaseRoute]:
    return [
        Route("/rules", _list, methods=["GET"]),
        Route("/rules", _save, methods=["POST"]),
        Route("/rules/new", _new, methods=["GET"]),
        Route("/rules/{rule}", _edit, methods=["GET"]),
        Route("/rules/{rule}/{what:str}", _do, methods=["POST"]),
    ]


async def _list(request: Request) -> Response:
    desk = desk_of(request)
    query = request.query_params
    applied = int(query["applied"][:9]) if query.get("applied", "").isdecimal() else None
    return await page(
        request,
        "filing/rules.html",
        rules=desk.rules.all(),
        problem=desk.rules.problem,
        choices=await off_loop(choices, desk.library),
        accounts=await off_loop(desk.accounts.names),
        applied=applied,
        change=query.get("change", ""),
        removed=desk.rules.removed(query.get("removed", "")),
        restored=_there(desk, query.get("restored", "")),
        elsewhere="elsewhere" in query,
        labels=CONDITIONS,
    )


async def _new(request: Request) -> Response:
    """Empty, or for mail like the message ``from``."""
    key = request.query_params.get("from", "")
    rule = await off_loop(_like, desk_of(request), MessageKey(key)) if key else Rule("")
    return await _form(request, rule)


async def _edit(request: Request) -> Response:
    rule = _there(desk_of(request), request.path_params["rule"])
    return back("/rules") if rule is None else await _form(request, rule, there=rule)


async def _save(request: Request) -> Response:
    desk = desk_of(request)
    async with request.form() as form:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        accounts = chosen(form.getlist("account"))
    new_folder = fields.get("new_folder", "").strip()
    rule = Rule(
        fields.get("id", ""),
        **{name: fields.get(name, "").strip()[:_MAX_WORDS] for name, _, _ in CONDITIONS},
        accounts=accounts,
        move_to=Folder(fields["move_to"]) if fields.get("move_to") else None,
        mark_seen="mark_seen" in fields,
        flag="flag" in fields,
    )
    wrong = _wrong(rule, new_folder)
    if not wrong and new_folder:
        try:
            rule = replace(rule, move_to=await off_loop(_folder, desk, new_folder))
        except BadFolderName as error:
            wrong = {"new_folder": str(error)}
    if wrong:
        there = _there(desk, rule.id)
        return await _form(
            request,
            rule,
            there=there,
            seen=fields.get("seen", ""),
            wrong=wrong,
            new_folder=new_folder,
            status=422,
        )
    try:
        saved = await off_loop(_put, desk, rule, fields.get("seen", ""))
    except ChangedElsewhere:
        there = _there(desk, rule.id)
        again = rule if there else replace(rule, id="")
        return await _form(request, again, there=there, elsewhere=True, status=409)
    if "apply" in fields:
        return await _applied(desk, saved, INBOX)
    return back("/rules")


async def _do(request: Request) -> Response:
    """One of up, down, remove, restore, apply: with the rule that the page has shown."""
    desk, what = desk_of(request), request.path_params["what"]
    async with request.form() as form:
        folder, seen = form.get("folder", INBOX), str(form.get("seen", ""))
    wanted = request.path_params["rule"]
    try:
        if what == "apply":
            rule = _as_seen(desk.rules.all(), wanted, seen)
            return await _applied(desk, rule, Folder(str(folder)))
        if what in _STEPS:
            await off_loop(desk.rules.change, partial(_moved, wanted=wanted, by=_STEPS[what]))
        elif what == "remove":
            await off_loop(partial(desk.rules.remove, wanted, seen=seen))
            return back(f"/rules?{urlencode({'removed': wanted})}")
        elif what == "restore":
            await off_loop(desk.rules.restore, wanted)
            if by_script(request):
                return tell("The rule is there again")
            return back(f"/rules?{urlencode({'restored': wanted})}")
    except ChangedElsewhere:
        return back("/rules?elsewhere=1")
    return back("/rules")


_STEPS = {"up": -1, "down": 1}


def _moved(rules: Sequence[Rule], *, wanted: str, by: int) -> Sequence[Rule]:
    rule = _as_seen(rules, wanted)
    others = [each for each in rules if each is not rule]
    others.insert(max(0, rules.index(rule) + by), rule)
    return others


def _as_seen(rules: Sequence[Rule], wanted: str, seen: str = "") -> Rule:
    """The one with that id; *seen*: the mark of what its user has seen (empty: it does not matter).

    Raises:
        ChangedElsewhere: it is another one by now, or gone.
    """
    for rule in rules:
        if rule.id == wanted and (not seen or mark_of(rule) == seen):
            return rule
    raise ChangedElsewhere("This rule has been changed or removed elsewhere.")


def _there(desk: Desk, wanted: str) -> Rule | None:
    return next((rule for rule in desk.rules.all() if rule.id == wanted), None)


async def _applied(desk: Desk, rule: Rule, folder: Folder) -> Response:
    change = await off_loop(desk.filing.apply, rule, folder)
    return back(f"/rules?{urlencode({'applied': len(change.keys), 'change': change.id})}")


async def _form(
    request: Request,
    rule: Rule,
    *,
    there: Rule | None = None,
    seen: str = "",
    elsewhere: bool = False,
    wrong: dict[str, str] | None = None,
    new_folder: str = "",
    status: int = 200,
) -> Response:
    """For the rule that is *there* (None: a new one), with *rule* filled in. *seen*: what the page has shown of it, if that is
    something else; *elsewhere*: it is shown now that it is.
    """
    desk = desk_of(request)
    context: dict[str, Any] = {
        "rule": rule,
        "there": there,
        "seen": seen or (mark_of(there) if there else ""),
        "elsewhere": elsewhere,
        "labels": CONDITIONS,
        "conditions": CONDITIONS,
        "choices": await off_loop(choices, desk.library),
        "accounts": await off_loop(desk.accounts.names),
        "wrong": wrong or {},
        "new_folder": new_folder,
    }
    return await page(request, "filing/rule.html", status=status, **context)


def _like(desk: Desk, key: MessageKey) -> Rule:
    """A rule for mail of the same list, or else of the same sender. Raises NoSuchMessage."""
    summary = summarise(desk.library.read(key))
    if summary.list_id:
        return Rule("", list_id=summary.list_id)
    return Rule("", sender=summary.sender.address or summary.sender.name)


def _wrong(rule: Rule, new_folder: str) -> dict[str, str]:
    wrong = {}
    if not any(getattr(rule, name) for name, _, _ in CONDITIONS) and not rule.accounts:
        wrong["sender"] = (
            "Fill in at least one of these, or choose an account: which mail is it for?"
        )
    if not (rule.move_to or new_folder or rule.mark_seen or rule.flag):
        wrong["move_to"] = "Choose at least one thing that happens to this mail."
    return wrong


def _folder(desk: Desk, path: str) -> Folder:
    """The one of that name; made, if there is none."""
    if (folder := Folder(path)) in choices(desk.library):
        return folder
    return desk.library.make_folder(path)


def _put(desk: Desk, rule: Rule, seen: str) -> Rule:
    """In the place of the one with its id; without one, as the last.

    Raises:
        ChangedElsewhere: it is another one by now than what was *seen*, or gone.
    """
    named = rule if rule.id else replace(rule, id=secrets.token_hex(_ID_OCTETS))

    def edit(rules: Sequence[Rule]) -> Sequence[Rule]:
        if named in rules:
            return rules
        if not rule.id:
            return [*rules, named]
        there = _as_seen(rules, rule.id, seen)
        return [named if each is there else each for each in rules]

    desk.rules.change(edit)
    return named
