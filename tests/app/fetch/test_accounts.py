"""``pillarbox fetch [ACCOUNT…]``: the accounts of the configuration, side by side."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable

import pytest

from tests.app.fetch.conftest import Box, subjects
from tests.postoffice import PASSWORD

Make = Callable[[], Box]

DEFAULTS = '[defaults]\nto = "maildir:Mail"\n'


def test_all_accounts_or_those_that_are_named(make_box: Make) -> None:
    box, other = make_box(), make_box()
    box.configure(f"{DEFAULTS}[accounts.a]\n{box.account}[accounts.b]\n{other.account}")
    for each in (box, other):
        each.deliver(each.user)
    done = box.run("fetch", "b")
    assert (done.code, done.err) == (0, "")
    assert box.stored == [other.user]  # both go to this home's folder
    other.deliver("more")
    done = box.run("fetch")
    *lines, last = [line.partition(":")[0] for line in done.out.splitlines()]
    assert (sorted(lines), last) == (["a", "b"], "all")
    assert done.out.splitlines()[-1].startswith("all: 2 messages collected (")
    assert box.stored == sorted([other.user, box.user, "more"])


def test_one_mailbox_is_collected_by_one_account_at_a_time(box: Box) -> None:
    """The second one used to wait for an end that never came, at each run."""
    box.configure(f"{DEFAULTS}[accounts.a]\n{box.account}[accounts.b]\n{box.account}")
    box.deliver("one")
    done = box.run("fetch")
    assert (done.code, done.out) == (2, "")
    assert "accounts.b: is the same mailbox as accounts.a; leave one out" in done.err
    assert box.on_server == ["one"]
    assert box.run("fetch", "b").code == 0
    assert box.stored == ["one"]


def test_one_account_that_fails_is_nothing_to_the_others(make_box: Make) -> None:
    box, other, third = make_box(), make_box(), make_box()
    box.configure(
        f"{DEFAULTS}[accounts.good]\n{box.account}"
        f"[accounts.locked]\n{other.account.replace('cat ', 'echo no; : ')}"
        f'[accounts.away]\nurl = "pop3s://a@127.0.0.1:1"\npassword_command = "true"\n'
        f"[accounts.also_good]\n{third.account}"
    )
    for each in (box, other, third):
        each.deliver(each.user)
    done = box.run("fetch")
    assert done.code == 3  # a refused sign-in is more serious than a server that is away
    assert "pillarbox: locked: the server refused the sign-in" in done.err
    assert "pillarbox: away: cannot reach 127.0.0.1:1" in done.err
    assert box.stored == sorted([box.user, third.user])
    assert other.on_server == [other.user]
    assert box.run("fetch", "away", "good").code == 1


def test_security_is_the_most_serious(make_box: Make) -> None:
    box, other = make_box(), make_box()
    untrusted = "\n".join(line for line in box.account.splitlines() if "ca =" not in line)
    box.configure(
        f"{DEFAULTS}[accounts.a]\n{untrusted}\n"
        f"[accounts.b]\n{other.account.replace('cat ', 'echo no; : ')}"
    )
    assert box.run("fetch", "b").code == 3
    assert box.run("fetch").code == 4


def test_every_setting_of_the_file_counts(box: Box) -> None:
    """Those that the other tests of this folder do not set."""
    box.configure(
        f'[defaults]\nto = "mbox:~/in box"\ntimeout = 30.5\nmax_size = "1K"\n'
        f'[accounts.a]\n{box.account}keep_days = 7\nauth = "LOGIN"\n'
    )
    box.deliver("one")
    box.office.deliver(b"Subject: large\r\n\r\n" + b"x" * 998 + b"\r\n" * 9, box.user)
    done = box.run("fetch", "--json")
    assert done.code == 0
    assert done.events[0]["mechanism"] == "LOGIN"
    assert b"Subject: one" in (box.home / "in box").read_bytes()
    assert b"Subject: large" not in (box.home / "in box").read_bytes()
    assert box.on_server == ["one", "large"]


def test_options_count_for_every_account_before_its_own_settings(make_box: Make) -> None:
    box, other = make_box(), make_box()
    box.configure(
        f"{DEFAULTS}[accounts.a]\n{box.account}keep = false\n"
        f"[accounts.b]\n{other.account}keep_days = 0\n"
    )
    for each in (box, other):
        each.deliver(each.user)
    assert box.run("fetch", "--keep", "--to=maildir:Elsewhere").code == 0
    assert subjects(box.home / "Elsewhere") == sorted([box.user, other.user])
    assert box.on_server == [box.user]
    assert other.on_server == [other.user]


def test_options_are_nothing_to_accounts_that_are_not_named(make_box: Make) -> None:
    box, other = make_box(), make_box()
    box.configure(
        f"[accounts.a]\n{box.account}[accounts.b]\n"
        f"{other.account.replace(other.url, other.stls_url)}"
    )
    other.deliver("one")
    done = box.run("fetch", "b", "--insecure-cleartext", "--to=maildir:Mail")
    assert done.code == 0, done
    assert box.stored == ["one"]


def test_a_fault_in_an_account_that_is_not_named_is_found_by_day(box: Box) -> None:
    box.configure(f"{DEFAULTS}[accounts.a]\n{box.account}[accounts.b]\nurl = 'imap://a@b'\n")
    done = box.run("fetch", "a")
    assert done.code == 2
    assert "accounts.b.url: the URL" in done.err


def test_an_accounts_own_word_on_keeping_stands_against_the_defaults(make_box: Make) -> None:
    box, other = make_box(), make_box()
    box.configure(
        f"{DEFAULTS}keep_days = 7\n[accounts.a]\n{box.account}keep = false\n"
        f"[accounts.b]\n{other.account}"
    )
    for each in (box, other):
        each.deliver(each.user)
    assert box.run("fetch").code == 0
    assert box.on_server == []
    assert other.on_server == [other.user]


def test_relative_paths_start_from_the_files_folder(box: Box) -> None:
    folder = box.home / "etc"
    folder.mkdir()
    (folder / "ca.pem").write_bytes(box.office.authority.read_bytes())
    account = box.account.replace(str(box.office.authority), "ca.pem")
    (folder / "fetch.toml").write_text(f"{DEFAULTS}[accounts.a]\n{account}")
    box.deliver("one")
    assert box.run("--config", "etc/fetch.toml", "fetch").code == 0
    assert subjects(folder / "Mail") == ["one"]


def test_the_file_is_found_as_the_servers_is(box: Box) -> None:
    text = f"{DEFAULTS}[accounts.a]\n{box.account}"
    folder = box.home / ".config/pillarbox"
    folder.mkdir(parents=True)
    (folder / "pillarbox.toml").write_text(text)
    box.deliver("one")
    assert box.run("fetch").code == 0
    other = box.home / "other.toml"
    other.write_text(text.replace("accounts.a", "accounts.other"))
    assert box.run("fetch", "other", env={"PILLARBOX_CONFIG": str(other)}).code == 0
    assert box.run("fetch", "other").code == 2


def test_settings_from_the_environment_and_the_command_line(box: Box) -> None:
    box.configure(f"{DEFAULTS}[accounts.a]\n{box.account}")
    box.deliver("one")
    env = {"PILLARBOX_DEFAULTS__KEEP": "true", "PILLARBOX_ACCOUNTS__A__TO": "maildir:Env"}
    assert box.run("fetch", env=env).code == 0
    assert subjects(box.home / "Env") == ["one"]
    assert box.on_server == ["one"]
    box.deliver("two")
    assert box.run("--set", "accounts.a.to=maildir:Set", "fetch", "--keep", env=env).code == 0
    assert subjects(box.home / "Set") == ["two"]


def test_the_server_ignores_the_accounts_and_fetch_ignores_the_server(box: Box) -> None:
    box.configure(
        f"[server]\nworkers = 'nonsense'\n{DEFAULTS}[accounts.a]\n{box.account}keep = true\n"
    )
    assert box.run("fetch", env={"PILLARBOX_SERVER__USER": "x"}).code == 0
    done = box.run("user", "list", env={"PILLARBOX_DEFAULTS__KEEP": "nonsense"})
    assert done.code == 2
    assert done.err.startswith(f"{box.home}/pillarbox.toml:2: server.workers:")
    assert done.err.count("\n") == 1


def test_one_password_on_standard_input_is_for_one_account(make_box: Make) -> None:
    box, other = make_box(), make_box()
    box.configure(f"{DEFAULTS}[accounts.a]\n{box.account}[accounts.b]\n{other.account}")
    done = box.run("fetch", "--password-stdin", text=f"{PASSWORD}\n")
    assert done.code == 2
    assert done.err == "pillarbox: --password-stdin gives one password: name one account with it\n"
    assert box.run("fetch", "a", "--password-stdin", text="wrong\n").code == 3


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (
            "[defaults]\nkep = true",
            2,
            "defaults.kep: there is no such setting; did you mean defaults.keep?",
        ),
        (
            "[accounts.a]\nurll = 'x'",
            2,
            "accounts.a.urll: there is no such setting; did you mean accounts.a.url?",
        ),
        (
            "[acounts.a]\nurl = 'x'",
            1,
            "acounts: there is no such section; did you mean [accounts]?",
        ),
        (
            "defaults = 1",
            1,
            "defaults: is a section, not a value; write [defaults] on a line of its own",
        ),
        ("[accounts]\na = 'x'", 2, "accounts.a: is an account, not a value; write [accounts.a]"),
        ("[accounts.a]\n", 1, "accounts.a: says nothing; give it at least a url"),
        ("[accounts.login]\nurl = 'pop3s://a@b'", 2, "no account can have the name"),
        ('[accounts."a/b"]\nurl = "pop3s://a@b"', 2, '"a/b" is no name for an account'),
        ("[defaults]\nurl = 'pop3s://a@b'", 2, "is no default: each account has its own"),
        ("[defaults]\nkeep = 'yes'", 2, 'defaults.keep: "yes" will not do; write true or false'),
        (
            "[defaults]\nkeep_days = 1.5",
            2,
            "defaults.keep_days: 1.5 will not do; write a whole number",
        ),
        (
            "[defaults]\nkeep = true\nkeep_days = 3",
            3,
            "defaults.keep_days: stands beside defaults.keep",
        ),
        ("[defaults]\nto = 'Mail'", 2, 'defaults.to: destination "Mail": it does not begin with'),
        ("[defaults]\nto = 1", 2, "defaults.to: 1 will not do; write a destination in quotes"),
        (
            "[defaults]\ntimeout = 0.5",
            2,
            "defaults.timeout: 0.5 will not do; write a number of seconds from 1",
        ),
        ("[defaults]\nmax_size = true", 2, "defaults.max_size: true will not do"),
        ("[defaults]\nca = 7", 2, "defaults.ca: 7 will not do; write a path in quotes"),
        ("[defaults]\nproxy = 'x'", 2, "defaults.proxy: the URL of the proxy"),
        ("[defaults]\npassword_command = ''", 2, "defaults.password_command: is an empty command"),
        (
            "[defaults]\noauth2 = 'google'",
            2,
            'defaults.oauth2: "google" will not do; write a table',
        ),
        (
            "[defaults]\noauth2 = { provide = 'x' }",
            2,
            '"provide" is not known in it; did you mean provider?',
        ),
        ("[defaults]\noauth2 = { client_id = 'x' }", 2, "it names no provider"),
        (
            "[defaults]\noauth2 = { provider = 'a', client_secret = 'b', client_secret_command = 'c' }",
            2,
            "one is enough",
        ),
        (
            "[accounts.a]\nurl = 'pop3s://a@b'",
            None,
            "accounts.a: has no to; say where its mail goes",
        ),
        ("[accounts.a]\nto = 'maildir:x'", None, "accounts.a: has no url"),
        ("[accounts.a]\nto = 'maildir:x'\nurl = 'x'", 3, 'accounts.a.url: the URL "x"'),
        ("[accounts.a]\n[accounts", 2, "is not TOML"),
        ("[server]\n", None, "has no account to fetch; add one: [accounts.NAME]"),
    ],
)
def test_a_fault_in_the_file(box: Box, text: str, line: int | None, says: str) -> None:
    file = box.configure(text)
    done = box.run("fetch")
    place = f"{file}:{line}: " if line else f"{file}: "
    assert (done.code, done.out) == (2, "")
    (found,) = [each for each in done.err.splitlines() if says in each]
    assert found.startswith(place)


def test_all_faults_are_shown_at_once(box: Box) -> None:
    file = box.configure("[defaults]\nkep = 1\n[accounts.a]\nkeep = 1\n[accounts.b]\nx = 1\n")
    done = box.run("fetch")
    assert [line.partition(": ")[0] for line in done.err.splitlines()][:3] == [
        f"{file}:2",
        f"{file}:4",
        f"{file}:6",
    ]


def test_an_unknown_account(box: Box) -> None:
    file = box.configure(f"{DEFAULTS}[accounts.work]\n{box.account}")
    done = box.run("fetch", "wrok")
    assert done == (
        2,
        "",
        f"{file}: accounts.wrok: there is no such account; did you mean work?\n",
    )


def test_without_a_file_it_is_said_where_one_was_looked_for(box: Box) -> None:
    done = box.run("fetch")
    assert done.code == 2
    assert done.err.startswith(
        "pillarbox: there is no configuration file (looked for pillarbox.toml"
    )
    assert "--to maildir:~/Mail" in done.err


def test_secrets_in_the_file_are_not_told(box: Box) -> None:
    box.configure(
        "[defaults]\noauth2 = { provider = 'x', client_secret = 12345 }\n"
        "proxy = 'socks5//alice:geheim@x'\n"
    )
    done = box.run("fetch")
    assert done.code == 2
    assert "12345" not in done.err
    assert "geheim" not in done.err


@pytest.mark.parametrize(
    ("arguments", "env", "says"),
    [
        (["--set", "defaults.kep=1"], {}, "--set: defaults.kep: there is no such setting"),
        (["--set", "accounts.keep=true"], {}, "--set: accounts.keep: names no account"),
        (["--set", "defaults.keep=maybe"], {}, '--set: defaults.keep: "maybe" will not do'),
        (["--set", "nonsense"], {}, '--set: "nonsense" sets nothing'),
        ([], {"PILLARBOX_DEFAULTS__KEEP": "2"}, "PILLARBOX_DEFAULTS__KEEP: defaults.keep: 2 will"),
        ([], {"PILLARBOX_DEFAULTS_KEEP": "true"}, "write PILLARBOX_DEFAULTS__KEEP"),
    ],
)
def test_a_fault_elsewhere(box: Box, arguments: list[str], env: dict[str, str], says: str) -> None:
    box.configure(f"{DEFAULTS}[accounts.a]\n{box.account}")
    done = box.run(*arguments, "fetch", env=env)
    assert done.code == 2
    assert says in done.err
    assert done.err.count("\n") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a stranger's file")
def test_root_runs_no_command_that_a_stranger_has_laid_there(box: Box) -> None:
    account = box.account.replace("cat ", "touch ran; cat ")
    file = box.configure(f"{DEFAULTS}[accounts.a]\n{account}")
    os.chown(file, pwd.getpwnam("nobody").pw_uid, -1)
    done = box.run("fetch")
    assert done.code == 2
    assert "root does not obey it unasked" in done.err
    assert not (box.home / "ran").exists()


def test_what_the_reader_collects_is_passed_over(box: Box) -> None:
    """A timer that fetches all accounts does not trip over those that were added on the reader's page."""
    box.deliver("one")
    box.configure(
        f'[accounts.mine]\nto = "maildir:Mail"\n{box.account}'
        f'[accounts.readers]\nto = "reader"\nurl = "pop3s://nobody@localhost:1"\n'
    )
    assert box.run("fetch").code == 0
    assert box.stored == ["one"]
    named = box.run("fetch", "readers")
    assert (named.code, "is collected by the reader" in named.err) == (2, True)
    assert "pillarbox read" in named.err


def test_only_accounts_of_the_reader(box: Box) -> None:
    box.configure(f'[accounts.readers]\nto = "reader"\n{box.account}')
    done = box.run("fetch")
    assert (done.code, "is collected by the reader" in done.err) == (2, True)
    box.deliver("one")
    assert box.run("fetch", "readers", "--to=maildir:Mail").code == 0
    assert box.stored == ["one"]


def test_a_password_in_a_file(box: Box) -> None:
    box.deliver("one")
    settings = "".join(
        line for line in box.account.splitlines(True) if not line.startswith("password_command")
    )
    box.configure(f'[accounts.a]\nto = "maildir:Mail"\n{settings}password_file = "password"\n')
    file = box.home / "password"
    file.chmod(0o644)
    done = box.run("fetch")
    assert (done.code, "can be read by others" in done.err) == (2, True)
    assert PASSWORD not in done.err
    file.chmod(0o600)
    assert box.run("fetch").code == 0
    assert box.stored == ["one"]
