"""The store contract as a test suite: every engine passes it, and so does the fake.

An engine's own tests derive from :class:`StoreContract` and say how a store is made::

    class TestMyEngine(StoreContract):
        @pytest.fixture
        def make_store(self, tmp_path):
            folders = itertools.count()
            return lambda: MyEngine(tmp_path / str(next(folders)))

Each call of ``make_store()`` gives a store that is empty. Each case is named for a promise
of :mod:`pillarbox.contracts.store`. At the end a state machine (hypothesis) compares the
engine with a model of a few lines, in orders that nobody thought of. Needs pytest,
pytest-asyncio and hypothesis.

The cases lie in a file for each theme; ``material`` is what they are made of.
"""

from pillarbox.testing.store_contract.contract import StoreContract
from pillarbox.testing.store_contract.material import (
    Engine,
    MakeStore,
    content,
    contents,
    delete,
    seen_next,
)

__all__ = ["Engine", "MakeStore", "StoreContract", "content", "contents", "delete", "seen_next"]
