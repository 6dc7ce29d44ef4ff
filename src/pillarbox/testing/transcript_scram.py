"""A client's side of SCRAM for transcripts, written from RFC 5802 and from nothing of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac


class ScramDialogue:
    """What one exchange has said so far."""

    def __init__(self) -> None:
        self._header = b""
        self._bare = b""

    def first(self, message: bytes) -> bytes:
        """Client-first, in base64; it is remembered."""
        flag, identity, self._bare = message.split(b",", 2)
        self._header = flag + b"," + identity + b","
        return base64.b64encode(message)

    def final(
        self, hash_name: str, password: str, server_first: bytes, channel: bytes
    ) -> tuple[bytes, bytes]:
        """Client-final, and the server-final that has to come of it, both in base64.

        Args:
            hash_name: as hashlib calls it.
            password: ASCII.
            server_first: in base64.
            channel: the data that the client binds itself to.
        """
        said = base64.b64decode(server_first)
        fields = dict(field.split(b"=", 1) for field in said.split(b","))
        rounds = int(fields[b"i"])
        salted = hashlib.pbkdf2_hmac(
            hash_name, password.encode(), base64.b64decode(fields[b"s"]), rounds
        )

        def mac(key: bytes, data: bytes) -> bytes:
            return hmac.new(key, data, hash_name).digest()

        unproved = b"c=" + base64.b64encode(self._header + channel) + b",r=" + fields[b"r"]
        signed = b",".join((self._bare, said, unproved))
        client_key = mac(salted, b"Client Key")
        signature = mac(hashlib.new(hash_name, client_key).digest(), signed)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        final = unproved + b",p=" + base64.b64encode(proof)
        proved = b"v=" + base64.b64encode(mac(mac(salted, b"Server Key"), signed))
        return base64.b64encode(final), base64.b64encode(proved)
