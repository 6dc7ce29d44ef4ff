"""Glewlwyd, an identity provider in C (Debian's package): everything of it is in one folder.

It signs by rhonabwy, has a database of its own, and is set up by its own API, as an operator would
do in its pages. Its access tokens are JSON Web Tokens (RFC 9068), for the *audience* that their
scopes are; its introspection takes the token's own client, or anybody with a token of a scope.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import RSAKey

from tests.ports import free_port
from tests.postoffice import PATIENCE

CLIENT = "mail-program"
ASKER = "pop3-server"
SECRET = "s3cret"
PASSWORD = "right-password"
SCOPE = "pop"
ASKING = "introspect"
"""The scope of who may ask about others' tokens."""

_TABLES = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
_MODULES = "/usr/lib/glewlwyd"


def installed() -> bool:
    return shutil.which("glewlwyd") is not None and _TABLES.is_file()


class Glewlwyd:
    """It runs, and *alice* has an account."""

    def __init__(self, port: int) -> None:
        self.base = f"http://localhost:{port}/api"
        self.issuer = f"{self.base}/oidc"
        self._cookie = ""

    def set_up(self) -> None:
        """Make a plugin of OpenID Connect, scopes, a user and clients."""
        credentials = {"username": "admin", "password": "password"}  # as it is delivered
        answer = self._call("/auth/", credentials)
        self._cookie = answer.headers["set-cookie"].split(";")[0]
        key = RSAKey.generate_key(2048)
        flows = ("code", "token", "id-token", "none", "password", "client", "refresh")
        plugin = {
            "iss": self.issuer,
            "jwt-type": "rsa",
            "jwt-key-size": "256",
            "key": key.as_pem(private=True).decode(),
            "cert": key.as_pem(private=False).decode(),
            "access-token-duration": 3600,
            "refresh-token-duration": 3600,
            "refresh-token-rolling": True,
            "code-duration": 600,
            "address-claim": {"type": "no"},
            "email-claim": "mandatory",
            "allow-non-oidc": True,
            **{f"auth-type-{flow}-enabled": True for flow in flows},
            "jwks-show": True,
            "introspection-revocation-allowed": True,
            "introspection-revocation-auth-scope": [ASKING],
            "introspection-revocation-allow-target-client": True,
            "subject-type": "public",
            "additional-parameters": [{"user-parameter": "email", "token-parameter": "email"}],
        }
        self._call(
            "/mod/plugin/",
            {"module": "oidc", "name": "oidc", "enabled": True, "parameters": plugin},
        )
        for scope in (SCOPE, ASKING):
            self._call("/scope/", {"name": scope, "password_required": True, "scheme": {}})
        alice = {"username": "alice", "password": PASSWORD, "email": "alice@example.org"}
        self._call("/user/?source=database", {**alice, "enabled": True, "scope": [SCOPE]})
        for name, flow, scope in (
            (CLIENT, "password", SCOPE),
            (ASKER, "client_credentials", ASKING),
        ):
            client = {
                "client_id": name,
                "password": SECRET,
                "client_secret": SECRET,
                "confidential": True,
                "enabled": True,
                "token_endpoint_auth_method": ["client_secret_basic"],
                "redirect_uri": ["http://localhost/"],
                "authorization_type": [flow, "client_credentials"],
                "scope": [scope],
            }
            self._call("/client/?source=database", client)

    def token(self) -> str:
        """What alice's mail program gets."""
        return self._token(
            CLIENT, grant_type="password", username="alice", password=PASSWORD, scope=SCOPE
        )

    def asking_token(self) -> str:
        """What a server gets that wants to ask about tokens."""
        return self._token(ASKER, grant_type="client_credentials", scope=ASKING)

    def revoke(self, token: str) -> None:
        """Take *token* back (RFC 7009)."""
        self._post("/oidc/revoke", CLIENT, token=token)

    def _token(self, client: str, **form: str) -> str:
        found: str = self._post("/oidc/token", client, **form).json()["access_token"]
        return found

    def _post(self, path: str, client: str, **form: str) -> httpx.Response:
        url = f"{self.base}{path}"
        answer = httpx.post(
            url, data=form, auth=(client, SECRET), trust_env=False, timeout=PATIENCE
        )
        return answer.raise_for_status()

    def _call(self, path: str, content: dict[str, Any]) -> httpx.Response:
        headers = {"Cookie": self._cookie} if self._cookie else {}
        url = f"{self.base}{path}"
        answer = httpx.post(url, json=content, headers=headers, trust_env=False, timeout=PATIENCE)
        assert answer.status_code == httpx.codes.OK, (path, answer.text)
        return answer


@contextlib.contextmanager
def glewlwyd(folder: Path) -> Iterator[Glewlwyd]:
    """Run it in *folder*, on a port of loopback."""
    with contextlib.closing(sqlite3.connect(folder / "glewlwyd.db")) as database:
        database.executescript(_TABLES.read_text())
    port = free_port()
    (folder / "glewlwyd.conf").write_text(_settings(folder, port))
    run = ["glewlwyd", f"--config-file={folder / 'glewlwyd.conf'}"]
    with subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            _wait_until_started(process)
            it = Glewlwyd(port)
            it.set_up()
            yield it
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)


def _wait_until_started(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    said = b""
    for line in process.stdout:
        said += line
        if b"started on port" in line:
            return
    raise AssertionError(f"glewlwyd does not start:\n{said.decode(errors='replace')}")


def _settings(folder: Path, port: int) -> str:
    return f"""
        port={port}
        bind_address="127.0.0.1"
        external_url="http://localhost:{port}"
        api_prefix="api"
        cookie_domain="localhost"
        cookie_secure=0
        log_mode="console"
        log_level="INFO"
        admin_scope="g_admin"
        profile_scope="g_profile"
        user_module_path="{_MODULES}/user"
        user_middleware_module_path="{_MODULES}/user_middleware"
        client_module_path="{_MODULES}/client"
        user_auth_scheme_module_path="{_MODULES}/scheme"
        plugin_module_path="{_MODULES}/plugin"
        hash_algorithm="SHA512"
        login_api_enabled=true
        database = {{ type="sqlite3" path="{folder}/glewlwyd.db" }};
        """
