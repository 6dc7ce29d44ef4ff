"""An authorization server to test against: authlib's, on Flask, in a thread, on loopback.

It gives out JSON Web Tokens as RFC 9068 has them, or opaque tokens, for a user's password (RFC
6749, section 4.3), publishes its keys, describes itself, and answers introspection (RFC 7662).
What the tests turn are its keys, its clock's users and whether it is there at all.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import flask
import httpx
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import TokenMixin, grants
from authlib.oauth2.rfc6749.models import ClientMixin
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from joserfc.jwk import ECKey, KeySet, RSAKey
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from tests.postoffice import PATIENCE

AUDIENCE = "pop3.example.org"
CLIENT = "mail-program"
SERVER = "pop3-server"
SECRET = "a secret: of 100%"
SCOPE = "openid email pop"


@dataclass
class Person:
    name: str
    password: str = "right"

    def get_user_id(self) -> str:
        return f"id-of-{self.name}"


@dataclass
class Client(ClientMixin):
    client_id: str
    secret: str = ""

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return ""

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(word for word in (scope or "").split() if word in SCOPE.split())

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return False

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == ("client_secret_basic" if self.secret else "none")

    def check_response_type(self, response_type: str) -> bool:
        return False

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "password"


@dataclass
class Opaque(TokenMixin):
    user: Person
    scope: str
    expires_at: float
    revoked: bool = False

    def check_client(self, client: Client) -> bool:
        return True

    def get_scope(self) -> str:
        return self.scope

    def get_expires_in(self) -> int:
        return 3600

    def is_expired(self) -> bool:
        return time.time() > self.expires_at

    def is_revoked(self) -> bool:
        return self.revoked


class _Grant(grants.ResourceOwnerPasswordCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)

    def authenticate_user(self, username: str, password: str) -> Person | None:
        person = flask.current_app.config["people"].get(username)
        return person if person is not None and password == person.password else None


class _Introspection(IntrospectionEndpoint):
    CLIENT_AUTH_METHODS = ("client_secret_basic",)

    def query_token(self, token_string: str, token_type_hint: str | None) -> Opaque | None:
        assert token_type_hint == "access_token"
        token: Opaque | None = flask.current_app.config["tokens"].get(token_string)
        return token

    def check_permission(self, token: Opaque, client: Client, request: Any) -> bool:
        return client.client_id == SERVER

    def introspect_token(self, token: Opaque) -> dict[str, Any]:
        return {
            "username": token.user.name,
            "scope": token.scope,
            "sub": token.user.get_user_id(),
            "aud": flask.current_app.config["audience"],
            "iss": flask.request.host_url.rstrip("/"),
            "exp": int(token.expires_at),
            "token_type": "Bearer",
        }


class _Jwt(JWTBearerTokenGenerator):
    def __init__(self, issuer: Issuer) -> None:
        super().__init__(issuer.url, alg=issuer.algorithm)
        self._issuer = issuer

    def get_jwks(self) -> KeySet:
        return KeySet([self._issuer.key])

    def get_audiences(self, client: Client, user: Person, scope: str) -> list[str]:
        return ["https://else.example.org", self._issuer.audience]

    def get_extra_claims(self, client: Client, grant_type: str, user: Person, scope: str) -> Any:
        return {"email": f"{user.name}@example.org", "email_verified": True}


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 -- the base's
        """Say nothing."""


@dataclass
class Issuer:
    """The server, and what tests turn."""

    tls: Any = None
    opaque: bool = False
    algorithm: str = "RS256"
    audience: str = AUDIENCE
    asked: Counter[str] = field(default_factory=Counter)
    people: dict[str, Person] = field(default_factory=dict)
    tokens: dict[str, Opaque] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = 0
        self.keys: list[RSAKey | ECKey] = []
        self.people = {name: Person(name) for name in ("alice", "bob")}
        self._server: BaseWSGIServer | None = None
        self.rotate()
        self.start()

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://localhost:{self.port}"

    @property
    def key(self) -> RSAKey | ECKey:
        return self.keys[-1]

    def rotate(self, *, keep: bool = True) -> None:
        """Sign with a new key from now on; without *keep* the old ones count no longer."""
        name: Any = {"kid": f"key-{time.monotonic_ns()}", "use": "sig", "alg": self.algorithm}
        key: RSAKey | ECKey
        if self.algorithm == "ES256":
            key = ECKey.generate_key("P-256", name)
        else:
            key = RSAKey.generate_key(2048, name)
        self.keys = [*(self.keys if keep else []), key]

    def start(self) -> None:
        """Listen, at the same port as before."""
        app = _app(self)
        self._server = make_server(
            "localhost",
            self.port,
            app,
            threaded=True,
            request_handler=_Quiet,
            ssl_context=self.tls,
        )
        self.port = self._server.server_port
        if not self.opaque:
            app.config["server"].register_token_generator("default", _Jwt(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    def stop(self) -> None:
        """Be away."""
        if self._server is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None

    async def token(self, user: str = "alice", scope: str = SCOPE, **tls: Any) -> str:
        """What a mail program gets."""
        form = {
            "grant_type": "password",
            "client_id": CLIENT,
            "username": user,
            "password": self.people[user].password,
            "scope": scope,
        }
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE, **tls) as client:
            answer = await client.post(f"{self.url}/token", data=form)
        found: str = answer.raise_for_status().json()["access_token"]
        return found

    def public_keys(self) -> dict[str, Any]:
        return {"keys": [key.as_dict() for key in self.keys]}


def _app(issuer: Issuer) -> flask.Flask:
    app = flask.Flask("issuer")
    app.config.update(people=issuer.people, tokens=issuer.tokens, audience=issuer.audience)
    clients = {CLIENT: Client(CLIENT), SERVER: Client(SERVER, SECRET)}

    def save_token(token: dict[str, Any], request: Any) -> None:
        issuer.tokens[token["access_token"]] = Opaque(
            request.user, token.get("scope", ""), time.time() + 3600
        )

    server = AuthorizationServer()
    server.init_app(app, query_client=clients.get, save_token=save_token)
    server.register_grant(_Grant)
    server.register_endpoint(_Introspection)
    app.config["server"] = server

    @app.before_request
    def count() -> None:
        issuer.asked[flask.request.path] += 1

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @app.post("/introspect")
    def introspect() -> Any:
        return server.create_endpoint_response("introspection")

    @app.get("/jwks")
    def jwks() -> Any:
        return issuer.public_keys()

    @app.get("/.well-known/openid-configuration")
    def configuration() -> Any:
        return {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/jwks"}

    return app
