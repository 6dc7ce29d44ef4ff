"""Building the checker of OAuth 2 tokens from a configuration.

It is made before the workers are forked: the secret may be root's to read, and so may the
libraries. It opens nothing before it is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pillarbox.app.config.faults import ConfigError, Fault
from pillarbox.app.config.key_place import KeysAtUrl, KeysInFile
from pillarbox.app.config.settings import Config
from pillarbox.auth.oauth.settings import OAuthSettings

if TYPE_CHECKING:  # what it imports is in an extra
    from pillarbox.auth.oauth.checker import OAuthChecker

MAX_SECRET_OCTETS = 4096
"""Far more than any secret; a wrong file must not fill the memory."""


def token_checker(config: Config) -> OAuthChecker | None:
    """Who checks tokens; None: nobody, ``[auth.oauth]`` does not ask for it.

    Raises:
        ConfigError: the extra is not installed, or the file of the keys or the secret is no good.
    """
    if not config.auth_oauth.wanted:
        return None
    try:
        from pillarbox.auth.oauth.checker import OAuthChecker  # noqa: PLC0415 -- see above
    except ImportError as error:
        problem = f"needs libraries that are not installed ({str(error.name).partition('.')[0]})"
        raise _fault(config, "", problem, 'pip install "pillarbox[oauth]"') from error
    settings = oauth_settings(config)
    _look_at_keys(config, settings.jwks_file)
    return OAuthChecker(settings)


def oauth_settings(config: Config) -> OAuthSettings:
    """The same without the checker, with the secret.

    Raises:
        ConfigError: the secret cannot be read.
    """
    oauth = config.auth_oauth
    return OAuthSettings(
        issuer=oauth.issuer or "",
        audience=oauth.audience,
        jwks_file=oauth.jwks.path if isinstance(oauth.jwks, KeysInFile) else None,
        jwks_url=oauth.jwks.url if isinstance(oauth.jwks, KeysAtUrl) else "",
        introspection=oauth.introspection or "",
        client_id=oauth.client_id or "",
        client_secret=_secret(config),
        user_claim=oauth.user_claim or "",
        scopes=oauth.scopes,
        algorithms=oauth.algorithms,
    )


def _secret(config: Config) -> str:
    """The first line of the file, if there is one to read."""
    path = config.auth_oauth.client_secret_file
    if path is None:
        return ""
    try:
        with path.open("rb") as file:
            line = file.read(MAX_SECRET_OCTETS).split(b"\n")[0].strip().decode("ascii")
    except UnicodeDecodeError:
        line = ""
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror}"
        raise _fault(config, "client_secret_file", problem) from error
    if not line or not line.isprintable():
        problem = f"{path} has no secret in its first line"
        hint = "put it there as the provider showed it"
        raise _fault(config, "client_secret_file", problem, hint)
    return line


def _look_at_keys(config: Config, path: Path | None) -> None:
    """Say at once what the server would say at each sign-in."""
    from pillarbox.auth.oauth.key_source import KeyFile  # noqa: PLC0415 -- as above
    from pillarbox.auth.oauth.keys import BadKeySet  # noqa: PLC0415

    if path is None:
        return
    try:
        KeyFile(path).read()
    except OSError as error:
        raise _fault(config, "jwks", f"{path} cannot be read: {error.strerror}") from error
    except BadKeySet as error:
        hint = "it should be what stands at the jwks_uri of the provider"
        raise _fault(config, "jwks", f"{path} {error}", hint) from error


def _fault(config: Config, key: str, problem: str, hint: str = "") -> ConfigError:
    setting = f"auth.oauth.{key}" if key else "auth.oauth"
    return ConfigError([Fault(str(config.file or ""), setting, problem, hint)])
