"""``/rules``: what happens to mail that comes in."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pillarbox.reader.desk import Desk
from pillarbox.reader.errors import BadFolderName
from pillarbox.reader.mail.summary import summarise
from pillarbox.reader.model import INBOX, Folder, MessageKey, Rule
from pillarbox.reader.web.features.filing.forms import choices
from pillarbox.reader.web.pages import back, chosen, desk_of, off_loop, page

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
        labels=CONDITIONS,
    )


async def _new(request: Request) -> Response:
    """Empty, or for mail like the message ``from``."""
    key = request.query_params.get("from", "")
    rule = await off_loop(_like, desk_of(request), MessageKey(key)) if key else Rule("")
    return await _form(request, rule)


async def _edit(request: Request) -> Response:
    wanted = request.path_params["rule"]
    rule = next((rule for rule in desk_of(request).rules.all() if rule.id == wanted), None)
    return back("/rules") if rule is None else await _form(request, rule)


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
        return await _form(request, rule, wrong=wrong, new_folder=new_folder, status=422)
    saved = await off_loop(_put, desk, rule)
    if "apply" in fields:
        return await _applied(desk, saved, INBOX)
    return back("/rules")


async def _do(request: Request) -> Response:
    """One of up, down, remove, apply. Of a rule that is gone: nothing."""
    desk = desk_of(request)
    async with request.form() as form:
        folder = form.get("folder", INBOX)
    rules = list(desk.rules.all())
    place = next(
        (place for place, rule in enumerate(rules) if rule.id == request.path_params["rule"]), None
    )
    what = request.path_params["what"]
    if place is None:
        return back("/rules")
    if what == "apply":
        return await _applied(desk, rules[place], Folder(str(folder)))
    rule = rules.pop(place)
    if what in _STEPS:
        rules.insert(max(0, place + _STEPS[what]), rule)
    elif what != "remove":
        return back("/rules")
    await off_loop(desk.rules.save, rules)
    return back("/rules")


_STEPS = {"up": -1, "down": 1}


async def _applied(desk: Desk, rule: Rule, folder: Folder) -> Response:
    change = await off_loop(desk.filing.apply, rule, folder)
    return back(f"/rules?{urlencode({'applied': len(change.keys), 'change': change.id})}")


async def _form(
    request: Request,
    rule: Rule,
    *,
    wrong: dict[str, str] | None = None,
    new_folder: str = "",
    status: int = 200,
) -> Response:
    desk = desk_of(request)
    context: dict[str, Any] = {
        "rule": rule,
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


def _put(desk: Desk, rule: Rule) -> Rule:
    """In the place of the one with its id, or as the last."""
    rules = list(desk.rules.all())
    places = [place for place, each in enumerate(rules) if rule.id and each.id == rule.id]
    named = rule if places else replace(rule, id=secrets.token_hex(_ID_OCTETS))
    if places:
        rules[places[0]] = named
    else:
        rules.append(named)
    desk.rules.save(rules)
    return named
