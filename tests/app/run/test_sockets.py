"""Listening sockets: who may share an address, what is inherited, what an operator is told."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pillarbox.app.config import Address, Config, ConfigError, parse_address
from pillarbox.app.config.settings import Listen
from pillarbox.app.sockets import Listener, close_listeners, open_listeners
from tests.ports import free_port


def config(tmp_path: Path, **doors: list[str]) -> Config:
    every: dict[str, tuple[Address, ...]] = dict.fromkeys(
        ("pop3s", "pop3", "lmtp", "smtp", "http"), ()
    )
    chosen: dict[str, tuple[Address, ...]] = {
        door: tuple(parse_address(text, base=tmp_path) for text in texts)
        for door, texts in doors.items()
    }
    listen = msgspec.structs.replace(Listen(), **{**every, **chosen})
    return Config(listen=listen, file=tmp_path / "pillarbox.toml")


def with_mode(config: Config, mode: str) -> Config:
    listen = msgspec.structs.replace(config.listen, socket_mode=mode)
    return msgspec.structs.replace(config, listen=listen)


@contextlib.contextmanager
def opened(
    config: Config, workers: int = 2, before: Sequence[Listener] = ()
) -> Iterator[tuple[Listener, ...]]:
    listeners = open_listeners(config, workers, before)
    try:
        yield listeners
    finally:
        close_listeners(listeners)


def connects(family: socket.AddressFamily, address: Any) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as client:
        return client.connect_ex(address) == 0


def faults(config: Config) -> str:
    with pytest.raises(ConfigError) as caught:
        close_listeners(open_listeners(config, 2))
    return str(caught.value)


@pytest.fixture
def port() -> int:
    return free_port()


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


def test_every_worker_has_a_socket_at_the_same_port(tmp_path: Path) -> None:
    with opened(config(tmp_path, pop3=["127.0.0.1:0"]), workers=3) as (listener,):
        names = {sock.getsockname() for sock in listener.sockets}
        assert len(names) == 1
        assert len(listener.sockets) == (3 if sys.platform == "linux" else 1)
        assert listener.name == f"127.0.0.1:{next(iter(names))[1]}"
        assert connects(socket.AF_INET, next(iter(names)))


def test_doors_on_port_0_get_ports_of_their_own(tmp_path: Path) -> None:
    wanted = config(tmp_path, pop3=["127.0.0.1:0", "127.0.0.1:0"], smtp=["127.0.0.1:0"])
    with opened(wanted) as listeners:
        assert len({listener.name for listener in listeners}) == 3


@needs_ipv6
def test_all_interfaces_means_ipv4_too(tmp_path: Path) -> None:
    with opened(config(tmp_path, pop3=["[::]:0"])) as (listener,):
        port = listener.sockets[0].getsockname()[1]
        assert connects(socket.AF_INET, ("127.0.0.1", port))
        assert connects(socket.AF_INET6, ("::1", port))


@needs_ipv6
def test_both_wildcards_stand_side_by_side(tmp_path: Path, port: int) -> None:
    both = config(tmp_path, pop3=[f"[::]:{port}", f"0.0.0.0:{port}"])
    with opened(both) as listeners:
        assert len(listeners) == 2
        assert connects(socket.AF_INET, ("127.0.0.1", port))
        assert connects(socket.AF_INET6, ("::1", port))


def test_a_port_in_use_is_explained(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        text = faults(config(tmp_path, pop3s=[f"127.0.0.1:{port}"]))
    assert "listen.pop3s" in text
    assert f"127.0.0.1:{port}" in text
    assert "another program" in text
    assert "ss -ltnp" in text


def test_a_second_pillarbox_does_not_join_in(tmp_path: Path, port: int) -> None:
    """SO_REUSEPORT alone would let it take half the connections without a word."""
    wanted = config(tmp_path, pop3=[f"127.0.0.1:{port}"])
    with opened(wanted):
        assert "another program" in faults(wanted)


def test_every_fault_is_shown_and_nothing_stays_open(tmp_path: Path, port: int) -> None:
    wanted = config(
        tmp_path,
        pop3=[f"127.0.0.1:{port}"],
        smtp=["192.0.2.1:0"],
        lmtp=["no-such-name.invalid:24"],
    )
    text = faults(wanted)
    assert "listen.smtp: cannot listen on 192.0.2.1:0: this machine has no such address" in text
    assert "listen.lmtp: cannot listen on no-such-name.invalid:24: the name is not found" in text
    assert not connects(socket.AF_INET, ("127.0.0.1", port))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may bind any port")
def test_a_low_port_is_explained(tmp_path: Path) -> None:
    assert "below 1024" in faults(config(tmp_path, pop3=["127.0.0.1:110"]))


def test_a_socket_file_is_made_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "run" / "lmtp"
    with opened(config(tmp_path, lmtp=[f"unix:{path}"])) as (listener,):
        assert listener.name == f"unix:{path}"
        assert connects(socket.AF_UNIX, str(path))
        assert path.stat().st_mode & 0o777 == 0o666
        assert [found.name for found in path.parent.iterdir()] == ["lmtp"]
    assert not path.exists()


@pytest.mark.parametrize("mode", ["0600", "0660", "0666"])
def test_a_socket_file_has_the_mode_that_was_asked_for(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "lmtp"
    modes: list[int] = []
    rename = Path.replace

    def watched(beside: Path, final: Path) -> Path:
        modes.append(beside.stat().st_mode & 0o777)  # nobody finds it before that
        return rename(beside, final)

    wanted = with_mode(config(tmp_path, lmtp=[f"unix:{path}"]), mode)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", watched)
        with opened(wanted):
            assert modes == [path.stat().st_mode & 0o777] == [int(mode, 8)]


def test_a_reload_may_change_the_mode_of_a_socket_file(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    wide = config(tmp_path, lmtp=[f"unix:{path}"])
    before = open_listeners(wide, 1)
    broken = with_mode(config(tmp_path, lmtp=[f"unix:{path}"], smtp=["192.0.2.1:0"]), "0600")
    with pytest.raises(ConfigError):
        open_listeners(broken, 1, before)
    assert path.stat().st_mode & 0o777 == 0o666, "a reload that fails changes nothing"
    with opened(with_mode(wide, "0600"), 1, before) as (after,):
        assert after.sockets == before[0].sockets
        assert path.stat().st_mode & 0o777 == 0o600
        path.unlink()
        open_listeners(wide, 1, [after])  # a file that is gone is no reason to fail


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_mode_that_cannot_be_set_refuses_a_reload(tmp_path: Path) -> None:
    """The supervisor must not end by it: the old configuration goes on."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lmtp"
        wide = config(tmp_path, lmtp=[f"unix:{path}"])
        with opened(wide, 1) as before:
            Path(folder).chmod(0o755)
            os.seteuid(65534)
            try:
                open_listeners(wide, 1, before)  # it has that mode
                text = reload_faults(with_mode(wide, "0600"), before)
            finally:
                os.seteuid(0)
            assert f"listen.socket_mode: cannot give the socket {path} mode 0600" in text
            assert connects(socket.AF_UNIX, str(path))


def reload_faults(config: Config, before: Sequence[Listener]) -> str:
    with pytest.raises(ConfigError) as caught:
        open_listeners(config, 1, before)
    return str(caught.value)


def test_a_stale_socket_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with opened(config(tmp_path, lmtp=["unix:lmtp"])):
        assert connects(socket.AF_UNIX, str(path))


def test_a_socket_file_in_use_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        text = faults(config(tmp_path, lmtp=["unix:lmtp"]))
        assert connects(socket.AF_UNIX, str(path))
    assert "listen.lmtp" in text
    assert "another program" in text


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    path.write_text("my thesis")
    assert "no socket" in faults(config(tmp_path, lmtp=["unix:lmtp"]))
    assert path.read_text() == "my thesis"


def test_a_file_that_another_server_made_since_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    listeners = open_listeners(config(tmp_path, lmtp=["unix:lmtp"]), 1)
    path.unlink()
    with socket.socket(socket.AF_UNIX) as successor:
        successor.bind(str(path))
        close_listeners(listeners)
        assert path.exists()


def test_a_reload_keeps_the_sockets_of_places_that_stay(tmp_path: Path, port: int) -> None:
    first = config(tmp_path, pop3=[f"127.0.0.1:{port}"], smtp=["127.0.0.1:0"], lmtp=["unix:a"])
    second = config(tmp_path, pop3=[f"127.0.0.1:{port}"], smtp=["127.0.0.1:0"])
    before = open_listeners(first, 2)
    with opened(second, 2, before) as after:
        by_door = {listener.door: listener for listener in before}
        for listener in after:
            assert listener.sockets == by_door[listener.door].sockets
        close_listeners(before, keep=after)
        assert not (tmp_path / "a").exists()
        assert connects(socket.AF_INET, ("127.0.0.1", port))


def test_a_reload_may_give_a_place_to_another_door(tmp_path: Path, port: int) -> None:
    before = open_listeners(config(tmp_path, pop3=[f"127.0.0.1:{port}"]), 2)
    with opened(config(tmp_path, lmtp=[f"127.0.0.1:{port}"]), 2, before) as (after,):
        assert after.door == "lmtp"
        assert after.sockets == before[0].sockets


@pytest.mark.skipif(sys.platform != "linux", reason="one socket a worker is Linux's")
def test_a_reload_may_change_the_number_of_workers(tmp_path: Path) -> None:
    wanted = config(tmp_path, pop3=["127.0.0.1:0"])
    two = open_listeners(wanted, 2)
    four = open_listeners(wanted, 4, two)
    assert four[0].sockets[:2] == two[0].sockets
    assert len({sock.getsockname() for sock in four[0].sockets}) == 1
    one = open_listeners(wanted, 1, four)
    close_listeners(four, keep=one)
    assert one[0].sockets[0].fileno() > 0
    assert four[0].sockets[3].fileno() == -1
    close_listeners(one)


def test_a_reload_that_fails_leaves_the_old_sockets_open(tmp_path: Path) -> None:
    before = open_listeners(config(tmp_path, pop3=["127.0.0.1:0"]), 2)
    with pytest.raises(ConfigError):
        open_listeners(config(tmp_path, pop3=["127.0.0.1:0"], smtp=["192.0.2.1:25"]), 2, before)
    assert connects(socket.AF_INET, before[0].sockets[0].getsockname())
    close_listeners(before)
