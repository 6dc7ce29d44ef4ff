"""A new account, in steps: address, servers, sign-in, trial, done. Each step is a page; nothing is written before the last.

::

    /accounts/new              address and name; then discovery
    /accounts/new/ID           which servers: found ones, or by hand
    /accounts/new/ID/sign-in   password or OAuth 2, its name, how long mail stays on the server
    /accounts/new/ID/trial     how the trial went, and what to do about it
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from pillarbox.client.errors import Insecure, NotTrusted
from pillarbox.client.tls import TlsSettings
from pillarbox.contracts.errors import PillarboxError
from pillarbox.reader.collecting.words import in_words
from pillarbox.reader.desk import Desk
from pillarbox.reader.errors import CannotAddAccount
from pillarbox.reader.sentences import as_sentence, reworded
from pillarbox.reader.setting_up import KEEP_DAYS, NewAccount, OAuth
from pillarbox.reader.web.features.accounts import forms
from pillarbox.reader.web.features.accounts.begun import AllBegun, Begun
from pillarbox.reader.web.features.accounts.signing import is_through, problem_of, signing_in
from pillarbox.reader.web.pages import off_loop, page

Step = Callable[[Request, Begun], Awaitable[Response]]
_HOME = "/accounts/new"
_SOON = 1.0
"""Seconds in which most servers have answered; who waits longer is told that it goes on."""
_WRONG = 422  # HTTP: understood, and not to be used


class Wizard:
    """See the module."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._all = AllBegun()

    def routes(self) -> list[BaseRoute]:
        at = f"{_HOME}/{{begun}}"
        return [
            Route(_HOME, self._first, methods=["GET"]),
            Route(_HOME, self._begin, methods=["POST"]),
            Route(at, self._step(self._servers), methods=["GET"]),
            Route(at, self._step(self._choose), methods=["POST"]),
            Route(f"{at}/sign-in", self._step(self._sign_in), methods=["GET"]),
            Route(f"{at}/sign-in", self._step(self._signed), methods=["POST"]),
            Route(f"{at}/oauth", self._step(self._waiting), methods=["GET"]),
            Route(f"{at}/trial", self._step(self._trial), methods=["GET"]),
            Route(f"{at}/trial", self._step(self._try_again), methods=["POST"]),
            Route(f"{at}/save", self._step(self._save), methods=["POST"]),
            Route(f"{at}/cancel", self._step(self._cancel), methods=["POST"]),
        ]

    def _step(self, work: Step) -> Callable[[Request], Awaitable[Response]]:
        """Only of one that has begun: else (after a new start of the reader) back to the beginning."""

        async def step(request: Request) -> Response:
            begun = self._all.find(request.path_params["begun"])
            return _to(_HOME) if begun is None else await work(request, begun)

        return step

    async def _first(self, request: Request) -> Response:
        return await self._address(request, {}, {})

    async def _address(
        self, request: Request, typed: Mapping[str, str], wrong: Mapping[str, str]
    ) -> Response:
        accounts = self._desk.accounts
        return await page(
            request,
            "accounts/address.html",
            status=_WRONG if wrong else 200,
            typed=typed,
            wrong=wrong,
            first=not await off_loop(accounts.names),
            troubles=await off_loop(accounts.troubles),
        )

    async def _begin(self, request: Request) -> Response:
        form = await forms.typed(request)
        address = form.needed("address", "Enter your mail address.")
        person = form.line("person")
        if not form.wrong:
            begun = self._all.begin(address, person)
            try:
                begun.found = await self._desk.setup.discover(address)
            except PillarboxError as error:
                self._all.drop(begun.id)
                form.wrong["address"] = in_words(error, by_itself=False)
            else:
                return _to(f"{_HOME}/{begun.id}")
        return await self._address(request, form.fields, form.wrong)

    async def _servers(
        self, request: Request, begun: Begun, form: forms.Typed | None = None
    ) -> Response:
        fields = form.fields if form else _as_fields(begun)
        return await page(
            request,
            "accounts/servers.html",
            status=_WRONG if form else 200,
            begun=begun,
            typed=fields,
            wrong=form.wrong if form else {},
            by_hand=form is not None or not begun.found or begun.account is not None,
        )

    async def _choose(self, request: Request, begun: Begun) -> Response:
        form = await forms.typed(request)
        choice = form.fields.get("choice", "")
        name = begun.account.name if begun.account else ""
        name = name or await off_loop(self._desk.setup.suggest_name, begun.address)
        if choice.isdecimal() and int(choice[:4]) < len(begun.found):
            found = begun.found[int(choice[:4])]
            servers = forms.Servers(found.collect, TlsSettings(), found.submit)
            begun.oauth = found.oauth
        else:
            servers = forms.servers(form)
            if form.wrong:
                return await self._servers(request, begun, form)
        before = begun.account or NewAccount(name, begun.address, servers.collect)
        begun.account = replace(
            before,
            collect=servers.collect,
            tls=servers.tls,
            submit=servers.submit,
            person=begun.person,
        )
        return _to(f"{_HOME}/{begun.id}/sign-in")

    async def _sign_in(
        self, request: Request, begun: Begun, form: forms.Typed | None = None
    ) -> Response:
        if begun.account is None:
            return _to(f"{_HOME}/{begun.id}")
        usual = {"name": begun.account.name, "keep": "days", "days": str(KEEP_DAYS)}
        return await page(
            request,
            "accounts/sign-in.html",
            status=_WRONG if form else 200,
            begun=begun,
            account=begun.account,
            typed={**form.fields, "password": "", "smtp_password": ""} if form else usual,
            wrong=form.wrong if form else {},
        )

    async def _signed(self, request: Request, begun: Begun) -> Response:
        if begun.account is None:
            return _to(f"{_HOME}/{begun.id}")
        form = await forms.typed(request)
        name = form.needed("name", "Give the account a name.")
        if name in await off_loop(self._desk.accounts.names):
            form.wrong["name"] = "There is an account of this name already."
        account = replace(begun.account, name=name, keep_days=forms.keep_days(form))
        way = form.fields.get("way", "password")
        if way == "password":
            password = form.fields.get("password", "")
            if not password:
                form.wrong["password"] = "Enter the password."  # noqa: S105 -- words
            account = replace(
                account,
                oauth=None,
                password=password,
                submit_password=form.fields.get("smtp_password", ""),
            )
        else:
            account = replace(account, password="", submit_password="", oauth=_oauth(form, way))
        if form.wrong:
            return await self._sign_in(request, begun, form)
        begun.account = account
        begun.stop()
        if account.oauth is not None:
            self._begin_oauth(begun, account)
            return _to(f"{_HOME}/{begun.id}/oauth")
        return await self._try(begun, account)

    def _begin_oauth(self, begun: Begun, account: NewAccount) -> None:
        said: list[str] = []
        work = self._desk.setup.sign_in(account.name, account.oauth, said.append)
        begun.signing = signing_in(work, said)

    async def _waiting(self, request: Request, begun: Begun) -> Response:
        """A person is signing in, elsewhere. The page asks again by itself."""
        signing, account = begun.signing, begun.account
        if account is None or (signing is None and begun.trying is None):
            return _to(f"{_HOME}/{begun.id}/sign-in")
        if signing is not None and is_through(signing):
            begun.signing = signing = None
            begun.trying = asyncio.create_task(self._ask(begun, account))
        if begun.trying is not None:
            await asyncio.wait((begun.trying,), timeout=_SOON)
            if begun.trying.done():
                await begun.trying
                return _to(f"{_HOME}/{begun.id}/trial")
        return await page(
            request,
            "accounts/oauth.html",
            begun=begun,
            said=signing.said[-1] if signing and signing.said else "",
            problem=problem_of(signing) if signing else "",
            trying=signing is None,
            again=f"{_HOME}/{begun.id}/oauth",
            otherwise=f"{_HOME}/{begun.id}/sign-in",
        )

    async def _try(self, begun: Begun, account: NewAccount) -> Response:
        """Both ways at once; what comes of it is for the next page."""
        await self._ask(begun, account)
        return _to(f"{_HOME}/{begun.id}/trial")

    async def _ask(self, begun: Begun, account: NewAccount) -> None:
        begun.collected, begun.collect_problem, begun.shown = None, "", ""
        begun.insecure = begun.untrusted = False
        begun.submitted, begun.submit_problem = False, ""
        await asyncio.gather(self._collecting(begun, account), self._submitting(begun, account))

    async def _collecting(self, begun: Begun, account: NewAccount) -> None:
        try:
            begun.collected = await self._desk.setup.try_collecting(account)
        except PillarboxError as error:
            begun.collect_problem = in_words(error, by_itself=False)
            begun.insecure = isinstance(error, Insecure)
            begun.untrusted = isinstance(error, NotTrusted)
            if begun.untrusted:
                begun.shown = await self._desk.setup.fingerprint(account)

    async def _submitting(self, begun: Begun, account: NewAccount) -> None:
        if account.submit is None:
            return
        try:
            await self._desk.setup.try_submitting(account)
            begun.submitted = True
        except PillarboxError as error:
            begun.submit_problem = in_words(error, by_itself=False)

    async def _trial(
        self, request: Request, begun: Begun, form: forms.Typed | None = None
    ) -> Response:
        if begun.account is None:
            return _to(f"{_HOME}/{begun.id}")
        return await page(
            request,
            "accounts/trial.html",
            status=_WRONG if form else 200,
            begun=begun,
            account=begun.account,
            typed=form.fields if form else {},
            wrong=form.wrong if form else {},
        )

    async def _try_again(self, request: Request, begun: Begun) -> Response:
        """As before, or with a certificate that the user has compared."""
        account = begun.account
        if account is None:
            return _to(f"{_HOME}/{begun.id}")
        form = await forms.typed(request)
        if "ca" in form.fields or "fingerprint" in form.fields:
            tls = forms.trust(form)
            if not (tls.ca or tls.fingerprint):
                form.wrong.setdefault(
                    "fingerprint", "Enter what the server's operator has told you."
                )
            if form.wrong:
                return await self._trial(request, begun, form)
            submit = account.submit
            if submit is not None:
                same = submit.host == account.collect.host
                submit = submit._replace(tls=tls if same else tls._replace(fingerprint=None))
            account = begun.account = replace(account, tls=tls, submit=submit)
        return await self._try(begun, account)

    async def _save(self, request: Request, begun: Begun) -> Response:
        account = begun.account
        if account is None:
            return _to(f"{_HOME}/{begun.id}")
        form = await forms.typed(request)
        if "without" in form.fields:
            account = replace(account, submit=None, submit_password="")
        try:
            await off_loop(self._desk.setup.add, account)
        except CannotAddAccount as error:
            form.wrong["save"] = as_sentence(reworded(str(error)))
            return await self._trial(request, begun, form)
        self._all.drop(begun.id)
        self._desk.collector.refresh()
        return _to("/accounts?added")

    async def _cancel(self, request: Request, begun: Begun) -> Response:
        del request
        self._all.drop(begun.id)
        return _to("/accounts")


def _oauth(form: forms.Typed, provider: str) -> OAuth:
    client = form.needed("client_id", "Enter the id of the program that you have registered.")
    return OAuth(
        "google" if provider == "google" else "microsoft", client, form.line("client_secret")
    )


def _as_fields(begun: Begun) -> dict[str, Any]:
    """The form by hand, filled with what was chosen or found."""
    found = begun.found[0] if begun.found else None
    account = begun.account
    collect = account.collect if account else found.collect if found else None
    submit = account.submit if account else found.submit if found else None
    fields: dict[str, Any] = {"sends": "on", "smtp_auth": "on", "user": begun.address}
    if collect is not None:
        fields |= forms.collecting_fields(collect)
    if submit is not None:
        fields.pop("smtp_auth")
        fields |= forms.as_fields(submit, collect)
    elif account is not None:
        del fields["sends"]
    if account is not None:
        fields |= forms.trust_fields(account.tls)
    return fields


def _to(path: str) -> Response:
    return RedirectResponse(path, status_code=303)
