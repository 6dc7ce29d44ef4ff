"""A Maildir: one file a message, in the folder ``new``.

Promise: every message exactly once, whatever crashes when. On disk, step by step:

1. *stage*: the message is written to ``tmp/NAME``. A crash leaves a file there which no
   journal knows: swept by ``prepare``, which knows its own by the owner's mark in the name.
2. *sync*: contents and ``tmp`` are synced. Not only the contents: the journal is about to
   say that the file is there, and a name that was never synced may not be, after a power cut.
3. *publish*: ``tmp/NAME`` is renamed to ``new/NAME,S=OCTETS``, which is atomic: a message
   is in one folder or in the other. Then ``new`` is synced, and ``tmp`` after it. Between the two
   one that is not in ``new`` any more is looked after: a mail program has moved it already, and may not have
   synced where to. So that is done here, before the last name that is on disk goes.

So *settle* has this to go by: the file is in ``tmp``: not published, and done now. It is
not: it was published, and what the user has done with it since is the user's business.
Unless somebody else has emptied ``tmp``: anybody may remove files there after 36 hours
(cr.yp.to/proto/maildir.html), or the folder is another one by now. Then only a message that
is found in ``new`` or ``cur`` (of the folders of the reader's library, if this is one) counts as
published: twice is better than never.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from pillarbox.durable import sync_folder
from pillarbox.fetch.destinations.contract import Owner, Staging
from pillarbox.fetch.destinations.folders import (
    identity_of,
    make_folder,
    sweep,
    together_with,
)
from pillarbox.fetch.destinations.staging import FileStaging, sync_all, time_of, unique_name
from pillarbox.fetch.destinations.trouble import usable
from pillarbox.fetch.errors import DeliveryRefused, DestinationUnusable
from pillarbox.fetch.line_ends import UnixLines

TMP_KEPT = 36 * 3600.0
"""Seconds after which others may remove a file from ``tmp``."""

_SUBFOLDERS = ("tmp", "new", "cur")
_ESCAPED = {"/": r"\057", ":": r"\072", ",": r"\054"}
"""What has a meaning in a file's name; the first two are escaped as the specification says."""


class MaildirDestination:
    """See the module. A token is ``NAME,S=OCTETS/IDENTITY``: the name in ``new``, and which
    folder ``tmp`` was.
    """

    idempotent = True

    def __init__(self, folder: Path, owner: Owner) -> None:
        self._folder = folder
        self._tmp, self._new, self._cur = (folder / name for name in _SUBFOLDERS)
        self._mark = owner.key
        self._host = "".join(_ESCAPED.get(letter, letter) for letter in socket.gethostname())
        self._identity = 0

    def prepare(self, unsettled: Collection[str] = ()) -> None:
        with usable(self._folder):
            self._make()
            self._identity = identity_of(self._tmp)
            sweep(self._tmp, f"R{self._mark}.", {_staged_name(token) for token in unsettled})

    def stage(self) -> Staging:
        name = f"{unique_name(self._mark)}.{self._host}"
        token = f"{name},S=%d/{self._identity}".__mod__
        return FileStaging(f"{self._tmp}/{name}", UnixLines(), token)

    def sync(self, stagings: Sequence[Staging]) -> None:
        sync_all(stagings, self._tmp)

    def publish(self, tokens: Sequence[str]) -> Sequence[DeliveryRefused | None]:
        with usable(self._folder):
            for token in tokens:
                self._rename(token)
            # In this order: a name that is in no folder would be a message lost.
            sync_folder(self._new)
            if not all(map(self._is_new, tokens)):
                self._sync_where_they_may_be()
            sync_folder(self._tmp)
        return [None] * len(tokens)

    def settle(self, token: str) -> bool:
        with usable(self._folder):
            if not self._is_published(token):
                return False
            # The run that renamed it may have died before it synced.
            sync_folder(self._new)
            if not self._is_new(token):
                self._sync_where_they_may_be()
            sync_folder(self._tmp)
            return True

    def close(self) -> None:
        """Nothing is held."""

    def _make(self) -> None:
        make_folder(self._folder)
        found = {entry.name for entry in self._folder.iterdir()}
        missing = [name for name in _SUBFOLDERS if name not in found]
        if missing and not found <= set(_SUBFOLDERS):
            raise DestinationUnusable(
                f"{self._folder}: is not a Maildir, it has no {missing[0]}/: "
                "name a Maildir, or a folder that is empty or does not exist yet"
            )
        for name in _SUBFOLDERS:
            make_folder(self._folder / name)

    def _rename(self, token: str) -> None:
        name = token.partition("/")[0]
        os.rename(f"{self._tmp}/{_staged_name(token)}", f"{self._new}/{name}")  # noqa: PTH104 - half the time

    def _is_new(self, token: str) -> bool:
        return os.access(f"{self._new}/{token.partition('/')[0]}", os.F_OK)

    def _sync_where_they_may_be(self) -> None:
        for maildir in together_with(self._folder):
            for part in ("cur", "new"):
                sync_folder(maildir / part)

    def _is_published(self, token: str) -> bool:
        try:
            self._rename(token)
        except FileNotFoundError:
            return self._nobody_emptied_tmp(token) or self._is_there(token)
        return True

    def _nobody_emptied_tmp(self, token: str) -> bool:
        """Whether a file that is not in ``tmp`` any more can only have been published."""
        age = time.time() - time_of(token)
        return age < TMP_KEPT and token.endswith(f"/{identity_of(self._tmp)}")

    def _is_there(self, token: str) -> bool:
        """Whether the message is in ``new`` or ``cur``, with whatever flags; here or where it may have been moved to."""
        name = token.partition("/")[0]
        return any(
            entry.name.partition(":")[0] == name
            for maildir in together_with(self._folder)
            for part in ("new", "cur")
            for entry in (maildir / part).iterdir()
        )


def _staged_name(token: str) -> str:
    return token.partition(",S=")[0]
