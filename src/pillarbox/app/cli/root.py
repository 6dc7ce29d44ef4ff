"""``pillarbox`` itself: the options before the subcommand, and the table of commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from pillarbox import __version__
from pillarbox.app.cli.exits import fail
from pillarbox.app.cli.invocation import Invocation
from pillarbox.app.cli.lazy import Entry, LazyGroup

_HERE = "pillarbox.app.cli"


class RootGroup(LazyGroup):
    """All commands; the one place where an error becomes an exit code."""

    table: ClassVar[dict[str, Entry]] = {
        "serve": Entry(f"{_HERE}.serve:serve", "Run the server in the foreground."),
        "demo": Entry(f"{_HERE}.demo:demo", "Run a whole post office on loopback."),
        "user": Entry(f"{_HERE}.user:app", "Add, list, change and remove accounts."),
        "device": Entry(f"{_HERE}.device:app", "Add, list and remove the devices of an account."),
        "maildrop": Entry(
            f"{_HERE}.maildrop:app", "Look into maildrops, unlock and check them, let old mail go."
        ),
        "cluster": Entry(
            f"{_HERE}.cluster:app", "Make the tables of a cluster, and look at its parts."
        ),
        "import": Entry(
            f"{_HERE}.import_mail:import_mail",
            "Bring in mail from a Maildir or an mbox, or users of another post office.",
        ),
        "fetch": Entry(f"{_HERE}.fetch:app", "Collect mail from POP3 servers."),
        "fetch login": Entry(
            f"{_HERE}.fetch_login:fetch_login", "Sign in to an account by OAuth 2."
        ),
        "read": Entry(
            f"{_HERE}.read:read", "Read, search, file and answer mail in the browser, offline."
        ),
        "check-config": Entry(
            f"{_HERE}.check_config:check_config", "Check the configuration and show its faults."
        ),
    }

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise  # Typer's own business; `… | head` is no error worth a word
        except (Exception, KeyboardInterrupt) as error:
            if type(error).__module__.startswith("typer."):
                raise  # usage errors: Typer shows them, with exit code 2
            raise fail(error, debug=_wants_debug(ctx)) from None


def _wants_debug(ctx: Any) -> bool:
    invocation = ctx.find_object(Invocation)
    return invocation is not None and invocation.debug


app = typer.Typer(
    name="pillarbox",
    cls=RootGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if wanted:
        typer.echo(f"pillarbox {__version__}")
        raise typer.Exit


@app.callback()
def pillarbox(
    context: typer.Context,
    *,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", help="The configuration file."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Override one setting."),
    ] = None,
    debug: Annotated[
        bool,
        typer.Option("--debug", envvar="PILLARBOX_DEBUG", help="Show tracebacks of errors."),
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """A POP3 server that people can trust with their mail, and the collector for it."""
    del version  # has done its work in the callback
    context.obj = Invocation(config, tuple(settings or ()), debug)
