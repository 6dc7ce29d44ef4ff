"""``pillarbox read``, from what is wished for to the exit code."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import platformdirs

from pillarbox.app import logs
from pillarbox.app.cli.passwords import new_password
from pillarbox.app.collecting.password_command import password_from
from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.config.reader import Reader
from pillarbox.app.config.reader_loading import load_reader
from pillarbox.app.exits import CommandFailed, ExitCode
from pillarbox.app.reading.browser import open_page
from pillarbox.app.reading.doorway import (
    Doorway,
    check,
    entrance_url,
    needs_password,
    open_door,
)
from pillarbox.app.reading.page_folder import PageFolder
from pillarbox.app.reading.running import Service, run, when_stdin_ends
from pillarbox.app.reading.wish import ReadWish
from pillarbox.fetch.command_words import words_of
from pillarbox.reader.desk import Desk
from pillarbox.reader.news import News
from pillarbox.reader.web.guard import Guard
from pillarbox.reader.web.pages import compile_all
from pillarbox.reader.web.password import Password, hash_password
from pillarbox.reader.web.server import PageServer
from pillarbox.reader.web.site import make_site


class Parts(NamedTuple):
    """A reader without its page."""

    desk: Desk
    services: Sequence[Service]
    close: Callable[[], None]
    """When all services have ended."""


MakeParts = Callable[[ReadWish, Path, News], Awaitable[Parts]]
"""Of the library in that folder."""


def read(wish: ReadWish, make_parts: MakeParts) -> ExitCode:
    """Do what is wished for, until a signal comes.

    Raises:
        ConfigError, CommandFailed, ReaderError: it cannot even be begun.
    """
    settings = load_reader(wish.config, wish.overrides, wish.options)
    check(settings)
    _check_password(settings, wish)
    library = settings.library or platformdirs.user_data_path("pillarbox") / "reader"
    folder = PageFolder(library.absolute())
    if not folder.claim() and (address := folder.address_of_running()):
        return _enter(folder, address, wish)
    password = _password(settings, folder, wish)
    logs.configure(final=True)
    doorway = open_door(settings, folder, password)
    asyncio.run(_serve(wish, settings, folder, doorway, make_parts))
    return ExitCode.DONE


def _enter(folder: PageFolder, address: str, wish: ReadWish) -> ExitCode:
    """Into the reader that runs already."""
    if wish.reindex:
        raise CommandFailed(
            f"the library {folder.library} is open at {address}: end that reader, then index anew"
        )
    if wish.new_password:
        raise CommandFailed(
            f"the page at {address} runs with the password that it has: end that reader, then give it another one"
        )
    _show(entrance_url(address, folder.entrances.make()), "It runs already.", wish)
    return ExitCode.DONE


async def _serve(
    wish: ReadWish,
    settings: Reader,
    folder: PageFolder,
    doorway: Doorway,
    make_parts: MakeParts,
) -> None:
    news = News()
    parts = await make_parts(wish, folder.library, news)
    site = make_site(parts.desk)
    guard = Guard(site, doorway.door)
    page = PageServer(guard, doorway.sockets, certificate=settings.certificate, key=settings.key)

    async def compiled() -> None:
        """While the browser starts."""
        await asyncio.to_thread(compile_all, site.state.templates)

    def ready() -> None:
        folder.announce(doorway.address)
        _show(doorway.entrance(), "Ctrl-C ends it.", wish)

    try:
        until = when_stdin_ends if wish.with_stdin else None
        await run(page, (*parts.services, compiled), news, ready, until)
    finally:
        parts.close()
        folder.leave()


def _show(url: str, more: str, wish: ReadWish) -> None:
    """The one place where a token is shown: to who has started this."""
    sys.stdout.write(
        f"Your mail: {url}\n{more} The address lets in once; `pillarbox read` makes another.\n"
    )
    sys.stdout.flush()  # who waits for it may be behind a pipe
    if wish.browser:
        open_page(url)


def _check_password(settings: Reader, wish: ReadWish) -> None:
    """Whether a password would be asked for, if one is spoken of: who gives one believes that it guards the page.

    Raises:
        CommandFailed: it would not.
    """
    spoken = "--password-command (reader.password_command)"
    if wish.new_password:
        spoken = "--new-password"
    elif settings.password_command is None:
        return
    if not needs_password(settings):
        raise CommandFailed(
            f"{spoken} is for addresses beyond loopback: at {settings.listen} the page has no password, and opens "
            "from the terminal only",
            ExitCode.USAGE,
        )


def _password(settings: Reader, folder: PageFolder, wish: ReadWish) -> Password | None:
    """The page's; None: it needs none.

    Raises:
        CommandFailed: nobody can be asked, or the command gives none.
        ConfigError: it is no command.
    """
    if not needs_password(settings):
        return None
    if settings.password_command is not None:
        words = _words(settings.password_command)
        return Password(hash_password(asyncio.run(password_from(words, "the page"))))
    if folder.password is None or wish.new_password:
        typed = new_password("the page", from_stdin=False)
        if not typed:
            raise CommandFailed("an empty password keeps nobody out", ExitCode.USAGE)
        folder.keep_password(hash_password(typed))
    return Password(folder.password or "")


def _words(command: str) -> list[str]:
    try:
        words = words_of(os.path.expanduser(command))  # noqa: PTH111 -- the beginning of a command, no path
    except ValueError as error:
        words, problem = [], f"is no command: {str(error).lower()}"
    else:
        problem = "is an empty command"
    if not words:
        raise ConfigError([Fault("pillarbox", "reader.password_command", problem)])
    return words
