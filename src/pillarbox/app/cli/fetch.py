"""``pillarbox fetch``: collect mail.

The options come from the table in :mod:`pillarbox.app.collecting.arguments`, from which a
command line that is in order is read without Typer, too: what is here is for help, completion
and mistakes.
"""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from pillarbox.app.cli.accounts import names_of_accounts
from pillarbox.app.cli.invocation import Invocation
from pillarbox.app.collecting.arguments import OPTIONS, Option, with_interval
from pillarbox.app.collecting.command import fetch as do_fetch
from pillarbox.app.collecting.wish import Wish

What = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ACCOUNT|URL",
        show_default=False,
        help="Accounts of the configuration (all, if none is named), or one URL.",
        autocompletion=names_of_accounts,
    ),
]


class FetchCommand(TyperCommand):
    """With ``--watch``, whose value can be left out; and help that shows no value behind options
    that have none.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        params = super().get_params(ctx)
        for param in params:
            if getattr(param, "is_flag", False):
                param.metavar = ""
        return params

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, with_interval(args))


def fetch(context: typer.Context, what: What = None, **options: Any) -> None:
    """Collect mail from POP3 servers.

    Without arguments, all accounts of the configuration are collected, side by side.
    A URL like pop3s://alice@mail.example.org with --to needs no configuration.

    Mail is deleted on the server once it is stored here durably, but for --keep and
    --keep-days. Nothing is lost and nothing comes twice, whatever breaks.
    """
    invocation = context.find_object(Invocation) or Invocation()
    wish = Wish(
        what=tuple(what or ()),
        values={name: value for name, value in options.items() if isinstance(value, str)},
        flags=frozenset(name for name, value in options.items() if value is True),
        config=invocation.file,
        overrides=invocation.overrides,
        debug=invocation.debug,
    )
    raise typer.Exit(do_fetch(wish))


def _parameter(option: Option) -> inspect.Parameter:
    """What Typer is to see of a row."""
    kind: Any = str | None if option.metavar else bool
    return inspect.Parameter(
        option.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None if option.metavar else False,
        annotation=Annotated[
            kind,
            typer.Option(
                option.spelling,
                metavar=option.metavar or None,
                help=option.help,
                show_default=False,
            ),
        ],
    )


def _with_options() -> None:
    """Give :func:`fetch` the signature that the table says."""
    own = list(inspect.signature(fetch, eval_str=True).parameters.values())[:-1]
    parameters = [*own, *map(_parameter, OPTIONS)]
    fetch.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # functions may have one
    fetch.__annotations__ = {each.name: each.annotation for each in parameters}


_with_options()
app = typer.Typer(add_completion=False)
app.command("fetch", cls=FetchCommand)(fetch)
