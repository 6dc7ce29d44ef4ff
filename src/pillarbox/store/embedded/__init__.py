"""The default engine: one machine, no server to install.

Indexes and small bodies lie in SQLite, large bodies in files. Read the parts in this order:
``layout`` (where things lie), ``schema`` (the index), ``locks`` (one session a view),
``bodies`` (files, and each point where a crash can fall), ``transaction``, ``these`` (which
messages a statement is about), ``views`` (what a view lists and holds), ``jobs``, ``view_jobs``,
``backlog``, ``turns`` and ``writer`` (all that is written), ``seen`` (who was here), ``shards``
(one part, as one process sees it), ``opening`` and ``maildrop`` (a session), ``staging`` (large bodies
that come), ``engine`` (the store), ``starting`` (what comes before it is used),
``retention`` (what goes in time), ``sweep``, ``lost``, ``check``, ``waiting`` and ``admin`` (care),
``moving_jobs`` and ``moving`` (to and from other stores).
"""

from pillarbox.store.embedded.backlog import PATIENCE_SECONDS
from pillarbox.store.embedded.engine import EmbeddedStore
from pillarbox.store.embedded.starting import look_at_store, open_store

__all__ = ["PATIENCE_SECONDS", "EmbeddedStore", "look_at_store", "open_store"]
