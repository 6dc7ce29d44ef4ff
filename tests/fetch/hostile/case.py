"""An account at a hostile server, and what must hold whatever happens to it.

The invariants, checked after each run: every message is stored at most once, whole, and only
messages are; what has gone from the server was stored before it went; nothing is left half
done; no password, and no mail, went over a channel that is not what was demanded; and a run
that failed says so in one sentence, without the password.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pillarbox.client.endpoint import Endpoint, Security
from pillarbox.client.tls import TlsSettings
from pillarbox.fetch.account import Account
from pillarbox.fetch.destinations import parse_destination
from pillarbox.fetch.errors import Defect
from pillarbox.fetch.events import Event, Problem
from pillarbox.fetch.rules import Rules
from pillarbox.fetch.run import Outcome, run
from tests.fetch.descriptors import open_below
from tests.fetch.hostile.maildrop import Mail
from tests.fetch.hostile.server import HOST, PASSWORD, USER, HostileServer

DELETE = Rules(0)
KEEP = Rules(None)
SOON = 0.5
"""Seconds: the patience of a client whose server is going to hang. Not less: a process that has been
made to wait for its turn must not take an honest answer for a late one."""
LONG = 60.0
"""Seconds: nothing here is meant to take so long."""


class Case:
    """One account. Its rules, time-out and the like can be replaced (``case.account``)."""

    def __init__(
        self,
        folder: Path,
        server: HostileServer,
        rules: Rules = DELETE,
        *,
        security: Security = Security.CLEARTEXT,
        timeout: float = LONG,
        tls: TlsSettings = TlsSettings(),  # noqa: B008 - immutable
    ) -> None:
        self.server = server
        self.folder = folder
        self.state = folder / "state"
        self.maildir = folder / "mail"
        self.events: list[Event] = []
        self.now = 1_000_000_000.0
        self.check_channel = True
        self.account = Account(
            "test",
            Endpoint(HOST, server.port, security, USER),
            parse_destination(f"maildir:{self.maildir}"),
            rules,
            password=PASSWORD,
            timeout=timeout,
            tls=tls,
        )
        server.maildrop.on_removal = self._assert_stored

    async def run(self) -> Outcome:
        """One run; the invariants hold behind it."""
        outcome = await run(self.account, self.state, tell=self.events.append, clock=self._clock)
        self.check(outcome)
        return outcome

    async def run_until_done(self, most: int = 4) -> int:
        """Run until one ends well; returns how many it took."""
        for count in range(1, most + 1):
            outcome = await self.run()
            if outcome.error is None and not outcome.totals.failed:
                return count
        raise AssertionError(f"not done after {most} runs: {outcome}")

    def rules(self, rules: Rules, *, confirmed: bool = False) -> None:
        self.account = self.account._replace(rules=rules, confirmed=confirmed)

    def deliver_by(self, command: str) -> None:
        """Mail goes to a command, which may refuse it; nothing in the Maildir is looked at."""
        self.account = self.account._replace(target=parse_destination(f"command:{command}"))
        self.server.maildrop.on_removal = lambda _: None

    @property
    def problems(self) -> list[str]:
        """What the user was told of."""
        return [event.text for event in self.events if isinstance(event, Problem)]

    # What must hold.

    def stored(self) -> list[bytes]:
        """What is in the Maildir, as it was sent: LF goes back to CRLF."""
        return sorted(
            path.read_bytes().replace(b"\n", b"\r\n")
            for name in ("new", "cur")
            for path in (self.maildir / name).glob("*")
        )

    def check(self, outcome: Outcome) -> None:
        stored = Counter(self.stored())
        whole = {mail.content for mail in self.server.maildrop.everything}
        assert set(stored) <= whole, "something was stored that is no message, or not whole"
        assert set(stored.values()) <= {1}, "a message was stored twice"
        assert not [*(self.maildir / "tmp").glob("*")], "something is left half done"
        assert not open_below(self.maildir), "a message is left open"
        assert not isinstance(outcome.error, Defect)
        self._check_sentences(outcome)
        self._check_channel()

    def assert_all_stored(self) -> None:
        """Each message that ever was there, exactly once."""
        everything = sorted(mail.content for mail in self.server.maildrop.everything)
        assert self.stored() == everything

    def assert_done(self) -> None:
        """All is here, and on the server is what the rules want to be there."""
        self.assert_all_stored()
        maildrop = self.server.maildrop
        assert maildrop.mails == ([] if self.account.rules.at_once else maildrop.everything)

    async def assert_settled(self) -> None:
        """Nothing is left to do: another run retrieves nothing, and ends well."""
        before = self.server.maildrop.retrieved.total()
        outcome = await self.run()
        assert outcome.error is None
        assert not outcome.totals.failed
        assert self.server.maildrop.retrieved.total() == before

    def _assert_stored(self, mail: Mail) -> None:
        assert mail.content in self.stored(), f"{mail.unique_id} was deleted before it was stored"

    def _check_sentences(self, outcome: Outcome) -> None:
        sentences = [*self.problems, *([str(outcome.error)] if outcome.error else [])]
        for sentence in sentences:
            assert PASSWORD not in sentence
            assert "\n" not in sentence
            assert sentence.strip()

    def _check_channel(self) -> None:
        if self.account.endpoint.security is Security.CLEARTEXT or not self.check_channel:
            return
        for session in self.server.sessions:
            assert session.heard_in_clear in {b"", b"STLS\r\n", b"STLS\r\nQUIT\r\n"}

    def _clock(self) -> float:
        return self.now
