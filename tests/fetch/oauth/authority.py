"""An authorization server of the tests' own making, on loopback (RFC 6749, 7636, 8628).

It keeps count of what it is asked and judges as the RFCs say; a test tells it what its users
do, and what it is to do wrong.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

Reply = tuple[int, dict[str, Any]]


def refusal(error: str, description: str = "") -> Reply:
    fields = {"error": error}
    if description:
        fields["error_description"] = description
    return 400, fields


class Authority:
    """The judgement, without the HTTP around it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client_id = "our-program"
        self.client_secret: str | None = None
        self.scope = "pop offline_access"
        self.rotates = False
        self.lifetime: Any = 3600
        self.heard: list[tuple[str, dict[str, str]]] = []
        """Path and form of each request."""
        self.device: list[Reply] = []
        """What polls are answered before the person has finished."""
        self.device_fields: dict[str, Any] = {}
        """Beside, or instead of, what a device authorization is answered with."""
        self.raw: list[bytes] = []
        """Whole answers, octet for octet, that are sent instead of the next ones."""
        self.instead: list[Reply] = []
        """Answers of the token endpoint that are sent instead of the next ones."""
        self.refresh_tokens: set[str] = set()
        self.codes: dict[str, dict[str, str]] = {}
        self.numbers = itertools.count(1)

    def answer(self, path: str, form: dict[str, str]) -> Reply:
        self.heard.append((path, form))
        if self.instead:
            return self.instead.pop(0)
        if (
            form.get("client_id") != self.client_id
            or form.get("client_secret") != self.client_secret
        ):
            return 401, {"error": "invalid_client"}
        if path == "/device":
            return self._authorize_device(form)
        grants = {
            "urn:ietf:params:oauth:grant-type:device_code": self._device_code,
            "authorization_code": self._authorization_code,
            "refresh_token": self._refresh,
        }
        return grants[form["grant_type"]](form)

    def _authorize_device(self, form: dict[str, str]) -> Reply:
        if form["scope"] != self.scope:
            return refusal("invalid_scope")
        fields = {
            "device_code": "the-device-code",
            "user_code": "WDJB-MJHT",
            "verification_uri": f"{self.url}/enter",
            "expires_in": 900,
            "interval": 5,
        }
        fields.update(self.device_fields)
        return 200, {name: value for name, value in fields.items() if value is not None}

    def _device_code(self, form: dict[str, str]) -> Reply:
        if form["device_code"] != "the-device-code":
            return refusal("invalid_grant")
        return self.device.pop(0) if self.device else self._tokens()

    def consent(self, url: str) -> str:
        """A person agrees at the authorization URL: where the browser is sent."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["response_type"] == "code"
        assert asked["client_id"] == self.client_id
        assert asked["scope"] == self.scope
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{next(self.numbers)}"
        self.codes[code] = asked
        query = urlencode({"code": code, "state": asked["state"]})
        return f"{asked['redirect_uri']}?{query}"

    def _authorization_code(self, form: dict[str, str]) -> Reply:
        asked = self.codes.pop(form["code"], None)  # once
        if asked is None or form["redirect_uri"] != asked["redirect_uri"]:
            return refusal("invalid_grant")
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
            return refusal("invalid_grant", "the verifier does not match")
        assert 43 <= len(form["code_verifier"]) <= 128  # RFC 7636, section 4.1
        return self._tokens()

    def _refresh(self, form: dict[str, str]) -> Reply:
        token = form["refresh_token"]
        if token not in self.refresh_tokens:
            return refusal("invalid_grant", "the token was revoked")
        if not self.rotates:
            return self._tokens(with_refresh=False)
        self.refresh_tokens.discard(token)
        return self._tokens()

    def _tokens(self, *, with_refresh: bool = True) -> Reply:
        number = next(self.numbers)
        fields = {"token_type": "Bearer", "access_token": f"access-{number}"}
        if self.lifetime is not None:
            fields["expires_in"] = self.lifetime
        if with_refresh:
            fields["refresh_token"] = f"refresh-{number}"
            self.refresh_tokens.add(fields["refresh_token"])
        return 200, fields


class _Server(ThreadingHTTPServer):
    authority: Authority
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form = parse_qs(body.decode(), strict_parsing=True, keep_blank_values=True)
        assert all(len(values) == 1 for values in form.values())
        authority = self.server.authority
        if authority.raw:
            authority.heard.append((self.path, {name: values[0] for name, values in form.items()}))
            self.wfile.write(authority.raw.pop(0))
            self.close_connection = True
            return
        status, fields = authority.answer(
            self.path, {name: values[0] for name, values in form.items()}
        )
        content = json.dumps(fields).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Tests speak for themselves."""


@contextmanager
def running() -> Iterator[Authority]:
    """An authority that listens."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.authority = Authority(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.authority
        finally:
            server.shutdown()
            thread.join()
