"""The server from which an account is collected, changed: tried before it is kept. The account keeps its name and its inbox."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pillarbox.client.endpoint import Endpoint
from pillarbox.contracts.errors import PillarboxError
from pillarbox.reader.collecting.words import in_words
from pillarbox.reader.errors import CannotAddAccount
from pillarbox.reader.sentences import as_sentence, reworded
from pillarbox.reader.setting_up import Description, Mailbox
from pillarbox.reader.web.features.accounts import forms
from pillarbox.reader.web.features.accounts.sending import described
from pillarbox.reader.web.pages import back, desk_of, off_loop, page
from pillarbox.reader.web.words import count

_WRONG = 422
_COLLECTING = "/accounts/{name}/collecting"


def routes() -> list[BaseRoute]:
    return [
        Route(_COLLECTING, _show, methods=["GET"]),
        Route(_COLLECTING, _change, methods=["POST"]),
    ]


async def _show(request: Request) -> Response:
    return await _page(request, await described(request))


async def _change(request: Request) -> Response:
    desk, account = desk_of(request), await described(request)
    form = await forms.typed(request)
    mailbox = _typed(form, account)
    same, problem, doubt = "same" in form.fields, "", ""
    if not form.wrong:
        async with desk.collector.resting(account.name):
            try:
                if "untried" not in form.fields:
                    seen = await desk.setup.try_mailbox(account.name, mailbox)
                    same = seen.same
                    if seen.strange and "other" not in form.fields:
                        doubt = _doubt(seen.waiting, mailbox.endpoint)
                if not doubt:
                    await off_loop(_keep, request, account, mailbox, same)
            except CannotAddAccount as error:
                form.wrong["all"] = as_sentence(reworded(str(error)))
            except PillarboxError as error:
                problem = in_words(error, by_itself=False)
    if form.wrong or problem or doubt:
        return await _page(request, account, form, problem, doubt)
    desk.outbox.nudge(account.name)  # it may sign in by what was entered here
    moved = same and _place(mailbox.endpoint) != _place(_now(account))
    return back(f"/accounts/{account.name}?saved" + ("=same" if moved else ""))


def _keep(request: Request, account: Description, mailbox: Mailbox, same: bool) -> None:  # noqa: FBT001 -- called by position
    desk_of(request).setup.set_mailbox(account.name, mailbox, same=same)


def _typed(form: forms.Typed, account: Description) -> Mailbox:
    """What was entered; how it has to sign in is not asked, and stays."""
    now = _now(account)
    endpoint = forms.collecting(form, clear=account.collects_in_clear)
    signs_in_so = account.oauth or bool(account.password_from)
    password = "" if signs_in_so else form.fields.get("password", "")
    return Mailbox(endpoint._replace(mechanism=now.mechanism), forms.trust(form), password)


def _now(account: Description) -> Endpoint:
    assert account.mailbox is not None  # noqa: S101 -- or there would be no form
    return account.mailbox


def _place(endpoint: Endpoint) -> tuple[str, str]:
    return endpoint.place, endpoint.user


def _doubt(waiting: int, there: Endpoint) -> str:
    come = "would be collected" if waiting == 1 else "would all be collected"
    return (
        f"{there.place} lets you in, but has nothing of what has been collected until now: it is another mailbox, "
        f"or its mail has new names. {count(waiting, 'message')} {come}, also what is here already."
    )


async def _page(
    request: Request,
    account: Description,
    form: forms.Typed | None = None,
    problem: str = "",
    doubt: str = "",
) -> Response:
    now = _now(account)
    fields = forms.collecting_fields(now) | forms.trust_fields(account.tls)
    return await page(
        request,
        "accounts/collecting.html",
        status=_WRONG if form else 200,
        account=account,
        typed=form.fields if form else fields,
        wrong=form.wrong if form else {},
        problem=problem,
        doubt=doubt,
        clear=account.collects_in_clear,
    )
