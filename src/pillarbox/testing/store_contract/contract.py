"""All cases together."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from pillarbox.testing.store_contract.commits import CommitCases
from pillarbox.testing.store_contract.delivery import DeliveryCases
from pillarbox.testing.store_contract.listings import ListingCases
from pillarbox.testing.store_contract.machine import StoreMachine
from pillarbox.testing.store_contract.material import MakeStore
from pillarbox.testing.store_contract.operators import OperatorCases
from pillarbox.testing.store_contract.retention import RetentionCases
from pillarbox.testing.store_contract.sessions import SessionCases
from pillarbox.testing.store_contract.unique_ids import UniqueIdCases
from pillarbox.testing.store_contract.views import ViewCases


class StoreContract(
    DeliveryCases,
    SessionCases,
    ListingCases,
    CommitCases,
    UniqueIdCases,
    OperatorCases,
    ViewCases,
    RetentionCases,
):
    """All cases, and the state machine. Derive from it and override ``make_store``."""

    machine_settings = settings(
        max_examples=20,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )

    async def test_any_order_of_events_agrees_with_the_model(self, make_store: MakeStore) -> None:
        # In a thread, where the machine can have event loops of its own.
        await asyncio.to_thread(
            run_state_machine_as_test,
            lambda: StoreMachine(make_store),  # type: ignore[arg-type]  # a factory will do
            settings=self.machine_settings,
        )
