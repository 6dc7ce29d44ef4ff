"""A real post office for tests: ``pillarbox serve`` as processes of its own, on ports that the
system chose, with a throw-away certificate and accounts.

::

    with PostOffice(tmp_path, users=["alice"]) as office:
        office.deliver(b"Subject: hello\\r\\n\\r\\nthere\\r\\n", "alice")
        assert office.collect("alice") == [...]

Everything goes in and out by the protocols, spoken by the standard library's clients. What
the server logs is kept, and shown when something goes wrong.
"""

from __future__ import annotations

import contextlib
import functools
import getpass
import json
import os
import poplib
import re
import signal
import smtplib
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, Self, TypeVar

import trustme

from pillarbox.auth.accounts import Accounts
from pillarbox.auth.passwords import Passwords
from pillarbox.auth.scram_keys import DEVICE_ITERATIONS
from tests import warm

HOST = "127.0.0.1"
DOMAIN = "example.org"
PASSWORD = "a fine and private place"
PATIENCE = 120.0
"""Seconds after which a server that says nothing is taken for hung: the test has failed."""

DOORS = ("pop3s", "pop3", "lmtp", "smtp", "http")

Settings = Mapping[str, Mapping[str, object]]
Answer = tuple[int, bytes]


class Address(NamedTuple):
    """Where a door stands."""

    host: str
    port: int


@functools.cache
def authority() -> trustme.CA:
    """The authority behind all certificates of this test process."""
    return trustme.CA()


class Pop3(poplib.POP3):
    """A client at the POP3 door: poplib, but for two habits that would blur what the server does.

    It refuses lines above 2,048 octets, which mail has; and when the connection breaks it
    takes the torn line for a whole one: a stuffed dot then looks like the end of a reply.
    """

    def _getline(self) -> tuple[bytes, int]:
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise poplib.error_proto("-ERR EOF")
        return line[:-2], len(line)


class Pop3s(Pop3, poplib.POP3_SSL):
    """A client at the POP3S door."""


_Client = TypeVar("_Client", Pop3, Pop3s, smtplib.SMTP, smtplib.LMTP)


class Log:
    """What a process writes to its stderr: kept, copied to a file, and waited for."""

    def __init__(self, stream: IO[bytes], copy: Path) -> None:
        self._stream = stream
        self._copy = copy
        self._changed = threading.Condition()
        self._ended = False
        self.lines: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, name="log reader", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._copy.open("ab") as copy, self._stream:
            for line in self._stream:
                copy.write(line)
                copy.flush()
                with self._changed:
                    self.lines.append(_parsed(line))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def find(self, event: str) -> list[dict[str, Any]]:
        """The lines of this event so far."""
        with self._changed:
            return [line for line in self.lines if line["event"] == event]

    def wait_for(self, event: str, *, count: int = 1) -> dict[str, Any]:
        """Wait until the event has been logged *count* times; returns that line.

        Raises:
            AssertionError: the process ended, or was silent for too long.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._ended or len(self._of(event)) >= count, timeout=PATIENCE
            )
            found = self._of(event)
        if len(found) < count:
            raise AssertionError(f'the server never logged "{event}" ({count}):\n{self.text()}')
        return found[count - 1]

    def only(self, event: str) -> dict[str, Any]:
        """The one line of this event so far. It is waited for: an answer may be here before the line that was written first."""
        self.wait_for(event)
        (line,) = self.find(event)
        return line

    def _of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]

    def text(self, last: int = 40) -> str:
        """The last lines, as a person would want to see them."""
        return "\n".join(json.dumps(line) for line in self.lines[-last:])

    def close(self) -> None:
        """Wait until everything has been read; the process must have ended."""
        self._reader.join(PATIENCE)


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if isinstance(found, dict) and "event" in found:
        return found
    return {"event": line.decode(errors="backslashreplace").rstrip(), "level": "raw"}


class PostOffice:
    """A post office in *folder*. Can be started, stopped or killed, and started again."""

    def __init__(
        self,
        folder: Path,
        *,
        users: Iterable[str] = (),
        settings: Settings | None = None,
        store: Path | None = None,
        prelude: str = "",
        fresh: bool = not warm.IS_POSSIBLE,
    ) -> None:
        """*settings*: by section, what differs from the helper's own (see :meth:`_config`).
        *prelude*: a program that its processes run first, to change what no setting does.
        *fresh*: each by an interpreter of its own, so that no memory is another process's, too.
        """
        self._prelude = prelude
        self._is_fresh = fresh
        self.folder = folder
        self.store = store or folder / "store"
        self.authority = folder / "authority.pem"
        self.config = folder / "pillarbox.toml"
        self.users: list[str] = []
        self.addresses: dict[str, Address] = {}
        self._log: Log | None = None
        self._process: subprocess.Popen[bytes] | warm.Warm | None = None
        self._before_start: list[Callable[[], None]] = []
        self._write_certificate()
        self._write_config(settings or {})
        self.add_users(users)

    # -- making it ---------------------------------------------------------------------

    def _write_certificate(self) -> None:
        authority().cert_pem.write_to_path(self.authority)
        certificate = authority().issue_cert(HOST, "localhost", common_name="localhost")
        certificate.private_key_and_cert_chain_pem.write_to_path(self.folder / "server.pem")
        (self.folder / "server.pem").chmod(0o600)

    def _write_config(self, settings: Settings) -> None:
        merged: dict[str, dict[str, object]] = {
            "server": {
                "hostname": "localhost",
                "workers": 2,
                "user": getpass.getuser(),
                "log_format": "json",
            },
            "listen": {door: [f"{HOST}:0"] for door in DOORS},
            "tls": {"certificate": str(self.folder / "server.pem")},
            "store": {"path": str(self.store)},
            "delivery": {"domains": [DOMAIN]},
        }
        for section, values in settings.items():
            merged.setdefault(section, {}).update(values)
        lines: list[str] = []
        for section, values in merged.items():
            # Strings, numbers, booleans and lists of them are written alike in JSON and TOML.
            lines += [f"[{section}]", *(f"{key} = {json.dumps(v)}" for key, v in values.items())]
        self.config.write_text("\n".join(lines) + "\n")

    def add_users(self, names: Iterable[str]) -> None:
        """Make accounts, all with :data:`PASSWORD`, hashed once to save the time."""
        names = list(names)
        if not names:
            return
        accounts = self.accounts(OneHash(scram_iterations=DEVICE_ITERATIONS))
        try:
            for name in names:
                accounts.add(name, PASSWORD)
        finally:
            accounts.close()
        self.users += names

    def accounts(self, passwords: Passwords) -> Accounts:
        """Its accounts, for who makes some without a command; to be closed."""
        self.store.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Accounts(self.store / "accounts.db", passwords=passwords)

    # -- its life ----------------------------------------------------------------------

    def before_start(self, act: Callable[[], None]) -> None:
        """Have *act* called in the server's process before it begins (to set a limit)."""
        self._before_start.append(act)

    def start(self) -> Self:
        """Start it; returns when all doors accept."""
        assert self._process is None, "it runs already"
        self._process, stderr = self._started(tuple(self._before_start))
        self._log = Log(stderr, self.folder / "server.log")
        try:
            ready = self.log.wait_for("ready")
        except BaseException:
            self.kill()
            raise
        for door in DOORS:
            if door in ready:
                host, _, port = ready[door].split(",")[0].rpartition(":")
                self.addresses[door] = Address(host, int(port))
        return self

    def _started(
        self, acts: Sequence[Callable[[], None]]
    ) -> tuple[subprocess.Popen[bytes] | warm.Warm, IO[bytes]]:
        """The process, in a group of its own, so that all of it can be killed; and its stderr."""
        arguments, env = ["--config", str(self.config), "serve"], _environment()
        if not self._is_fresh and not acts:
            ours, theirs = os.pipe()
            try:
                with Path(os.devnull).open("wb") as nowhere:
                    process = warm.start(
                        arguments, env, prelude=self._prelude, out=nowhere.fileno(), err=theirs
                    )
            finally:
                os.close(theirs)
            return process, os.fdopen(ours, "rb")
        fresh = subprocess.Popen(
            [*self._fresh(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=env,
            start_new_session=True,
            preexec_fn=(lambda: [act() for act in acts]) if acts else None,  # noqa: PLW1509
        )
        assert fresh.stderr is not None
        return fresh, fresh.stderr

    def _fresh(self) -> list[str]:
        """The beginning of a command that starts an interpreter."""
        if not self._prelude:
            return [sys.executable, "-m", "pillarbox"]
        run = "import runpy; runpy.run_module('pillarbox', run_name='__main__', alter_sys=True)"
        return [sys.executable, "-c", f"{self._prelude}\n{run}"]

    @property
    def log(self) -> Log:
        """What it logs; when it does not run, what it logged until then."""
        assert self._log is not None, "it has never been started"
        return self._log

    @property
    def running(self) -> subprocess.Popen[bytes] | warm.Warm:
        assert self._process is not None, "it does not run"
        return self._process

    @property
    def is_running(self) -> bool:
        """Whether it has been started, and neither stopped nor killed since."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The supervisor's."""
        return self.running.pid

    def workers(self) -> list[int]:
        """The process ids of the supervisor's children."""
        text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in text.split()]

    def kill_worker(self, place: int) -> None:
        """Kill one of its processes; the supervisor has to find out and replace it."""
        children = self.workers()
        os.kill(children[place % len(children)], signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Signal the supervisor."""
        self.running.send_signal(number)

    def stop(self) -> int:
        """Ask it to end (SIGTERM); returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended; returns the exit code."""
        process = self.running
        try:
            code = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            text = self.log.text()
            self.kill()
            raise AssertionError(f"the server did not end:\n{text}") from None
        self._gone()
        return code

    def kill(self) -> None:
        """Kill all its processes at once, as a power cut would."""
        with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
            os.killpg(self.pid, signal.SIGKILL)
        self.running.wait()
        self._gone()

    def _gone(self) -> None:
        self._process = None
        self.addresses = {}
        self.log.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if self._process is not None:
            if error is not None:
                error.add_note(self.log.text())
            self.kill()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another ``pillarbox`` command on this post office."""
        command, env = ["--config", str(self.config), *arguments], _environment()
        if not self._is_fresh:
            return warm.run(command, env, prelude=self._prelude, timeout=PATIENCE)
        return subprocess.run(
            [*self._fresh(), *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=env,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    # -- mail in and out ---------------------------------------------------------------

    def context(self) -> ssl.SSLContext:
        """A client's TLS context that trusts this office's certificate only."""
        return ssl.create_default_context(cafile=str(self.authority))

    @contextlib.contextmanager
    def lmtp(self) -> Iterator[smtplib.LMTP]:
        """A client at the LMTP door, greeted."""
        host, port = self.addresses["lmtp"]
        with contextlib.closing(
            opened(smtplib.LMTP, host, port, local_hostname="client.test", timeout=PATIENCE)
        ) as client:
            _expect(250, client.ehlo())
            yield client
            client.quit()

    @contextlib.contextmanager
    def smtp(self) -> Iterator[smtplib.SMTP]:
        """A client at the SMTP door, greeted."""
        client = opened(
            smtplib.SMTP, *self.addresses["smtp"], local_hostname="client.test", timeout=PATIENCE
        )
        with contextlib.closing(client):
            _expect(250, client.ehlo())
            yield client
            client.quit()

    def deliver(self, content: bytes, *users: str) -> None:
        """Deliver one canonical message by LMTP; all recipients must get it."""
        with self.lmtp() as client:
            for answer in send(client, content, users):
                _expect(250, answer)

    @contextlib.contextmanager
    def session(
        self, user: str, door: str = "pop3s", *, quits: bool = True
    ) -> Iterator[poplib.POP3]:
        """A POP3 session, signed in: *door* is ``pop3s``, ``stls``, or ``pop3`` (no TLS)."""
        client = self.connect(door)
        try:
            client.user(user)
            client.pass_(PASSWORD)
            yield client
            if quits:
                client.quit()
        finally:
            client.close()

    def connect(self, door: str = "pop3s") -> poplib.POP3:
        """A POP3 client, greeted, with TLS where the door says so."""
        if door == "pop3s":
            return opened(Pop3s, *self.addresses["pop3s"], context=self.context(), timeout=PATIENCE)
        client = opened(Pop3, *self.addresses["pop3"], timeout=PATIENCE)
        if door == "stls":
            try:
                client.stls(self.context())
            except BaseException:
                client.close()
                raise
        return client

    def collect(self, user: str, door: str = "pop3s", *, keep: bool = True) -> list[bytes]:
        """All messages of *user*, as sent; deleted if not to be kept."""
        with self.session(user, door) as client:
            count, _ = client.stat()
            contents = [retrieve(client, number) for number in range(1, count + 1)]
            if not keep:
                for number in range(1, count + 1):
                    client.dele(number)
        return contents

    def unique_ids(self, user: str) -> list[str]:
        """The unique-ids of *user*'s messages, in order."""
        with self.session(user) as client:
            return list(unique_ids(client))


def opened(kind: type[_Client], *arguments: Any, **options: Any) -> _Client:
    """A client of the standard library; unlike its own, this leaves no socket open on failure."""
    client = kind.__new__(kind)
    try:
        client.__init__(*arguments, **options)  # type: ignore[misc] # in two steps, on purpose
    except BaseException:
        for name in ("file", "sock"):
            part = getattr(client, name, None)
            if part is not None:
                part.close()
        raise
    return client


class OneHash(Passwords):
    """Hashes equal passwords once: hundreds of accounts are to be made quickly."""

    @functools.cache  # noqa: B019 - these live as long as the tests
    def verifier(self, secret: bytes) -> str:
        return super().verifier(secret)


def _environment() -> dict[str, str]:
    """This process's environment without settings of Pillarbox's own."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PILLARBOX_")}


def send(client: smtplib.SMTP, content: bytes, users: Sequence[str]) -> list[Answer]:
    """Send one canonical message; returns the answers to DATA: LMTP one a user, SMTP one.

    (smtplib's own ``sendmail`` reads a single answer even in LMTP.)

    Raises:
        smtplib.SMTPResponseException: it was refused before the message was sent.
    """
    _expect(250, client.mail("sender@example.net"))
    for user in users:
        _expect(250, client.rcpt(f"{user}@{DOMAIN}"))
    return send_content(client, content, len(users))


def send_content(client: smtplib.SMTP, content: bytes, recipients: int) -> list[Answer]:
    """DATA, for that many accepted recipients; see :func:`send`."""
    _expect(354, client.docmd("DATA"))
    client.send(stuffed(content) + b".\r\n")
    answers = recipients if isinstance(client, smtplib.LMTP) else 1
    return [client.getreply() for _ in range(answers)]


def stuffed(content: bytes) -> bytes:
    """A canonical message with dots doubled (RFC 5321, section 4.5.2)."""
    return re.sub(rb"(\A|\r\n)\.", rb"\1..", content)


def retrieve(client: poplib.POP3, number: int) -> bytes:
    """One message, as sent."""
    lines = client.retr(number)[1]
    return b"".join(line + b"\r\n" for line in lines)


def unique_ids(client: poplib.POP3) -> Iterator[str]:
    """The unique-ids of a session's messages, in order."""
    for place, line in enumerate(client.uidl()[1], 1):
        number, unique_id = line.decode("ascii").split(" ")
        assert int(number) == place
        yield unique_id


def _expect(code: int, answer: Answer) -> None:
    if answer[0] != code:
        raise smtplib.SMTPResponseException(*answer)
