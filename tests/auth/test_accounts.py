"""Accounts: what each change does, and what other processes see of it."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pillarbox.auth.account import MAX_QUOTA_OCTETS
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.errors import (
    AccountExists,
    InvalidName,
    InvalidPassword,
    InvalidQuota,
    NoSuchAccount,
)
from pillarbox.auth.passwords import secret_octets
from tests.auth.conftest import cheap_passwords
from tests.auth.places import in_a_file
from tests.auth.test_names import NASTY


class Clock:
    now = 1_000_000.9

    def __call__(self) -> float:
        return self.now


def proves(accounts: Accounts, name: str, password: str) -> bool:
    return cheap_passwords().proves(accounts.get(name).verifier, secret_octets(password))


def test_a_new_account_is_found_under_every_form_of_its_name(accounts: Accounts) -> None:
    added = accounts.add("Alice", "secret", quota_octets=1000)
    assert added == accounts.get("alice") == accounts.get("ALICE") == accounts.find("alice")
    assert added.name == "alice"
    assert added.quota_octets == 1000
    assert not added.disabled
    assert added.apop_secret is None
    assert proves(accounts, "alice", "secret")
    assert not proves(accounts, "alice", "other")


def test_a_name_is_given_once(accounts: Accounts) -> None:
    accounts.add("alice", "secret")
    with pytest.raises(AccountExists, match=r"'alice'.*user passwd"):
        accounts.add("ALICE", "other")
    assert proves(accounts, "alice", "secret")


@pytest.mark.parametrize(
    "use",
    [
        lambda accounts: accounts.get("nobody"),
        lambda accounts: accounts.set_password("nobody", "secret"),
        lambda accounts: accounts.set_quota("nobody", 1),
        lambda accounts: accounts.disable("nobody"),
        lambda accounts: accounts.enable("nobody"),
        lambda accounts: accounts.remove("nobody"),
    ],
)
def test_an_unknown_name_is_a_clear_error(
    accounts: Accounts, use: Callable[[Accounts], object]
) -> None:
    with pytest.raises(NoSuchAccount, match=r"'nobody'.*user list"):
        use(accounts)
    assert accounts.names() == []


@pytest.mark.parametrize("name", NASTY, ids=ascii)
def test_cve_2026_24031_no_name_reaches_sql(accounts: Accounts, name: str) -> None:
    accounts.add("alice", "secret")
    for use in (
        lambda: accounts.add(name, "secret"),
        lambda: accounts.get(name),
        lambda: accounts.set_password(name, "other"),
        lambda: accounts.set_quota(name, 1),
        lambda: accounts.disable(name),
        lambda: accounts.enable(name),
        lambda: accounts.remove(name),
    ):
        with pytest.raises(InvalidName):
            use()
    assert accounts.names() == ["alice"]
    assert proves(accounts, "alice", "secret")


def test_cve_2026_24031_no_name_becomes_one_of_a_file(accounts: Accounts, path: Path) -> None:
    accounts.add("alice", "secret")
    for name in NASTY:
        with pytest.raises(InvalidName):
            accounts.add(name, "secret")
    assert sorted(file.name for file in path.parent.iterdir()) == [
        "accounts.db",
        "accounts.db-shm",
        "accounts.db-wal",
    ]


@pytest.mark.parametrize("name", NASTY, ids=ascii)
def test_cve_2017_2669_a_nasty_name_is_looked_up_and_not_found(
    accounts: Accounts, name: str
) -> None:
    accounts.add("alice", "secret")
    assert accounts.find(name) is None


@pytest.mark.parametrize("name", ["o'brien", "a''--", "r&d", "null", "zo\u00eb", "_x=1", "\u7530"])
def test_odd_names_are_names(accounts: Accounts, name: str) -> None:
    accounts.add(name, "secret")
    accounts.add("bob", "secret")
    accounts.set_password(name, "other")
    accounts.disable(name)
    assert accounts.get(name).disabled
    assert not accounts.get("bob").disabled
    assert proves(accounts, "bob", "secret")
    accounts.remove(name)
    assert accounts.names() == ["bob"]


def test_a_refused_password_changes_nothing(accounts: Accounts) -> None:
    before = accounts.add("alice", "secret")
    with pytest.raises(InvalidPassword):
        accounts.set_password("alice", "")
    with pytest.raises(InvalidPassword):
        accounts.add("bob", "a\nb")
    assert accounts.records() == [before]


@pytest.mark.parametrize("quota", [-1, 2**63])
def test_a_quota_that_cannot_be_is_refused(accounts: Accounts, quota: int) -> None:
    accounts.add("alice", "secret")
    with pytest.raises(InvalidQuota, match=str(quota)):
        accounts.set_quota("alice", quota)
    with pytest.raises(InvalidQuota):
        accounts.add("bob", "secret", quota_octets=quota)
    assert accounts.set_quota("alice", MAX_QUOTA_OCTETS).quota_octets == MAX_QUOTA_OCTETS


def test_disabling_and_enabling(accounts: Accounts) -> None:
    accounts.add("alice", "secret")
    assert accounts.disable("Alice").disabled
    assert accounts.disable("alice").disabled
    assert not accounts.enable("alice").disabled
    assert proves(accounts, "alice", "secret")


def test_every_change_gives_a_generation_that_never_was(accounts: Accounts) -> None:
    changed = [
        accounts.add("alice", "secret"),
        accounts.add("bob", "secret"),
        accounts.set_password("alice", "secret"),
        accounts.disable("alice"),
        accounts.enable("alice"),
        accounts.set_quota("alice", 5),
        accounts.set_password("bob", "other"),
    ]
    accounts.remove("alice")
    changed.append(accounts.add("alice", "secret"))
    seen = [record.generation for record in changed]
    assert len(set(seen)) == len(seen)
    assert min(seen) > 0


def test_a_failed_change_keeps_the_generation(accounts: Accounts) -> None:
    before = accounts.add("alice", "secret")
    with pytest.raises(AccountExists):
        accounts.add("alice", "other")
    assert accounts.get("alice") == before


def test_times_of_making_and_changing(path: Path) -> None:
    clock = Clock()
    accounts = Accounts(path, passwords=cheap_passwords(), clock=clock)
    made = accounts.add("alice", "secret")
    assert (made.created_at, made.changed_at) == (1_000_000, 1_000_000)
    clock.now = 2_000_000.0
    changed = accounts.disable("alice")
    assert (changed.created_at, changed.changed_at) == (1_000_000, 2_000_000)
    accounts.close()


def test_an_apop_secret_follows_the_password(accounts: Accounts) -> None:
    assert accounts.add("alice", "sec\u00a0ret", apop=True).apop_secret == b"sec ret"
    assert accounts.set_password("alice", "other").apop_secret == b"other"
    assert accounts.set_password("alice", "third", apop=False).apop_secret is None
    assert accounts.set_password("alice", "fourth").apop_secret is None
    assert accounts.set_password("alice", "fifth", apop=True).apop_secret == b"fifth"


def test_names_and_records_are_sorted(accounts: Accounts) -> None:
    for name in ("carol", "alice", "bob"):
        accounts.add(name, "secret")
    assert accounts.names() == ["alice", "bob", "carol"]
    assert [record.name for record in accounts.records()] == ["alice", "bob", "carol"]


def test_a_record_shows_no_secret(accounts: Accounts) -> None:
    record = accounts.add("alice", "hunter2", apop=True)
    for text in (repr(record), str(record), f"{record}", f"{[record]}"):
        assert "hunter2" not in text
        assert record.verifier not in text
        assert "alice" in text


def test_a_renewed_verifier_is_not_a_change(accounts: Accounts) -> None:
    record = accounts.add("alice", "secret")
    renewed = accounts.renew_verifier(record, "new")
    assert renewed == accounts.get("alice") == record._replace(verifier="new")


def test_a_verifier_is_not_renewed_over_a_newer_password(accounts: Accounts) -> None:
    record = accounts.add("alice", "secret")
    changed = accounts.set_password("alice", "other")
    assert accounts.renew_verifier(record, "stale") is None
    assert accounts.get("alice") == changed
    accounts.remove("alice")
    assert accounts.renew_verifier(changed, "stale") is None


def test_old_secrets_leave_the_file(accounts: Accounts, path: Path) -> None:
    old = accounts.add("alice", "the old one is readable", apop=True)
    accounts.add("bob", "secret")
    accounts.set_password("alice", "new")
    gone = accounts.add("carol", "gone but readable", apop=True)
    accounts.remove("carol")
    accounts.close()  # the last connection writes the log back and removes it
    content = path.read_bytes()
    assert b"the old one is readable" not in content
    assert old.verifier.encode() not in content
    assert b"gone but readable" not in content
    assert gone.verifier.encode() not in content


def test_a_closed_file_opens_again(accounts: Accounts) -> None:
    accounts.add("alice", "secret")
    accounts.close()
    accounts.close()
    assert accounts.names() == ["alice"]


PRELUDE = """
import sys
from pathlib import Path
from pillarbox.auth.accounts import Accounts
from pillarbox.auth.passwords import Argon2Parameters, Passwords
cheap = Passwords(Argon2Parameters(time_cost=1, memory_kib=8))
accounts = Accounts(Path(sys.argv[1]), passwords=cheap)
print("ready", flush=True)
sys.stdin.readline()
"""


def start(path: Path, script: str) -> subprocess.Popen[str]:
    """A process with ``accounts`` open on *path* that runs *script* when it is told to."""
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run_together(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0] * len(processes)


def test_another_process_sees_a_change_at_once(accounts: Accounts, path: Path) -> None:
    accounts.add("alice", "secret")
    accounts.add("bob", "secret")
    run_together([start(path, "accounts.set_password('alice', 'other'); accounts.disable('bob')")])
    assert proves(accounts, "alice", "other")
    assert not proves(accounts, "alice", "secret")
    assert accounts.get("bob").disabled


def test_processes_that_start_together_make_one_file_and_lose_nothing(path: Path) -> None:
    add = "for number in range(10): accounts.add(f'{prefix}{number}', 'secret')\naccounts.close()"
    run_together([start(path, f"prefix = '{prefix}'\n{add}") for prefix in "abc"])
    accounts = Accounts(path)
    assert len(accounts.names()) == 30
    assert len({record.generation for record in accounts.records()}) == 30
    accounts.close()
    assert [file.name for file in path.parent.iterdir()] == ["accounts.db"]


def test_threads_share_the_accounts(accounts: Accounts) -> None:
    def add_and_read(prefix: str) -> None:
        for number in range(10):
            accounts.add(f"{prefix}{number}", "secret")
            assert accounts.find(f"{prefix}{number}")

    threads = [threading.Thread(target=add_and_read, args=(prefix,)) for prefix in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(accounts.names()) == 40


@in_a_file
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")  # pytest's own threads
def test_parent_and_child_go_on_after_a_fork(accounts: Accounts) -> None:
    accounts.add("alice", "secret")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            accounts.disable("alice")
            accounts.add("child", "secret")
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert accounts.get("alice").disabled
    accounts.add("parent", "secret")
    assert accounts.names() == ["alice", "child", "parent"]


def test_a_reader_does_not_wait_for_a_writer(accounts: Accounts, path: Path) -> None:
    accounts.add("alice", "secret")
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE account SET disabled = 1")
    assert not accounts.get("alice").disabled  # as last committed
    writer.execute("COMMIT")
    assert accounts.get("alice").disabled
    writer.close()


operations = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "disable", "enable", "quota"]),
        st.sampled_from(["alice", "BOB", "Carol", "bob"]),
    ),
    max_size=12,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations)
def test_any_sequence_of_changes_does_what_a_dictionary_does(
    accounts: Accounts, changes: list[tuple[str, str]]
) -> None:
    for name in accounts.names():
        accounts.remove(name)
    model: dict[str, list[int]] = {}
    generations = []
    for change, name in changes:
        key = name.lower()
        if change == "add" and key in model:
            with pytest.raises(AccountExists):
                accounts.add(name, "secret")
            continue
        if change != "add" and key not in model:
            with pytest.raises(NoSuchAccount):
                accounts.remove(name) if change == "remove" else accounts.set_quota(name, 7)
            continue
        if change == "add":
            accounts.add(name, "secret")
            model[key] = [0, 0]
        elif change == "remove":
            accounts.remove(name)
            del model[key]
            continue
        elif change == "quota":
            accounts.set_quota(name, 7)
            model[key][1] = 7
        else:
            accounts.disable(name) if change == "disable" else accounts.enable(name)
            model[key][0] = int(change == "disable")
        generations.append(accounts.get(name).generation)
        found = {r.name: [int(r.disabled), r.quota_octets] for r in accounts.records()}
        assert found == model
    assert len(set(generations)) == len(generations)
