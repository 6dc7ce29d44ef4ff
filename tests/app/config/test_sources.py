"""Which source wins, which file is read, and what relative paths start from."""

import os
import ssl
from pathlib import Path

import pytest

from pillarbox.app.config import (
    ConfigError,
    TcpAddress,
    UnixAddress,
    load,
    reload,
    sections,
    sources,
)
from pillarbox.app.config.settings import SECTIONS, usual_mechanisms


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, ...]:
    """No file of this machine is found by chance."""
    places = (tmp_path / "cwd", tmp_path / "user", tmp_path / "etc")
    for place in places:
        place.mkdir()
    monkeypatch.chdir(places[0])
    here, *others = sources.usual_places()
    assert here == Path("pillarbox.toml")
    assert all(path.is_absolute() for path in others)
    away = [place / "pillarbox.toml" for place in places[1:]]
    monkeypatch.setattr(sources, "usual_places", lambda: (here, *away))
    return places


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_without_any_source_everything_has_a_default() -> None:
    config = load(environ={})
    assert config.file is None
    assert config.listen.pop3s == (TcpAddress("::", 995),)
    assert config.listen.pop3 == (TcpAddress("::", 110),)
    assert config.listen.lmtp == (UnixAddress(Path("/run/pillarbox/lmtp")),)
    assert config.listen.smtp == ()
    assert config.listen.http == (TcpAddress("127.0.0.1", 8110),)
    assert config.store.path == Path("/var/lib/pillarbox")
    assert config.server.workers >= 1
    assert config.auth.mechanisms == usual_mechanisms()
    assert config.delivery.max_message_octets == 52428800
    assert config.limits.idle_timeout == 600
    assert config.delivery.domains == (config.server.hostname,)
    assert config.warnings == ()


def test_the_stronger_source_wins(tmp_path: Path) -> None:
    file = write(
        tmp_path / "p.toml",
        "[limits]\nconnections = 1\nlogin_timeout = 1\nlogin_delay = 1\n",
    )
    environ = {"PILLARBOX_LIMITS__LOGIN_TIMEOUT": "2", "PILLARBOX_LIMITS__LOGIN_DELAY": "2"}
    limits = load(file, ["limits.login_delay=3"], environ).limits
    assert (limits.connections, limits.login_timeout, limits.login_delay) == (1, 2, 3)
    assert limits.idle_timeout == 600


def test_the_last_of_several_overrides_counts() -> None:
    assert load(None, ["server.workers=1", "server.workers=2"], {}).server.workers == 2


def test_the_named_file_is_stronger_than_the_environments(tmp_path: Path) -> None:
    named = write(tmp_path / "a.toml", "[server]\nworkers = 1")
    other = write(tmp_path / "b.toml", "[server]\nworkers = 2")
    environ = {"PILLARBOX_CONFIG": str(other)}
    assert load(named, (), environ).server.workers == 1
    assert load(None, (), environ).server.workers == 2


def test_files_are_looked_for_in_order(nowhere: tuple[Path, ...]) -> None:
    for number, place in reversed(list(enumerate(nowhere, 1))):
        write(place / "pillarbox.toml", f"[server]\nworkers = {number}")
        config = load(environ={})
        assert config.server.workers == number
        assert config.file == place / "pillarbox.toml"


def test_a_usual_file_that_exists_must_be_readable(nowhere: tuple[Path, ...]) -> None:
    (nowhere[0] / "pillarbox.toml").mkdir()
    with pytest.raises(ConfigError, match="Is a directory"):
        load(environ={})


def test_relative_paths_in_the_file_start_from_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "conf"
    folder.mkdir()
    file = write(
        folder / "p.toml",
        "[store]\npath = 'store'\n[tls]\ncertificate = '../cert.pem'\n[listen]\nlmtp = ['unix:lmtp']",
    )
    config = load(file, environ={})
    assert config.store.path == folder / "store"
    assert config.tls.certificate == folder / "../cert.pem"
    assert config.listen.lmtp == (UnixAddress(folder / "lmtp"),)


def test_other_relative_paths_start_from_the_working_directory(tmp_path: Path) -> None:
    environ = {"PILLARBOX_STORE__PATH": "store"}
    config = load(None, ["listen.lmtp=unix:lmtp"], environ)
    assert config.store.path == Path.cwd() / "store"
    assert config.listen.lmtp == (UnixAddress(Path.cwd() / "lmtp"),)


def test_a_relative_configuration_file_is_remembered_absolute(nowhere: tuple[Path, ...]) -> None:
    write(nowhere[0] / "mine.toml", "")
    assert load(Path("mine.toml"), environ={}).file == nowhere[0] / "mine.toml"


def test_the_home_folder_can_be_written_as_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/alice")
    assert load(None, ["store.path=~/mail"], {}).store.path == Path("/home/alice/mail")


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("server.hostname=mail.example.org", "server", "hostname", "mail.example.org"),
        ('server.hostname="mail.example.org"', "server", "hostname", "mail.example.org"),
        ("auth.apop=true", "auth", "apop", True),
        ("server.workers=0x2", "server", "workers", 2),
        ("limits.stop_grace=1.5", "limits", "stop_grace", 1.5),
        ("delivery.domains=a.org,b.org", "delivery", "domains", ("a.org", "b.org")),
        ('delivery.domains=["a.org", "b.org"]', "delivery", "domains", ("a.org", "b.org")),
        ("listen.smtp=", "listen", "smtp", ()),
        ("listen.smtp=[]", "listen", "smtp", ()),
        ("listen.smtp=[::1]:25", "listen", "smtp", (TcpAddress("::1", 25),)),
        ('listen.smtp=["[::1]:25"]', "listen", "smtp", (TcpAddress("::1", 25),)),
        ("tls.minimum=1.3", "tls", "minimum", "1.3"),
        ("auth.mechanisms=", "auth", "mechanisms", ()),
        (" server.user = mail ", "server", "user", "mail"),
    ],
)
def test_quotes_can_be_left_out_where_everything_is_a_text(
    override: str, section: str, key: str, value: object
) -> None:
    assert getattr(getattr(load(None, [override], {}), section), key) == value


def test_variables_that_are_not_settings_are_left_alone() -> None:
    load(environ={"PILLARBOX_DEBUG": "1", "PILLARBOXES": "x", "HOME": "/"})


def test_domains_are_kept_in_lower_case(tmp_path: Path) -> None:
    file = write(tmp_path / "p.toml", "[delivery]\ndomains = ['Example.ORG']")
    assert load(file, environ={}).delivery.domains == ("example.org",)


def test_reload_reads_the_same_sources_again(tmp_path: Path) -> None:
    file = write(tmp_path / "p.toml", "[limits]\nconnections = 1\nlogin_delay = 1")
    before = load(file, ["limits.login_delay=9"], {})
    write(file, "[limits]\nconnections = 2\nlogin_delay = 2")
    after = reload(before, {}, serving=False)
    assert (after.limits.connections, after.limits.login_delay) == (2, 9)
    assert (after.file, after.overrides) == (before.file, before.overrides)


def test_reload_with_a_fault_leaves_the_old_configuration_alone(tmp_path: Path) -> None:
    file = write(tmp_path / "p.toml", "[limits]\nconnections = 1")
    before = load(file, environ={})
    write(file, "[limits]\nconnections = 0")
    with pytest.raises(ConfigError):
        reload(before, {}, serving=False)
    assert before.limits.connections == 1


def test_the_default_host_name_is_one_whatever_the_machine_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, expected in [
        ("Mail.Example.ORG.", "mail.example.org"),
        ("box", "box"),
        ("", "localhost"),
        ("a b", "localhost"),
        ("127.0.0.1", "localhost"),
    ]:
        monkeypatch.setattr("socket.gethostname", lambda name=name: name)
        assert load(environ={}).server.hostname == expected


def test_there_are_no_more_workers_than_processors_by_default() -> None:
    assert load(environ={}).server.workers <= (os.cpu_count() or 1)


STRANGER = 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a stranger's file")


@pytest.fixture
def met(nowhere: tuple[Path, ...]) -> Path:
    """A file in the current folder."""
    return write(nowhere[0] / "pillarbox.toml", "[server]\nworkers = 3")


@as_root
def test_root_does_not_obey_a_strangers_file_that_it_comes_upon(met: Path) -> None:
    os.chown(met, STRANGER, 0)
    with pytest.raises(ConfigError) as caught:
        load(environ={})
    (fault,) = caught.value.faults
    assert fault.place == str(met)
    assert "belongs to nobody: root does not obey it unasked" in fault.problem
    assert f"--config {met}" in fault.hint


@as_root
def test_root_obeys_a_strangers_file_that_is_named(met: Path) -> None:
    os.chown(met, STRANGER, 0)
    assert load(met, environ={}).server.workers == 3
    assert load(environ={"PILLARBOX_CONFIG": str(met)}).server.workers == 3
    assert load(Path("pillarbox.toml"), environ={}).server.workers == 3


@as_root
@pytest.mark.parametrize(
    ("mode", "group", "refused"),
    [
        (0o644, 0, ""),
        (0o664, 0, ""),
        (0o664, STRANGER, "a group of others"),
        (0o646, 0, "everybody"),
    ],
)
def test_root_does_not_obey_what_others_may_write(
    met: Path, mode: int, group: int, refused: str
) -> None:
    os.chown(met, 0, group)
    met.chmod(mode)
    if refused:
        with pytest.raises(ConfigError, match=refused):
            load(environ={})
    else:
        assert load(environ={}).server.workers == 3


@as_root
def test_who_called_sudo_is_no_stranger(met: Path) -> None:
    os.chown(met, STRANGER, STRANGER)
    met.chmod(0o664)
    environ = {"SUDO_UID": str(STRANGER), "SUDO_GID": str(STRANGER)}
    assert load(environ=environ).server.workers == 3
    with pytest.raises(ConfigError, match="belongs to nobody"):
        load(environ={"SUDO_UID": "1000"})


@as_root
def test_a_reload_asks_again_whose_the_file_is(met: Path) -> None:
    before = load(environ={})
    os.chown(met, STRANGER, 0)
    with pytest.raises(ConfigError, match="belongs to nobody"):
        reload(before, {}, serving=False)


@as_root
def test_a_reload_obeys_what_was_named(met: Path) -> None:
    os.chown(met, STRANGER, 0)
    assert reload(load(met, environ={}), {}, serving=False).server.workers == 3


@as_root
def test_a_strangers_pipe_does_not_hold_root_up(nowhere: tuple[Path, ...]) -> None:
    pipe = nowhere[0] / "pillarbox.toml"
    os.mkfifo(pipe)
    os.chown(pipe, STRANGER, 0)
    with pytest.raises(ConfigError, match="belongs to nobody"):
        load(environ={})


def test_others_than_root_obey_what_they_find(met: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    met.chmod(0o666)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert load(environ={}).server.workers == 3


def test_the_lists_of_sections_agree() -> None:
    """The quick lists, for who must not import the settings, and the settings themselves."""
    quick = (*sections.SERVER_SECTIONS, *sections.SUBSECTIONS)
    assert sorted(quick) == sorted(SECTIONS)
    assert all((name in sections.SUBSECTIONS) is ("." in name) for name in quick)


def test_plus_is_usual_only_where_the_channel_is_bound_as_clients_expect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Under TLS 1.3 clients bind by tls-exporter (RFC 9266); one that could not would be locked out."""
    common = {"PLAIN", "LOGIN", "SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2"}
    monkeypatch.setattr(ssl, "CHANNEL_BINDING_TYPES", ["tls-unique"])
    assert set(usual_mechanisms()) == common
    monkeypatch.setattr(ssl, "CHANNEL_BINDING_TYPES", ["tls-unique", "tls-exporter"])
    assert set(load(environ={}).auth.mechanisms) == {*common, "SCRAM-SHA-256-PLUS"}
