"""Mail programs of other people, each as a device of one account, and what each has got.

Each *collects and deletes*: what it has, it wants gone from the server, for itself. A program that
is cut off before its QUIT was answered cannot know whether its deletions count; what it does then
differs, and so does what "exactly once" can mean for it:

``mpop``, ``fetchmail``
    collect again what they find again. So a message comes again only as long as each visit that
    has brought it ended with an error: after one that ended well, never.
``curl`` (with a few lines of ours)
    the same, but over what it had under the same unique-id: in its mailbox it is once.
``pillarbox fetch``
    keeps a journal, durably and in the right order: in its mailbox it is once, always.

For all of them: whole, or not at all; and every one.
"""

from __future__ import annotations

import shutil
import sys
import threading
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.clients.drivers import NO_MAIL, Curl, Errand, Fetchmail, Mpop, attempt
from tests.endurance.letters import tag_of, torn
from tests.postoffice import PostOffice

USER = "alice"


@dataclass(frozen=True)
class Round(Errand):
    """Visits to a door that stays where it is, also while the server is dead."""

    standing: int = 0

    @property
    def port(self) -> int:
        return self.standing


class Device(ABC):
    """One program, and the mailbox that it fills."""

    name: str

    def __init__(self, office: PostOffice, port: int, folder: Path, password: str) -> None:
        self.folder = folder / self.name
        self.folder.mkdir()
        self.errand = Round(
            office,
            f"{USER}+{self.name}",
            "pop3s",
            self.folder,
            keep=False,
            password=password,
            standing=port,
        )
        self.mail: dict[str, int] = defaultdict(int)
        """How often each letter is in its mailbox, by tag."""
        self._settled: set[str] = set()
        """Letters that a visit has brought which ended well."""
        self._lock = threading.Lock()

    @abstractmethod
    def visit(self) -> bool:
        """Collect and delete what there is; False: it was cut off."""

    def tags(self) -> set[str]:
        """What it has, whole."""
        with self._lock:
            return {tag for tag, count in self.mail.items() if count}

    def _put(self, contents: Iterable[bytes], *, done: bool) -> bool:
        with self._lock:
            for content in contents:
                if not done and torn(content):
                    continue  # cut off in the middle; it must come again
                tag = tag_of(content)
                assert tag not in self._settled, f"{self.name}: {tag} came again"
                self.mail[tag] += 1
                if done:
                    self._settled.add(tag)
        return done


class MpopDevice(Device):
    name = "mpop"
    program = Mpop()

    def visit(self) -> bool:
        code, _ = attempt(self.program.command(self.errand), self.folder)
        found = self.program.collected(self.errand)
        return self._put((content.replace(b"\n", b"\r\n") for content in found), done=code == 0)


class FetchmailDevice(Device):
    name = "fetchmail"
    program = Fetchmail()

    def visit(self) -> bool:
        code, _ = attempt(self.program.command(self.errand), self.folder)
        return self._put(self.program.collected(self.errand), done=code in {0, NO_MAIL})


class CurlDevice(Device):
    name = "curl"
    program = Curl()

    def __init__(self, office: PostOffice, port: int, folder: Path, password: str) -> None:
        super().__init__(office, port, folder, password)
        self.by_unique_id: dict[str, str] = {}
        """Tags; two ids of one letter, or two letters of one id, are the server's mistake."""

    def visit(self) -> bool:
        code, text = attempt(
            [*self.program.start(self.errand, ""), "--request", "UIDL"], self.folder
        )
        if code:
            return False
        ids = [line.split()[1] for line in text.split("\r\n") if line.strip()]
        if not ids:
            return True
        # Nobody else deletes in this view, so the numbers are still these ids'.
        every = f"[1-{len(ids)}]"
        command = [*self.program.start(self.errand, every), "--fail-early"]
        command += ["--output", "message-#1", "--next", *self.program.start(self.errand, every)[1:]]
        command += ["--request", "DELE", "--head", "--output", "deleted-#1"]
        code, _ = attempt(command, self.folder)
        for number, unique_id in enumerate(ids, 1):
            self._take(self.folder / f"message-{number}", unique_id, done=code == 0)
        return code == 0

    def _take(self, file: Path, unique_id: str, *, done: bool) -> None:
        if not (done or file.exists()):
            return
        content = file.read_bytes()
        file.unlink()
        if not done and torn(content):
            return
        tag = tag_of(content)
        assert self.by_unique_id.setdefault(unique_id, tag) == tag, f"{unique_id} was used twice"
        with self._lock:
            self.mail[tag] = sum(known == tag for known in self.by_unique_id.values())


class FetchDevice(Device):
    """Our own."""

    name = "fetch"

    def __init__(self, office: PostOffice, port: int, folder: Path, password: str) -> None:
        super().__init__(office, port, folder, password)
        self._tags: dict[str, str] = {}
        """By name of the file, which changes no more once it is there."""

    def visit(self) -> bool:
        office = self.errand.office
        url = f"pop3s://{self.errand.user}@localhost:{self.errand.port}"
        code, text = attempt(
            [
                *(sys.executable, "-m", "pillarbox", "fetch", url, "--password-command"),
                f"echo {self.errand.password}",
                *("--ca", str(office.authority), "--to", f"maildir:{self.folder / 'Maildir'}"),
                *("--state", str(self.folder / "state"), "--progress", "never"),
            ],
            self.folder,
        )
        assert code in {0, 1}, text
        self._look()
        return code == 0

    def _look(self) -> None:
        """Its mailbox is the Maildir itself, looked at anew each time."""
        found: dict[str, int] = defaultdict(int)
        new = self.folder / "Maildir" / "new"
        for path in new.iterdir() if new.exists() else ():
            if path.name not in self._tags:
                self._tags[path.name] = tag_of(path.read_bytes().replace(b"\n", b"\r\n"))
            found[self._tags[path.name]] += 1
        with self._lock:
            self.mail = found


DEVICES: tuple[type[Device], ...] = (MpopDevice, FetchmailDevice, CurlDevice, FetchDevice)


def missing() -> list[str]:
    """Programs that are not installed here."""
    return [name for name in ("mpop", "fetchmail", "curl") if shutil.which(name) is None]
