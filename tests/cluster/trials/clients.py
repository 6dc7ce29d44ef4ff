"""Who delivers and collects while the cluster is in trouble: what fails is tried again, and each answer
is held against the books.

Only one client collects for a user, so each of its sessions comes after the one before, whatever has
become of that. Others want to look at the same maildrops, and are let in when nobody else is: that there are never
two at once is to be seen by the leases (``tokens``), and at sessions that were given up, on nodes that are cut off
or frozen, and later come back.
"""

from __future__ import annotations

import contextlib
import itertools
import poplib
import random
import smtplib
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from tests.cluster.trials.cluster import Cluster
from tests.endurance.ledger import Ledger
from tests.endurance.letters import letter
from tests.endurance.traffic import GONE, read_all
from tests.postoffice import DOMAIN, PASSWORD, PATIENCE, Pop3, Pop3s, opened, send_content

SIZES = (200, 1_000, 3_000, 5_000, 20_000, 70_000)
"""On both sides of what is an object."""
SECONDS = 10.0
"""A client's own: then it hangs up, and tries again."""
PAUSE_SECONDS = 0.05
"""Between a failure and the next try."""
BACKLOG = 400
"""Letters that may lie in all maildrops together: whoever delivers waits for the collectors."""
COME_AGAIN = ("[IN-USE]", "[SYS/TEMP]")
NOTHING_REMOVED = "nothing has been removed"
"""What a reply to QUIT says if the client may rely on it."""

_tags = itertools.count(1)


class Clients:
    """Threads: some deliver to *users*, others collect, each for its share of them, or look."""

    def __init__(
        self,
        cluster: Cluster,
        ledger: Ledger,
        users: Sequence[str],
        *,
        deliverers: int = 3,
        collectors: int = 6,
        lookers: int = 2,
        seed: int = 0,
    ) -> None:
        self._cluster = cluster
        self._ledger = ledger
        self._users = list(users)
        self.told: Counter[str] = Counter()
        """How often each kind of answer came."""
        self._over = threading.Event()
        self._piles_up = threading.Event()
        self._failures: list[BaseException] = []
        self._threads = [
            threading.Thread(
                target=self._run,
                name=f"deliverer{number}",
                args=(self._deliver, self._users, random.Random(f"{seed} d{number}")),
            )
            for number in range(deliverers)
        ]
        self._threads += [
            threading.Thread(
                target=self._run,
                name=f"collector{number}",
                args=(self._collect, share, random.Random(f"{seed} c{number}")),
            )
            for number in range(collectors)
            if (share := self._users[number::collectors])
        ]
        self._threads += [
            threading.Thread(
                target=self._run,
                name=f"looker{number}",
                args=(self._look, self._users, random.Random(f"{seed} l{number}")),
            )
            for number in range(lookers)
        ]
        for thread in self._threads:
            thread.start()

    def check(self) -> None:
        """Raise what went wrong so far."""
        if self._failures:
            raise BaseExceptionGroup("clients failed", self._failures)

    @contextlib.contextmanager
    def mail_piles_up(self) -> Iterator[None]:
        """Meanwhile mail is delivered, whether it is collected or not."""
        self._piles_up.set()
        self._ledger.wake()
        try:
            yield
        finally:
            self._piles_up.clear()

    def _need_not_wait(self) -> bool:
        return self._over.is_set() or self._piles_up.is_set()

    def pause(self) -> None:
        """Before somebody looks again at what does not announce itself."""
        self.check()
        self._over.wait(PAUSE_SECONDS)

    def join(self) -> None:
        self._over.set()
        self._ledger.wake()
        for thread in self._threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads), "a client hangs"
        self.check()

    def _run(self, work: Any, users: list[str], dice: random.Random) -> None:
        try:
            while not self._over.is_set():
                try:
                    work(users, dice)
                except GONE as error:
                    self.told[f"cut off: {type(error).__name__}"] += 1
                    self._over.wait(PAUSE_SECONDS)
        except BaseException as error:  # noqa: BLE001 -- raised by check
            self._cluster.history.tell(f"FAILED: {error!r}")
            self._failures.append(error)
            self._over.set()
            self._ledger.give_up()

    # -- delivering --------------------------------------------------------------------------

    def _deliver(self, users: list[str], dice: random.Random) -> None:
        self._ledger.wait_for_room(BACKLOG, self._need_not_wait)
        with self._lmtp(dice) as client:
            for _ in range(10):
                if self._over.is_set():
                    return
                self._deliver_one(client, users, dice)

    @contextlib.contextmanager
    def _lmtp(self, dice: random.Random) -> Iterator[smtplib.LMTP]:
        """At any of the nodes, or by the balancer."""
        doors = [member.ports["lmtp"] for member in self._cluster.members]
        port = dice.choice([*doors, self._cluster.doors["lmtp"].port])
        with contextlib.closing(
            opened(smtplib.LMTP, "127.0.0.1", port, local_hostname="client.test", timeout=SECONDS)
        ) as client:
            client.ehlo()
            yield client

    def _deliver_one(self, client: smtplib.LMTP, users: list[str], dice: random.Random) -> None:
        tag = f"t{next(_tags)}"
        content = letter(tag, dice.choice(SIZES))
        code, text = client.mail("sender@example.net")
        if code != 250:
            raise smtplib.SMTPResponseException(code, text)
        wanted = dice.sample(users, dice.randint(1, 3))
        taken = [user for user in wanted if client.rcpt(f"{user}@{DOMAIN}")[0] == 250]
        if not taken:
            raise smtplib.SMTPResponseException(451, "no recipient")
        self._ledger.sending(tag, taken)
        self._cluster.history.tell(f"{tag} for {taken}")
        answers = send_content(client, content, len(taken))
        for user, (code, text) in zip(taken, answers, strict=True):
            self.told[f"delivery: {code}"] += 1
            self._cluster.history.tell(f"{tag} for {user}: {code} {text!r}")
            assert code == 250 or 400 <= code < 500, (code, text)
            if code == 250:  # else it may be there all the same
                self._ledger.answered(tag, user, stored=True)

    # -- collecting --------------------------------------------------------------------------

    def _collect(self, users: list[str], dice: random.Random) -> None:
        user = dice.choice(users)
        client = self._connected(dice)
        try:
            if self._signed_in(client, user):
                self._visit(client, user, dice)
        finally:
            client.close()

    def _look(self, users: list[str], dice: random.Random) -> None:
        """At whomever's maildrop, and change nothing."""
        client = self._connected(dice)
        try:
            if self._signed_in(client, dice.choice(users)):
                client.stat()
                if dice.random() < 0.5:
                    client.quit()
        finally:
            client.close()

    def _connected(self, dice: random.Random) -> poplib.POP3:
        doors = self._cluster.doors
        if dice.random() < 0.2:
            context = self._cluster.members[0].node.context()
            return opened(Pop3s, *doors["pop3s"], context=context, timeout=SECONDS)
        return opened(Pop3, *doors["pop3"], timeout=SECONDS)

    def _signed_in(self, client: poplib.POP3, user: str) -> bool:
        try:
            client.user(user)
            client.pass_(PASSWORD)
        except poplib.error_proto as error:
            said = str(error)
            known = next((code for code in COME_AGAIN if code in said), None)
            assert known or "EOF" in said, said
            self.told[f"sign-in: {known}"] += 1
            self._over.wait(PAUSE_SECONDS)
            return False
        return True

    def _visit(self, client: poplib.POP3, user: str, dice: random.Random) -> None:
        listed = read_all(client)
        self._ledger.seen(user, listed)
        marked = []
        for number, (_, tag) in enumerate(listed, 1):
            if dice.random() < 0.7:
                client.dele(number)
                marked.append(tag)
        tell = self._cluster.history.tell
        tell(f"{user} has {[tag for _, tag in listed]}")
        if dice.random() < 0.1:
            return  # hang up without QUIT: nothing may be removed
        self._ledger.quitting(user, marked)
        tell(f"{user} deletes {marked}")
        try:
            client.quit()
        except poplib.error_proto as error:
            tell(f"{user} QUIT: {error}")
            if NOTHING_REMOVED not in str(error):
                raise  # it may be, or not: the next visit will see
            self.told["quit: refused"] += 1
            self._ledger.quit_answered(user, marked, removed=False)
        else:
            tell(f"{user} QUIT: +OK")
            self.told["quit: +OK"] += 1
            self._ledger.quit_answered(user, marked, removed=True)
