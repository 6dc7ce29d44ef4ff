"""A database that several machines share, spoken to by the PostgreSQL protocol.

The cluster engine keeps its lists and locks there, and the accounts of a cluster are there, too;
neither knows the other, so what both need of the database is here:

``database``    statements and transactions: pooled, bounded in time, tried again where that helps
``connections`` handed on from statement to statement
``hosts``       which of several takes a connection
``errors``      what can go wrong, in the language of databases
``migrate``     the tables, made and brought up to date by plain SQL files (``migrations``)

Theory: *every statement sees one moment.* All transactions run at REPEATABLE READ, which the
distributed databases that speak this protocol have as well (or something stricter). Who
changes a row that somebody else has changed since his moment is told so (SQLSTATE 40001), and the
whole transaction is tried again, which is why transactions are short and have no effect but on the
database. So two transactions that must not miss each other write a row that both write; nothing
else has to be thought about. There are no advisory locks, no notifications, no sequences, and no
clock but the database's (``clock_timestamp()``): nodes may be wrong about the time.

A single statement is a transaction of its own, and one round trip: what is frequent is one statement.
"""

from pillarbox.database.database import Database, Transaction
from pillarbox.database.errors import DatabaseUnavailable, OutcomeUnknown

__all__ = ["Database", "DatabaseUnavailable", "OutcomeUnknown", "Transaction"]
