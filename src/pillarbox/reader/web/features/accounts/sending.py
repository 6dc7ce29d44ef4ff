"""Where the mail of an account leaves: changed, or named for the first time. It is tried before it is kept."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pillarbox.contracts.errors import PillarboxError
from pillarbox.reader.collecting.words import in_words
from pillarbox.reader.errors import CannotAddAccount, NoPassword
from pillarbox.reader.sentences import as_sentence, reworded
from pillarbox.reader.setting_up import Description
from pillarbox.reader.submission import Submission
from pillarbox.reader.web.features.accounts import forms
from pillarbox.reader.web.pages import back, desk_of, off_loop, page

_WRONG = 422
_SENDING = "/accounts/{name}/sending"


def routes() -> list[BaseRoute]:
    return [
        Route(_SENDING, _show, methods=["GET"]),
        Route(_SENDING, _change, methods=["POST"]),
    ]


async def _show(request: Request) -> Response:
    return await _page(request, await described(request))


async def _change(request: Request) -> Response:
    desk, account = desk_of(request), await described(request)
    form = await forms.typed(request)
    submit = _typed(form, account)
    password = form.fields.get("smtp_password", "")
    problem = ""
    if not form.wrong and submit is not None and "untried" not in form.fields:
        try:
            await desk.setup.try_sending(account.name, submit, password)
        except NoPassword as error:
            form.wrong["smtp_password"] = str(error)
        except PillarboxError as error:
            problem = in_words(error, by_itself=False)
    if not form.wrong and not problem:
        try:
            await off_loop(desk.setup.set_sending, account.name, submit, password)
        except NoPassword as error:
            form.wrong["smtp_password"] = str(error)
        except CannotAddAccount as error:
            form.wrong["all"] = as_sentence(reworded(str(error)))
    if form.wrong or problem:
        return await _page(request, account, form, problem)
    desk.outbox.nudge(account.name)  # what waited for a server may leave now
    return back(f"/accounts/{account.name}?saved")


def _typed(form: forms.Typed, account: Description) -> Submission | None:
    """What was entered; the certificate is that of this server."""
    assert account.mailbox is not None  # noqa: S101 -- or there would be no form
    tls = forms.trust(form)
    submit = forms.submission(form, account.mailbox, tls)
    return None if submit is None else submit._replace(tls=tls)


async def described(request: Request) -> Description:
    """The account that the URL names, if its servers can be changed.

    Raises CannotAddAccount: there is none of the name, or it cannot be changed here.
    """
    name, desk = request.path_params["name"], desk_of(request)
    if name not in await off_loop(desk.accounts.names):
        raise CannotAddAccount(f'There is no account "{name}" (any more).')
    description: Description = await off_loop(desk.setup.describe, name)
    if description.fixed:
        raise CannotAddAccount(description.fixed)
    if description.mailbox is None:
        raise CannotAddAccount(
            f'The settings of "{name}" cannot be used: {await off_loop(desk.accounts.problem, name)}'
        )
    return description


async def _page(
    request: Request, account: Description, form: forms.Typed | None = None, problem: str = ""
) -> Response:
    now = account.sending
    fields = {"sends": "on", "smtp_auth": "on"}
    if now is not None:
        fields = forms.as_fields(now, account.mailbox) | forms.trust_fields(now.tls)
    return await page(
        request,
        "accounts/sending.html",
        status=_WRONG if form else 200,
        account=account,
        typed=form.fields if form else fields,
        wrong=form.wrong if form else {},
        problem=problem,
        clear=account.sends_in_clear,
    )
