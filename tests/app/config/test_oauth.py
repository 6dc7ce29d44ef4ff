"""``[auth.oauth]``: settings that fit together, and those that do not."""

from pathlib import Path
from typing import get_args

import pytest

from pillarbox.app.config import ConfigError, load
from pillarbox.app.config.key_place import KeysAtUrl, KeysInFile
from pillarbox.app.config.settings import OAuth
from pillarbox.auth.oauth.settings import ALGORITHMS, Signature

ISSUER = 'issuer = "https://id.example.org"\n'
JWT = ISSUER + 'audience = ["pop3"]\n'
ASKS = 'introspection = "https://id.example.org/ask"\nclient_secret_file = "secret"\n'


def read(tmp_path: Path, text: str) -> OAuth:
    file = tmp_path / "p.toml"
    file.write_text(f"[auth.oauth]\n{text}")
    return load(file, environ={}).auth_oauth


def faults(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    return str(caught.value)


def test_nothing_is_asked_of_who_takes_no_tokens(tmp_path: Path) -> None:
    assert not read(tmp_path, "").wanted


@pytest.mark.parametrize(
    "text",
    [
        JWT,
        JWT + 'jwks = "keys.json"\n',
        JWT + 'jwks = "https://id.example.org/keys"\n',
        JWT + 'jwks = "http://127.0.0.1:8080/keys"\n',
        # With keys of its own an issuer needs to be no URL (RFC 7519, section 4.1.1).
        'issuer = "joe"\naudience = ["pop3"]\njwks = "keys.json"\n',
        ASKS,
        ISSUER + ASKS + 'client_id = "pop3"\naudience = ["pop3"]\n',
        JWT + 'scopes = ["openid", "https://mail.google.com/"]\nalgorithms = ["ES256"]\n',
    ],
)
def test_what_fits_together(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).wanted


def test_keys_are_in_a_file_or_at_a_url(tmp_path: Path) -> None:
    for text, place in (
        ("keys.json", KeysInFile(tmp_path / "keys.json")),
        ("/etc/keys.json", KeysInFile(Path("/etc/keys.json"))),
        ("https://id.example.org/keys", KeysAtUrl("https://id.example.org/keys")),
    ):
        assert read(tmp_path, f'{JWT}jwks = "{text}"\n').jwks == place
        assert str(place).endswith(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ISSUER, "auth.oauth.audience: is missing"),
        ('audience = ["pop3"]\n', "p.toml:2: auth.oauth.audience: says nothing without an issuer; set auth.oauth.issuer"),
        ('jwks = "keys.json"\n', "auth.oauth.jwks: says nothing without an issuer"),
        ('scopes = ["a"]\n', "auth.oauth.scopes: says nothing"),
        (JWT.replace("https:", "http:"), "without TLS: it has to be https"),
        ('issuer = "joe"\naudience = ["pop3"]\n', "auth.oauth.issuer: 'joe/.well-known"),
        (JWT + 'jwks = "http://id.example.org/keys"\n', "p.toml:4: auth.oauth.jwks: "),
        (JWT + 'jwks = "ftp://localhost/keys"\n', "it has to be https"),
        (JWT + 'jwks = ""\n', "neither a path nor a URL"),
        (JWT + "jwks = 7\n", "write a path or a URL in quotes"),
        (JWT + 'client_id = "pop3"\n', "auth.oauth.client_id: is used with auth.oauth.introspection only"),
        (JWT + "algorithms = []\n", "auth.oauth.algorithms: is empty"),
        (JWT + 'algorithms = ["HS256"]\n', '"HS256" is not known here; did you mean "RS256"?'),
        (JWT + 'algorithms = ["none"]\n', '["none"] will not do'),
        (JWT + 'scopes = ["openid email"]\n', 'auth.oauth.scopes: "openid email" is not one name; write a list'),
        (JWT + 'audience = "pop3"\n'.replace("audience", "scopes"), '"pop3" will not do'),
        (JWT + 'user_claim = ""\n', "auth.oauth.user_claim: is empty"),
        (ISSUER + ASKS.replace("https:", "http:"), "auth.oauth.introspection: "),
        ('introspection = "https://id.example.org/ask"\n', "asks nobody without a secret"),
        (ASKS + 'jwks = "keys.json"\n', "auth.oauth.jwks: is not used when"),
        (JWT + 'isuer = "x"\n', "did you mean auth.oauth.issuer?"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together(tmp_path: Path, text: str, says: str) -> None:
    assert says in faults(tmp_path, text)


@pytest.mark.parametrize("key", ["issuer", "jwks", "introspection"])
def test_a_password_in_a_url_is_refused_and_not_repeated(tmp_path: Path, key: str) -> None:
    """A fault is shown to whoever runs a command, and logged at a reload."""
    text = {"issuer": "", "jwks": JWT, "introspection": 'client_secret_file = "secret"\n'}[key]
    text += 'audience = ["pop3"]\n' if key == "issuer" else ""
    said = faults(tmp_path, f'{text}{key} = "https://pillarbox:tanstaaf@id.example.org/"\n')
    assert "with a user or a password in it" in said
    assert "id.example.org" in said
    assert "tanstaaf" not in said


def test_tokens_for_anything_are_worth_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    for more, warned in (("", True), ('scopes = ["pop"]\n', False), ('audience = ["a"]\n', False)):
        file.write_text(f"[auth.oauth]\n{ASKS}{more}")
        found = [warning.setting for warning in load(file, environ={}).warnings]
        assert ("auth.oauth.introspection" in found) == warned


def test_command_line_and_environment_reach_it() -> None:
    some = load(
        None,
        ["auth.oauth.issuer=https://id.example.org", "auth.oauth.audience=a,b"],
        {"PILLARBOX_AUTH__OAUTH__USER_CLAIM": "sub"},
    ).auth_oauth
    assert (some.issuer, some.audience, some.user_claim) == (
        "https://id.example.org",
        ("a", "b"),
        "sub",
    )


def test_the_names_of_signatures_are_those_that_can_be_checked(tmp_path: Path) -> None:
    assert get_args(Signature) == ALGORITHMS
    assert read(tmp_path, f"{JWT}algorithms = {list(ALGORITHMS)}\n").algorithms == ALGORITHMS
