"""The asynchronous client.

::

    async with pillarbox.connect("pop3s://alice@mail.example.org", password=…) as box:
        async for message in box.retrieve_many(number for number, _ in await box.list()):
            keep(message.number, await message.read())

Leaving the block says QUIT, and with it what was marked as deleted goes. Leaving it by an
exception hangs up, and nothing is deleted.
"""

from __future__ import annotations

from collections.abc import Generator
from types import TracebackType

from pillarbox.client.conversation import Trace
from pillarbox.client.endpoint import Endpoint
from pillarbox.client.limits import TIMEOUT
from pillarbox.client.mailbox import Mailbox
from pillarbox.client.opening import Options, open_mailbox
from pillarbox.client.signing_in import Proofs, Secret
from pillarbox.client.tls import TlsSettings

__all__ = ["Connecting", "Mailbox", "connect"]


class Connecting:
    """A mailbox that is being opened: ``await`` it, or enter it with ``async with``."""

    __slots__ = ("_endpoint", "_mailbox", "_options")

    def __init__(self, endpoint: Endpoint, options: Options) -> None:
        self._endpoint = endpoint
        self._options = options
        self._mailbox: Mailbox | None = None

    def __await__(self) -> Generator[None, None, Mailbox]:
        return open_mailbox(self._endpoint, self._options).__await__()

    async def __aenter__(self) -> Mailbox:
        self._mailbox = await self
        return self._mailbox

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._mailbox is not None  # noqa: S101 -- it was entered
        await self._mailbox.__aexit__(kind, error, traceback)


def connect(  # noqa: PLR0913 -- settings by name, nearly all with the right default
    url: str | Endpoint,
    *,
    password: Secret | None = None,
    token: Secret | None = None,
    mechanism: str | None = None,
    at_least: str | None = None,
    tls: TlsSettings = TlsSettings(),  # noqa: B008 -- immutable
    timeout: float = TIMEOUT,
    proxy: str | None = None,
    insecure_cleartext: bool = False,
    pipelining: bool | None = None,
    trace: Trace | None = None,
) -> Connecting:
    """Open a mailbox.

    Args:
        url: ``pop3s://USER@HOST[:PORT]`` (TLS), ``pop3://…`` (TLS by STLS, demanded), or an
            :class:`Endpoint`.
        password: it, or a function (an asynchronous one, too) that is called for it once the
            connection is what it has to be.
        token: an OAuth 2 access token, or a function as above.
        mechanism: the way to sign in; by default the strongest that both sides have.
        at_least: the way that was used before (:attr:`Mailbox.mechanism`); a weaker one is
            refused.
        tls: authorities, pin, client certificate.
        timeout: seconds of silence after which the server is given up.
        proxy: URL of a SOCKS5 or HTTP proxy.
        insecure_cleartext: go without any TLS with a ``pop3://`` URL.
        pipelining: whether to send commands without waiting for replies; by default if the
            server announces that it can take it.
        trace: called with each line of the dialogue, without secrets.

    Raises:
        InvalidUrl: at once, if the URL is none. All other errors come when it is awaited.
    """
    endpoint = (
        Endpoint.parse(url, insecure_cleartext=insecure_cleartext) if isinstance(url, str) else url
    )
    proofs = Proofs(
        endpoint.user,
        password,
        token,
        certificate=tls.client_certificate is not None,
        wanted=mechanism or endpoint.mechanism,
        at_least=at_least,
    )
    return Connecting(endpoint, Options(proofs, tls, timeout, proxy, trace, pipelining))
