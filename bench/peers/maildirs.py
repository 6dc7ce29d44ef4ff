"""Filling Maildirs: a message is a link to one of few files, so that 100,000 take seconds."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from bench.peers.contract import Mail, message

_LINKS = 30_000
"""Names that one file is given; ext4 allows 65,000."""


class Maildirs:
    """Of all users, each in ``home/USER/Maildir``; they belong to *owner*."""

    def __init__(self, folder: Path, owner: pwd.struct_passwd, users: Mapping[str, Mail]) -> None:
        self._folder = folder
        self._ids = owner.pw_uid, owner.pw_gid
        self._users = users
        self._fillings = count()
        self._pool = folder / "pool"
        self._pool.mkdir()
        for user in users:
            for path in (self.home(user), self._maildir(user)):
                path.mkdir(parents=True, exist_ok=True)
                os.chown(path, *self._ids)
            for name in ("cur", "new", "tmp"):
                path = self._maildir(user) / name
                path.mkdir()
                os.chown(path, *self._ids)
            self.refill(user)

    def home(self, user: str) -> Path:
        return self._folder / "home" / user

    def _maildir(self, user: str) -> Path:
        return self.home(user) / "Maildir"

    def refill(self, user: str) -> None:
        """Names give both sizes (``S=``, ``W=``), as Dovecot writes them: it then opens no file to
        find one out. None comes twice: a server may still be removing.
        """
        mail, filling = self._users[user], next(self._fillings)
        text = message(mail.octets).replace(b"\r\n", b"\n") if mail.count else b""
        sizes = f"S={len(text)},W={mail.octets}"
        for number in range(mail.count):
            source = self._pool / f"{mail.octets}-{number // _LINKS}"
            if not source.exists():
                source.write_bytes(text)
                os.chown(source, *self._ids)
            name = f"{1_700_000_000 + number}.M{filling}P{number}.bench,{sizes}:2,S"
            (self._maildir(user) / "cur" / name).hardlink_to(source)
