"""Where refresh tokens are kept: never readable by others, never lost, never the older one."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from pillarbox.fetch.oauth.errors import TokensUnusable
from pillarbox.fetch.oauth.store import TokenStore
from pillarbox.fetch.oauth.token_file import TokenFile
from tests.fetch.memory import in_memory


class Desktop(KeyringBackend):
    """A keyring that can be locked, and forgets what it is told to forget."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False
        self.forgetful = False

    def get_password(self, service: str, username: str) -> str | None:
        self._look()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._look()
        if not self.forgetful:
            self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        raise NotImplementedError

    def _look(self) -> None:
        if self.locked:
            raise KeyringLocked("nobody is at the desktop")


@pytest.fixture
def desktop() -> Desktop:
    desktop = Desktop()
    keyring.set_keyring(desktop)
    return desktop


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_in_a_file_for_its_owner_alone(store: TokenStore, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        store.save("token-1")
    finally:
        os.umask(old)
    (file,) = files(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert file.name.startswith("work-")
    assert store.load() == "token-1"
    store.save("token-2")
    assert files(tmp_path) == [file], "nothing is left lying around"
    assert TokenStore("work", tmp_path).load() == "token-2"


def test_accounts_do_not_share(tmp_path: Path) -> None:
    names = ["a", "A", "a/b", "a_b", "../a", "", "é", "a" * 300, "a" * 301, ".", "\udcff"]
    for name in names:
        TokenStore(name, tmp_path / "state").save(f"token-{names.index(name)}")
    for name in names:
        assert TokenStore(name, tmp_path / "state").load() == f"token-{names.index(name)}"
    assert len(files(tmp_path / "state" / "oauth")) == len(files(tmp_path)) == len(names)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666, 0o601])
def test_what_others_can_read_is_not_used(store: TokenStore, tmp_path: Path, mode: int) -> None:
    store.save("token-1")
    (file,) = files(tmp_path)
    file.chmod(mode)
    with pytest.raises(
        TokensUnusable, match=f"{file}.* can be read by others.*chmod 600"
    ) as caught:
        store.load()
    assert "token-1" not in str(caught.value)
    store.save("token-2")  # a new sign-in mends it
    assert store.load() == "token-2"


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"two words\n", b"a\nb\n", b"\xff\n", b"\0", b"a" * 20_000, b"token\n\n"],
)
def test_a_damaged_file_is_said_to_be_one(
    store: TokenStore, tmp_path: Path, content: bytes
) -> None:
    store.save("token-1")
    files(tmp_path)[0].write_bytes(content)
    with pytest.raises(TokensUnusable, match="is damaged: remove it, and sign in again"):
        store.load()


def test_links_and_folders_are_no_files(store: TokenStore, tmp_path: Path) -> None:
    store.save("token-1")
    (file,) = files(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    with pytest.raises(TokensUnusable, match="cannot be read"):
        store.load()
    store.save("token-2")
    assert elsewhere.read_text() == "token-1\n", "a link is replaced, not followed"
    file.unlink()
    file.mkdir()
    with pytest.raises(TokensUnusable, match="is no regular file"):
        store.load()
    with pytest.raises(TokensUnusable, match="cannot be written"):
        store.save("token-3")
    assert [path for path in file.parent.iterdir() if path != file] == []


def test_another_users_file_is_not_ours(store: TokenStore, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    store.save("token-1")
    os.chown(files(tmp_path)[0], 12345, 12345)
    with pytest.raises(TokensUnusable, match="belongs to another user"):
        store.load()


def test_a_fifo_in_its_place_stops_nobody(store: TokenStore, tmp_path: Path) -> None:
    store.save("token-1")
    (file,) = files(tmp_path)
    file.unlink()
    os.mkfifo(file, 0o600)
    with pytest.raises(TokensUnusable, match="is no regular file"):
        store.load()


def test_a_write_that_fails_leaves_the_old_one(store: TokenStore, tmp_path: Path) -> None:
    store.save("token-1")
    (file,) = files(tmp_path)
    hidden = tmp_path / "hidden"
    file.parent.rename(hidden)
    file.parent.write_text("no folder")
    with pytest.raises(TokensUnusable, match="cannot be written"):
        store.save("token-2")
    file.parent.unlink()
    hidden.rename(file.parent)
    assert store.load() == "token-1"


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=5000))
def test_any_token_comes_back(tmp_path_factory: pytest.TempPathFactory, token: str) -> None:
    file = TokenFile(tmp_path_factory.mktemp("state"), "account")
    assert not file.exists()
    assert file.load() is None
    file.save(token)
    assert file.load() == token
    file.remove()
    assert file.load() is None
    file.remove()


def test_a_desktop_keeps_it_and_no_file_does(
    store: TokenStore, desktop: Desktop, tmp_path: Path
) -> None:
    store.save("token-1")
    assert desktop.kept == {("pillarbox-oauth2", "work"): "token-1"}
    assert files(tmp_path) == []
    assert store.load() == "token-1"


def test_what_a_locked_desktop_does_not_take_goes_to_a_file(
    store: TokenStore, desktop: Desktop, tmp_path: Path
) -> None:
    store.save("token-1")
    desktop.locked = True
    store.save("token-2")
    assert len(files(tmp_path)) == 1
    assert store.load() == "token-2"
    desktop.locked = False
    assert store.load() == "token-2", "what the desktop has is older"
    store.save("token-3")
    assert files(tmp_path) == []
    assert store.load() == "token-3"


def test_a_locked_desktop_is_not_nobody_has_signed_in(store: TokenStore, desktop: Desktop) -> None:
    assert store.load() is None
    store.save("token-1")
    desktop.locked = True
    with pytest.raises(
        TokensUnusable, match=r"keyring cannot be read \(KeyringLocked\): unlock it"
    ):
        store.load()


def test_a_desktop_that_forgets_is_not_trusted(
    store: TokenStore, desktop: Desktop, tmp_path: Path
) -> None:
    desktop.forgetful = True
    store.save("token-1")
    assert len(files(tmp_path)) == 1
    assert store.load() == "token-1"


class Power(BaseException):
    """It has gone. Nothing handles that."""


class Keeping(RuleBasedStateMachine):
    """Whatever the desktop does, and whenever a save dies: the newest that was kept counts, or
    the one that was being kept."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory(dir=in_memory())
        self.desktop = Desktop()
        keyring.set_keyring(self.desktop)
        self.possible: set[str | None] = {None}
        self.number = 0

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def store(self) -> TokenStore:
        return TokenStore("work", Path(self.folder.name))

    def next_token(self) -> str:
        self.number += 1
        return f"token-{self.number}"

    @rule()
    def save(self) -> None:
        token = self.next_token()
        self.store().save(token)
        self.possible = {token}

    @rule(step=st.sampled_from(["replace", "set_password", "unlink"]), after=st.booleans())
    def save_and_die(self, step: str, after: bool) -> None:
        """At the first rename, at the keyring, or at the removal of the file."""
        token = self.next_token()
        owner = Desktop if step == "set_password" else Path
        with pytest.MonkeyPatch.context() as patch:
            real = getattr(owner, step)

            def dying(*args: object, **kwargs: object) -> None:
                if after:
                    real(*args, **kwargs)
                raise Power

            patch.setattr(owner, step, dying)
            try:
                self.store().save(token)
            except Power:
                self.possible.add(token)
            else:
                self.possible = {token}

    @rule(locked=st.booleans())
    def lock(self, locked: bool) -> None:
        self.desktop.locked = locked

    @invariant()
    def the_newest_counts(self) -> None:
        if not hasattr(self, "folder") or self.desktop.locked:
            return
        found = self.store().load()
        assert found in self.possible
        self.possible = {found}


TestKeeping = Keeping.TestCase
