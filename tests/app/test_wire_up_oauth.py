"""The checker of tokens, made from a configuration; and what `check-config` says of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pillarbox.app.config import Config, ConfigError, load
from pillarbox.app.wire_up_oauth import MAX_SECRET_OCTETS, oauth_settings, token_checker
from pillarbox.auth.oauth.settings import OAuthSettings
from tests.auth.oauth.craft import RSA, jwk, key_set


def configured(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "p.toml"
    file.write_text(f"[auth.oauth]\n{text}")
    return load(file, environ={})


ASKS = """
introspection = "https://id.example.org/ask"
client_id = "pop3"
client_secret_file = "secret"
scopes = ["pop"]
"""
SIGNED = """
issuer = "https://id.example.org"
audience = ["pop3"]
jwks = "keys.json"
"""


def faults(config: Config) -> str:
    with pytest.raises(ConfigError) as caught:
        token_checker(config)
    return str(caught.value)


def test_no_checker_for_who_takes_no_tokens(tmp_path: Path) -> None:
    assert token_checker(configured(tmp_path, "")) is None


def test_by_introspection(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("  s3cret \nfor the pop3 server\n")
    config = configured(tmp_path, ASKS)
    assert oauth_settings(config) == OAuthSettings(
        introspection="https://id.example.org/ask",
        client_id="pop3",
        client_secret="s3cret",
        scopes=("pop",),
    )
    checker = token_checker(config)
    assert checker is not None
    assert checker.advice.scope == "pop"


def test_by_keys_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_bytes(key_set(jwk(RSA)))
    assert token_checker(configured(tmp_path, SIGNED)) is not None


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"  \nsecret\n", b"\xff\xfe", "schlüssel".encode(), b"a\tb", b"\x1b[0m", None],
)
def test_a_secret_that_is_none(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    found = faults(configured(tmp_path, ASKS))
    assert "auth.oauth.client_secret_file" in found
    assert ("has no secret" if content is not None else "No such file") in found


def test_a_secret_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"x" * 1_000_000)
    assert len(oauth_settings(configured(tmp_path, ASKS)).client_secret) <= MAX_SECRET_OCTETS


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "keys.json cannot be read: No such file or directory"),
        (b"", "keys.json is not JSON; it should be what stands at the jwks_uri"),
        (json.dumps(jwk(RSA)).encode(), 'has no list "keys"'),
        (key_set({"kty": "oct", "k": "AA"}), "no public key"),
    ],
)
def test_check_config_says_what_is_wrong_with_the_keys(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / "keys.json").write_bytes(content)
    config = configured(tmp_path, SIGNED)
    assert says in faults(config)
    run = [sys.executable, "-m", "pillarbox", "--config", str(config.file)]
    run += [
        "--set",
        "listen.pop3s=",
        "--set",
        "listen.pop3=127.0.0.1:0",
        "--set",
        "server.user=root",
    ]
    done = subprocess.run([*run, "check-config"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert says in done.stderr


@pytest.mark.parametrize("missing", ["joserfc", "httpx"])
def test_the_extra_is_named_when_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    (tmp_path / "keys.json").write_bytes(key_set(jwk(RSA)))
    for name in [
        name for name in sys.modules if name.startswith(("pillarbox.auth.oauth.", missing))
    ]:
        if name != "pillarbox.auth.oauth.settings":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    found = faults(configured(tmp_path, SIGNED))
    assert f"needs libraries that are not installed ({missing})" in found
    assert 'pip install "pillarbox[oauth]"' in found


def test_who_takes_no_tokens_imports_nothing_for_them() -> None:
    program = (
        "import sys, pillarbox.app.worker, pillarbox.app.supervisor_setup as s\n"
        "from pillarbox.app.config import load\n"
        "from pillarbox.app.wire_up_oauth import token_checker\n"
        "assert token_checker(load(environ={'PILLARBOX_CONFIG': '/dev/null'})) is None\n"
        "assert not {'joserfc', 'httpx'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
