"""A worker: one process, one event loop, all doors for mail."""

from __future__ import annotations

from pillarbox.app.metrics import PrometheusMeter
from pillarbox.app.shared import SharedTally
from pillarbox.app.wire_up_servers import PostOffice, open_post_office, proxies_of
from pillarbox.app.worker_life import Order, Seat
from pillarbox.contracts.meter import NullMeter
from pillarbox.peers import Networks


class Worker:
    """The service of a worker process (a :class:`~pillarbox.app.worker_life.Service`)."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        self._meter: PrometheusMeter | None = None
        self._office: PostOffice | None = None

    async def start(self) -> None:
        """Open the engines and accept on this worker's sockets.

        Raises:
            StoreUnavailable: the mail cannot be opened.
            AccountsUnavailable: there is mail, but the accounts are gone.
        """
        seat, setup = self._seat, self._seat.setup
        limits = setup.config.limits
        if seat.metrics is not None:
            self._meter = PrometheusMeter(seat.metrics, seat.column.number)
        self._office = await open_post_office(
            setup.config,
            pop3_tls=setup.pop3_tls,
            smtp_tls=setup.smtp_tls,
            token_checker=setup.token_checker,
            meter=self._meter or NullMeter(),
            tally=SharedTally(
                seat.table,
                seat.column,
                total=limits.connections,
                per_address=limits.connections_per_address,
                unlimited=Networks(limits.unlimited),
            ),
            throttling=seat.table.throttling,
            speaks=seat.number == 0,
        )
        await self._listen(self._office)
        if self._office.sweep is not None:
            self._office.sweep.start()

    async def _listen(self, office: PostOffice) -> None:
        for listener in self._seat.setup.listeners:
            sock = listener.socket_of(self._seat.number)
            proxies = proxies_of(self._seat.setup.config, listener.door)
            if listener.door in {"pop3", "pop3s"}:
                await office.pop3.listen(listener.door, sock, proxies)
            elif listener.door in {"lmtp", "smtp"}:
                await office.delivery.listen(listener.door, sock, proxies)

    async def stop(self, order: Order) -> None:
        """See :class:`~pillarbox.app.worker_life.Service`."""
        if self._office is not None:
            await self._office.stop(order.grace, leave_newcomers=order.leave_newcomers)

    def beat(self) -> None:
        if self._meter is not None:
            self._meter.flush()
