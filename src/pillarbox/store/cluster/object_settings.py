"""Where bodies are kept: what an operator says of the object store."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

_REMEDY = "say it as s3://bucket or s3://bucket/prefix"


@dataclass(frozen=True, slots=True)
class ObjectSettings:
    """One bucket (or a part of it) of an S3-compatible store.

    Raises:
        ValueError: ``url`` or ``endpoint`` cannot be understood.
    """

    url: str
    """``s3://bucket/prefix``: nothing else is kept under the prefix."""
    endpoint: str | None = None
    """``https://host:port`` of the service (over ``http://`` mail goes in clear); None: that of AWS."""
    region: str = "us-east-1"
    access_key: str | None = None
    """None: both keys are found as AWS's own programs find them (environment, role of the machine)."""
    secret_key: str | None = field(default=None, repr=False)
    authority: bytes | None = field(default=None, repr=False)
    """Certificates (PEM) by which the service's is trusted, beside those that the system trusts."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "s3" or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{self.url!r} names no bucket: {_REMEDY}")
        if parts.netloc != self.bucket:
            raise ValueError(f"{self.bucket!r} is no bucket's name: {_REMEDY}")
        if self.endpoint is not None:
            there = urlsplit(self.endpoint)
            if there.scheme not in {"http", "https"} or not there.hostname:
                raise ValueError(f"{self.endpoint!r} is no address: say it as https://host:port")

    @property
    def bucket(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def prefix(self) -> str:
        """Without slashes around it; empty: the bucket holds nothing but bodies."""
        return urlsplit(self.url).path.strip("/")

    @property
    def name(self) -> str:
        """For an operator."""
        return f"{self.url} at {self.endpoint}" if self.endpoint else self.url
