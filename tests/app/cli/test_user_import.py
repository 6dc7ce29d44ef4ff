"""``user import``, ``user add --hash-stdin`` and ``user require-app-passwords``."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from pillarbox.auth.accounts import Accounts
from tests.app.cli.conftest import Run, contents, deliver

FILE = """\
# what Dovecot reads
alice:{PLAIN}one:1000:1000::/home/alice::userdb_quota_rule=*:storage=1M nologin
Bob@Example.org:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=::::::

carol:$2y$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK
dora:*:::
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "passwd"
    path.write_text(FILE)
    return path


def accounts_in(store: Path) -> Accounts:
    return Accounts(store / "accounts.db", create=False)


def test_a_whole_file_becomes_accounts(run: Run, store: Path, file: Path) -> None:
    said = run("user", "import", str(file)).stdout
    assert said == (
        "added 4 accounts\n"
        "disabled, since they have no password in the file: dora "
        "(`pillarbox user passwd` and `pillarbox user enable`)\n"
    )
    accounts = accounts_in(store)
    alice, bob, carol, dora = accounts.records()
    assert (alice.verifier, alice.disabled, alice.quota_octets) == ("{PLAIN}one", True, 1 << 20)
    assert (bob.name, bob.verifier) == ("bob", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=")
    assert carol.verifier.startswith("{CRYPT}$2y$05$")
    assert dora.disabled
    assert dora.verifier.startswith("$argon2id$")
    accounts.close()


def test_it_is_read_from_standard_input_too_and_says_it_in_json(run: Run) -> None:
    said = json.loads(run("user", "import", "-", "--json", input=FILE).stdout)
    assert said == {
        "added": ["alice", "bob", "carol", "dora"],
        "replaced": [],
        "left": [],
        "without_password": ["dora"],
    }


def test_accounts_that_are_there_are_left_alone(
    run: Run, store: Path, file: Path, alice: str
) -> None:
    before = accounts_in(store).get(alice)
    said = run("user", "import", str(file)).stdout
    assert "added 3 accounts\n" in said
    assert "left 1 account alone that is there already: alice (--replace" in said
    assert accounts_in(store).get(alice) == before
    said = run("user", "import", str(file), "--replace").stdout
    assert "added 0 accounts\nreplaced 4 accounts: alice, bob, carol, dora\n" in said
    assert accounts_in(store).get(alice).verifier == "{PLAIN}one"


def test_faults_are_named_by_line_and_nothing_is_done(run: Run, store: Path, file: Path) -> None:
    file.write_bytes(
        FILE.encode() + b"alice@example.org:{PLAIN}x\n"
        b"eve@example.net:{PLAIN}x\n"
        b"a/b:{PLAIN}hunter2\n"
        b"frank:{CRAM-MD5}hunter2hunter2\n"
        b"gina:hunter2\n"
        b"\xff:{PLAIN}x\n"
        b"hugo:$2y$31$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK\n"
    )
    result = run("user", "import", str(file), code=2)
    lines = result.stderr.splitlines()
    for number, (line, said) in enumerate(
        [
            (7, "alice is in line 2 already"),
            (8, "its domain is none of delivery.domains"),
            (9, "the user cannot be an account's name"),
            (10, "scheme CRAM-MD5 cannot be used: set a password instead"),
            (11, "is not one of the scheme"),
            (12, "it is not UTF-8"),
            (13, "too dear to check"),
        ]
    ):
        assert lines[number].startswith(f"{file}:{line}: ")
        assert said in lines[number]
    assert f"7 lines of {file} cannot be used; nothing was changed" in lines[-1]
    assert "hunter2" not in result.output + result.stderr
    assert not (store / "accounts.db").exists()


@pytest.mark.parametrize("content", ["", "# nothing\n\n"])
def test_a_file_without_accounts_is_a_mistake(run: Run, file: Path, content: str) -> None:
    file.write_text(content)
    assert "has no account" in run("user", "import", str(file), code=2).stderr


def test_a_file_that_is_not_there(run: Run) -> None:
    assert "nowhere: No such file" in run("user", "import", "nowhere", code=1).stderr


def test_mail_of_earlier_accounts_is_not_given_away_unasked(
    run: Run, store: Path, file: Path, alice: str
) -> None:
    deliver(store, "bob", [b"x\r\n"])
    assert "(bob)" in run("user", "import", str(file), code=2).stderr
    assert accounts_in(store).names() == ["alice"]
    run("user", "import", str(file), "--keep-mail")
    assert contents(store, "bob") == [b"x\r\n"]
    run("user", "import", str(file), "--replace")  # nobody new: nothing to ask


@pytest.mark.skipif(not shutil.which("doveadm"), reason="doveadm is not installed")
def test_a_hash_of_dovecots_is_taken_from_standard_input(run: Run, store: Path) -> None:
    made = subprocess.run(
        ["doveadm", "pw", "-s", "SHA512-CRYPT", "-p", "secret"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    said = run("user", "add", "alice", "--hash-stdin", "--quota", "5M", input=made).stdout
    assert said == "added alice: mail for alice@example.org is kept for it\n"
    record = accounts_in(store).get("alice")
    assert (record.verifier, record.quota_octets) == (made.strip(), 5 << 20)


@pytest.mark.parametrize("line", ["secret", "{NOSUCH}x", "{SHA}x", ""])
def test_what_is_no_hash_is_refused(run: Run, store: Path, line: str) -> None:
    run("user", "add", "alice", "--hash-stdin", input=f"{line}\n", code=2)
    assert not (store / "accounts.db").exists() or accounts_in(store).names() == []


@pytest.mark.parametrize("other", ["--password-stdin", "--apop"])
def test_a_hash_goes_with_no_password(run: Run, other: str) -> None:
    said = run("user", "add", "alice", "--hash-stdin", other, input="{PLAIN}x\n", code=2).stderr
    assert "--hash-stdin is instead of a password" in said


def test_app_passwords_only_and_back(run: Run, store: Path, alice: str) -> None:
    result = run("user", "require-app-passwords", "ALICE")
    assert result.stdout == "alice can sign in with app passwords only\n"
    assert "`pillarbox device add alice NAME` makes one" in result.stderr
    assert "app passwords" in run("user", "list").stdout
    assert accounts_in(store).get(alice).app_passwords_only
    accounts_in(store).add_device(alice, "phone")
    assert run("user", "require-app-passwords", alice).stderr == ""
    said = run("user", "require-app-passwords", alice, "--off").stdout
    assert said == "alice can sign in with its own password, too\n"
    assert not accounts_in(store).get(alice).app_passwords_only


def test_app_passwords_only_for_nobody(run: Run, alice: str) -> None:
    for name, code in (("nobody", 2), ("a/b", 2)):
        run("user", "require-app-passwords", name, code=code)


def test_users_of_other_sources_are_known(run: Run, store: Path, file: Path, alice: str) -> None:
    source = ("--set", "auth.sources=passwd-file", "--set", f"auth.passwd_file.path={file}")
    said = run(*source, "user", "require-app-passwords", "bob").stdout
    assert said == "bob can sign in with app passwords only\n"
    assert accounts_in(store).app_passwords.required("bob")
    said = run(*source, "user", "require-app-passwords", "nobody", code=2).stderr
    assert "no account 'nobody', neither here nor in passwd-file" in said


def test_the_list_says_whose_the_hashes_are(run: Run, file: Path, alice: str) -> None:
    run("user", "import", str(file))
    listed = {item["name"]: item for item in json.loads(run("user", "list", "--json").stdout)}
    assert [listed[name]["hash"] for name in ("alice", "bob", "carol")] == [
        "ARGON2ID",
        "SHA",
        "BLF-CRYPT",
    ]
    assert {item["app_passwords_only"] for item in listed.values()} == {False}
