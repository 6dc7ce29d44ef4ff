"""A server's side of SCRAM for the tests, written from RFC 5802 and from nothing of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac


class ScramRefused(Exception):
    """With the server-error-value of RFC 5802, section 7."""


class ScramServer:
    """One exchange. It knows the password, which real servers do not need to.

    Args:
        hash_name: as hashlib calls it.
        binding: kind and data of the channel, if the server binds.
        plus: the -PLUS mechanism was chosen.
        announced_plus: the server has announced a -PLUS mechanism.
    """

    def __init__(
        self,
        hash_name: str,
        users: dict[str, str],
        *,
        binding: tuple[str, bytes] | None = None,
        plus: bool = False,
        announced_plus: bool = False,
        salt: bytes = b"salt",
        iterations: int = 4096,
        nonce: str = "server",
        extensions: str = "",
    ) -> None:
        self.hash_name = hash_name
        self.users = users
        self.binding = binding
        self.plus = plus
        self.announced_plus = announced_plus
        self.salt = salt
        self.iterations = iterations
        self.nonce = nonce
        self.extensions = extensions
        self.signed_in = ""

    def hear_first(self, message: bytes) -> bytes:
        flag, authzid, bare = message.split(b",", 2)
        self.gs2_header = flag + b"," + authzid + b","
        self._judge_flag(flag)
        self.authorize_as = _unescaped(authzid.removeprefix(b"a=").decode())
        self.bare = bare
        name, client_nonce = bare.split(b",")[:2]
        assert name.startswith(b"n=")
        assert client_nonce.startswith(b"r=")
        self.name = _unescaped(name[2:].decode())
        self.full_nonce = client_nonce[2:].decode() + self.nonce
        salt = base64.b64encode(self.salt).decode()
        self.first = f"r={self.full_nonce},s={salt},i={self.iterations}{self.extensions}".encode()
        return self.first

    def _judge_flag(self, flag: bytes) -> None:
        """RFC 5802, section 6."""
        if flag.startswith(b"p="):
            assert self.plus, "p= belongs to -PLUS only"
            if self.binding is None or flag[2:].decode() != self.binding[0]:
                raise ScramRefused("unsupported-channel-binding-type")
        else:
            assert not self.plus, "-PLUS goes with p= only"
            if flag == b"y" and self.announced_plus:
                raise ScramRefused("server-does-support-channel-binding")
            assert flag in {b"n", b"y"}

    def hear_final(self, message: bytes) -> bytes:
        without_proof, _, proof = message.rpartition(b",p=")
        channel, nonce = without_proof.split(b",")
        data = self.binding[1] if self.plus and self.binding else b""
        if base64.b64decode(channel.removeprefix(b"c=")) != self.gs2_header + data:
            raise ScramRefused("channel-bindings-dont-match")
        if nonce != f"r={self.full_nonce}".encode():
            raise ScramRefused("other-error")
        if self.name not in self.users:
            raise ScramRefused("unknown-user")
        salted = hashlib.pbkdf2_hmac(
            self.hash_name, self.users[self.name].encode(), self.salt, self.iterations
        )
        signed = b",".join([self.bare, self.first, without_proof])
        stored_key = hashlib.new(self.hash_name, self._hmac(salted, b"Client Key")).digest()
        signature = self._hmac(stored_key, signed)
        client_key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature, strict=True))
        if hashlib.new(self.hash_name, client_key).digest() != stored_key:
            raise ScramRefused("invalid-proof")
        self.signed_in = self.name
        return b"v=" + base64.b64encode(self._hmac(self._hmac(salted, b"Server Key"), signed))

    def _hmac(self, key: bytes, data: bytes) -> bytes:
        return hmac.new(key, data, self.hash_name).digest()


def _unescaped(name: str) -> str:
    assert "," not in name
    assert name.count("=") == name.count("=2C") + name.count("=3D")
    return name.replace("=2C", ",").replace("=3D", "=")
