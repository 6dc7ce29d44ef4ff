"""The accounts that there are: what each is doing, what is wrong with it, and what can be changed."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from pillarbox.addresses import is_address
from pillarbox.reader.desk import Desk
from pillarbox.reader.errors import CannotAddAccount
from pillarbox.reader.model import Collecting, Identity, Status
from pillarbox.reader.sentences import as_sentence, reworded
from pillarbox.reader.setting_up import Description
from pillarbox.reader.web.features.accounts import forms
from pillarbox.reader.web.features.accounts.signing import (
    SignIn,
    is_through,
    problem_of,
    signing_in,
)
from pillarbox.reader.web.pages import back, desk_of, off_loop, page

_WRONG = 422
_ACCOUNT = "/accounts/{name}"
_SAVED = {
    "": "Saved.",
    "same": "Saved. It is the mailbox that was collected before: what is here does not come again.",
}
Change = Callable[[Desk, str, forms.Typed], Awaitable[None]]


def routes() -> list[BaseRoute]:
    signing: dict[str, SignIn] = {}
    return [
        Route("/accounts", _all, methods=["GET"]),
        Route("/collect", _collect, methods=["POST"]),
        Route(_ACCOUNT, _one, methods=["GET"]),
        Route(f"{_ACCOUNT}/identity", _changing(_identity), methods=["POST"]),
        Route(f"{_ACCOUNT}/keeping", _changing(_keeping), methods=["POST"]),
        Route(f"{_ACCOUNT}/password", _changing(_password), methods=["POST"]),
        Route(f"{_ACCOUNT}/trust", _changing(_trust), methods=["POST"]),
        Route(f"{_ACCOUNT}/confirm", _confirm, methods=["POST"]),
        Route(f"{_ACCOUNT}/remove", _remove, methods=["POST"]),
        Route(f"{_ACCOUNT}/sign-in", _sign_in(signing), methods=["GET", "POST"]),
    ]


async def _all(request: Request) -> Response:
    desk = desk_of(request)
    names = await off_loop(desk.accounts.names)
    if not names:
        return RedirectResponse("/accounts/new", status_code=303)
    statuses = {status.account: status for status in desk.collector.statuses()}
    shown = [
        {
            "name": name,
            "identity": await off_loop(desk.accounts.identity, name),
            "status": statuses.get(name) or Status(name, Collecting.NEVER),
            "problem": await off_loop(desk.accounts.problem, name),
        }
        for name in names
    ]
    query = request.query_params
    said = "Added. Its mail is being collected; read it as it comes." if "added" in query else ""
    if "removed" in query:
        said = _removed(query.get("unsent", ""))
    troubles = await off_loop(desk.accounts.troubles)
    return await page(request, "accounts/all.html", accounts=shown, said=said, troubles=troubles)


def _removed(unsent: str) -> str:
    said = "Removed. Its mail stays here, and on the server. Its inbox can be renamed or removed where folders are made."
    number = int(unsent[:9]) if unsent.isdecimal() and unsent.isascii() else 0
    return f"{said} {_unsent(number)}" if number else said


def _unsent(number: int) -> str:
    what, them = ("message waits", "it") if number == 1 else ("messages wait", "them")
    return (
        f"{number:,} {what} in the outbox to leave by it, and will not: edit {them} there, and choose from "
        "whom else to send."
    )


def _waiting(desk: Desk, account: str) -> int:
    """Messages in the outbox that leave by it."""
    return sum(outgoing.account == account for outgoing in desk.outbox.all())


async def _collect(request: Request) -> Response:
    form = await forms.typed(request)
    desk_of(request).collector.collect(form.fields.get("account") or None)
    if "HX-Request" in request.headers:
        said = {"said": {"say": "Collecting mail"}}  # beside what can be undone, not in its place
        return Response(status_code=204, headers={"HX-Trigger": json.dumps(said)})
    return back(form.fields.get("back") or "/accounts")


async def _one(request: Request) -> Response:
    return await _account(request, request.path_params["name"])


async def _account(request: Request, name: str, form: forms.Typed | None = None) -> Response:
    """The page of one account, with what was typed if something is wrong with it."""
    desk = desk_of(request)
    if name not in await off_loop(desk.accounts.names):
        raise CannotAddAccount(f'There is no account "{name}" (any more).')
    description: Description = await off_loop(desk.setup.describe, name)
    identity: Identity = await off_loop(desk.accounts.identity, name)
    statuses = {status.account: status for status in desk.collector.statuses()}
    days = description.keep_days
    fields: dict[str, Any] = {
        "address": identity.address,
        "person": identity.name,
        "signature": identity.signature,
        "aliases": "\n".join(identity.aliases),
        "keep": "always" if days is None else "days" if days else "never",
        "days": str(days or 30),
    } | forms.trust_fields(description.tls)
    if form is not None:
        fields |= form.fields
    return await page(
        request,
        "accounts/account.html",
        status=_WRONG if form else 200,
        account=description,
        state=statuses.get(name) or Status(name, Collecting.NEVER),
        problem=await off_loop(desk.accounts.problem, name),
        unsent=await off_loop(_waiting, desk, name),
        typed=fields,
        wrong=form.wrong if form else {},
        saved=_SAVED.get(request.query_params.get("saved", "-"), ""),
    )


def _changing(work: Change) -> Callable[[Request], Awaitable[Response]]:
    """A change of one account; what is wrong is shown beside what was typed."""

    async def change(request: Request) -> Response:
        name, desk = request.path_params["name"], desk_of(request)
        form = await forms.typed(request)
        try:
            await work(desk, name, form)
        except CannotAddAccount as error:
            form.wrong["all"] = as_sentence(reworded(str(error)))
        if form.wrong:
            return await _account(request, name, form)
        desk.collector.refresh()
        desk.outbox.nudge(name)  # what its settings have stopped may leave now
        return back(f"/accounts/{name}?saved")

    return change


async def _identity(desk: Desk, name: str, form: forms.Typed) -> None:
    address = form.line("address")
    if address and not is_address(address):
        form.wrong["address"] = "An address looks like alice@example.org."
    aliases = forms.addresses(form, "aliases")
    signature = form.fields.get("signature", "").replace("\r\n", "\n").strip("\n")
    identity = Identity(name, address, form.line("person"), signature, aliases)
    if not form.wrong:
        await off_loop(desk.setup.set_identity, identity)


async def _keeping(desk: Desk, name: str, form: forms.Typed) -> None:
    days = forms.keep_days(form)
    if not form.wrong:
        await off_loop(desk.setup.set_keeping, name, days)


async def _password(desk: Desk, name: str, form: forms.Typed) -> None:
    password = form.fields.get("password", "")
    form.fields = {}  # it is not shown again
    if not password:
        form.wrong["password"] = "Enter the password."  # noqa: S105 -- words
        return
    await off_loop(desk.setup.set_password, name, password)


async def _trust(desk: Desk, name: str, form: forms.Typed) -> None:
    tls = forms.trust(form)
    if not form.wrong:
        await off_loop(desk.setup.set_trust, name, tls)


async def _confirm(request: Request) -> Response:
    desk_of(request).collector.confirm(request.path_params["name"])
    return back("/accounts")


async def _remove(request: Request) -> Response:
    name, desk = request.path_params["name"], desk_of(request)
    form = await forms.typed(request)
    if "sure" not in form.fields:
        form.wrong["sure"] = "Tick this first."
        return await _account(request, name, form)
    await off_loop(desk.setup.remove, name)
    desk.collector.refresh()
    unsent = await off_loop(_waiting, desk, name)
    return back("/accounts?removed" + (f"&unsent={unsent}" if unsent else ""))


def _sign_in(signing: dict[str, SignIn]) -> Callable[[Request], Awaitable[Response]]:
    """OAuth 2 once more, for an account that has it."""

    async def step(request: Request) -> Response:
        name, desk = request.path_params["name"], desk_of(request)
        now = signing.get(name)
        if request.method == "POST":
            if now is not None:
                now.task.cancel()
            said: list[str] = []
            work = desk.setup.sign_in(name, None, said.append)
            signing[name] = signing_in(work, said)
            return back(f"/accounts/{name}/sign-in")
        if now is None:
            return back(f"/accounts/{name}")
        if is_through(now):
            del signing[name]
            desk.collector.refresh()
            desk.outbox.nudge(name)
            return back(f"/accounts/{name}?saved")
        return await page(
            request,
            "accounts/oauth.html",
            said=now.said[-1] if now.said else "",
            problem=problem_of(now),
            trying=False,
            again=f"/accounts/{name}/sign-in",
            otherwise=f"/accounts/{name}",
        )

    return step
