"""Mail in both directions at once, with every promise of the server in a ledger."""

from __future__ import annotations

import contextlib
import itertools
import poplib
import random
import smtplib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Self

from tests.endurance.ledger import Ledger
from tests.endurance.letters import letter, tag_of
from tests.postoffice import (
    DOMAIN,
    PASSWORD,
    PATIENCE,
    PostOffice,
    retrieve,
    send_content,
    unique_ids,
)

# Small ones, and on both sides of what is stored as a file.
SIZES = (200, 200, 1_000, 1_000, 5_000, 5_000, 60_000, 70_000, 400_000)
BACKLOG = 300
"""Letters that may lie in all maildrops together: whoever delivers waits for the collectors."""
GONE = (OSError, EOFError, smtplib.SMTPException, poplib.error_proto)
"""How the server's end looks to a client."""

_tags = itertools.count(1)


class Traffic:
    """Threads that deliver to *users*, and one collector for each of them.

    A *gentle* end (SIGTERM) may refuse what is new, but must not cut off what has begun; any
    other end may.
    """

    def __init__(
        self, office: PostOffice, ledger: Ledger, users: Sequence[str], *, gentle: bool, seed: int
    ) -> None:
        self._office = office
        self._ledger = ledger
        self._users = users
        self._gentle = gentle
        self._ending = threading.Event()
        self._failures: list[BaseException] = []
        works: list[Callable[[random.Random], None]] = [self._deliver] * 4
        works += [_for_user(self._collect, user) for user in users]
        self._threads = [
            threading.Thread(target=self._run, args=(work, random.Random(f"{seed} {number}")))
            for number, work in enumerate(works)
        ]

    def start(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def expect_the_end(self) -> None:
        """From now on the server may go away."""
        self._ending.set()
        self._ledger.wake()

    def join(self) -> None:
        """Wait for all clients to end (they do when the server is gone, or after a step).

        Raises:
            BaseExceptionGroup: what went wrong.
        """
        self.expect_the_end()
        for thread in self._threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads), "a client hangs"
        if self._failures:
            raise BaseExceptionGroup("clients failed", self._failures)

    def _run(self, work: Callable[[random.Random], None], dice: random.Random) -> None:
        try:
            while not self._ending.is_set():
                try:
                    work(dice)
                except GONE:
                    if not self._ending.is_set():
                        raise
        except BaseException as error:  # noqa: BLE001 - shown by join
            self._failures.append(error)
            self._ending.set()
            self._ledger.give_up()

    @contextlib.contextmanager
    def _under_way(self) -> Iterator[None]:
        """What has begun: a gentle end does not disturb it."""
        try:
            yield
        except GONE as error:
            if self._gentle or not self._ending.is_set():
                raise AssertionError(f"cut off in the middle: {error!r}") from error
            raise

    # -- delivering ----------------------------------------------------------------------

    def _deliver(self, dice: random.Random) -> None:
        self._ledger.wait_for_room(BACKLOG, self._ending.is_set)
        by_lmtp = dice.random() < 0.8
        # Between two messages a server that ends may send it away (RFC 5321, section 3.8); a
        # reload may not.
        with self._office.lmtp() if by_lmtp else self._office.smtp() as client:
            for _ in range(10):
                self._deliver_one(client, dice)

    def _deliver_one(self, client: smtplib.SMTP, dice: random.Random) -> None:
        most = 3 if isinstance(client, smtplib.LMTP) else 1
        users = dice.sample(self._users, dice.randint(1, most))
        tag = f"t{next(_tags)}"
        content = letter(tag, dice.choice(SIZES))
        code, text = client.mail("sender@example.net")
        if code != 250:
            raise smtplib.SMTPResponseException(code, text)
        with self._under_way():
            for user in users:
                assert client.rcpt(f"{user}@{DOMAIN}")[0] == 250
            self._ledger.sending(tag, users)
            answers = send_content(client, content, len(users))
        for user, (code, _) in zip(users, answers, strict=True):
            self._ledger.answered(tag, user, stored=code == 250)
        assert all(code == 250 for code, _ in answers), answers

    # -- collecting ----------------------------------------------------------------------

    def _collect(self, user: str, dice: random.Random) -> None:
        client = self._sign_in(user, dice)
        try:
            with self._under_way():
                marked = self._visit(client, user, dice)
                if dice.random() < 0.2:
                    return  # hang up without QUIT: nothing may be removed
                self._ledger.quitting(user, marked)
                client.quit()
            self._ledger.quit_answered(user, marked, removed=True)
        finally:
            client.close()

    def _sign_in(self, user: str, dice: random.Random) -> poplib.POP3:
        """A session; the last one may have hung up so shortly before that its lock is held."""
        while True:
            client = self._office.connect(dice.choice(("pop3s", "pop3", "pop3", "stls")))
            try:
                client.user(user)
                client.pass_(PASSWORD)
            except BaseException as error:
                client.close()
                if "[IN-USE]" not in str(error) or self._ending.is_set():
                    raise
            else:
                return client

    def _visit(self, client: poplib.POP3, user: str, dice: random.Random) -> list[str]:
        listed = read_all(client)
        self._ledger.seen(user, listed)
        marked = []
        for number, (_, tag) in enumerate(listed, 1):
            if dice.random() < 0.6:
                client.dele(number)
                marked.append(tag)
        return marked


def _for_user(
    work: Callable[[str, random.Random], None], user: str
) -> Callable[[random.Random], None]:
    return lambda dice: work(user, dice)


def read_all(client: poplib.POP3) -> list[tuple[str, str]]:
    """(unique-id, tag) of every letter of a session; all of them must be whole."""
    ids = list(unique_ids(client))
    return [(name, tag_of(retrieve(client, number))) for number, name in enumerate(ids, 1)]


def audit(office: PostOffice, ledger: Ledger, users: Sequence[str], *, empty: bool = False) -> None:
    """Hold every maildrop against the books; then *empty* it, so that it does not grow for ever."""
    for user in users:
        with office.session(user, "pop3", quits=False) as client:
            listed = read_all(client)
            ledger.audit(user, listed)
            tags = [tag for _, tag in listed] if empty else []
            for number in range(1, len(tags) + 1):
                client.dele(number)
            ledger.quitting(user, tags)
            client.quit()
        ledger.quit_answered(user, tags, removed=True)
