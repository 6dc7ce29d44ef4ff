"""What a cluster costs: one, two and three nodes on a real database and a real object store.

``python -m bench cluster`` starts PostgreSQL (which syncs, as in earnest), SeaweedFS (three volume
servers, two copies of everything) and three nodes with one worker each, and beside them a server on the
embedded engine, with one worker, too. All have the same mail and get the same work by the same driver: many
clients at once, each of which waits for each answer, for some seconds. What counts is

* how much is done in a second, and how long the slowest hundredth takes;
* CPU for each operation, by who spends it: nodes, database, object store, the driver itself;
* what there was no more of: all share the two cores of one machine here, so three nodes do not do three times as
  much as one. CPU for each operation is what can be carried over to other machines.

Passwords have cheap hashes (:mod:`bench.peers.cheap_pillarbox`); what a real one costs is another work's question.

Apart from that: *round trips* to the database for each kind of session, listened to on the wire
(:mod:`bench.cluster.wiretap`), and *room*: what a mailbox, a message and a poll add to the database and its log.

=============  ===============================================================
``letters``    mail as it is, for a database that compresses what it keeps
``mail``       who has what, and how it gets there
``parts``      the database and the object store
``places``     where the works are done: on so many nodes, or on one server without a cluster
``spent``      what who has spent meanwhile
``driving``    many clients at once, and what came of it
``works``      the kinds of work
``listing``    a maildrop of 100,000
``trips``      round trips for each kind of session
``room``       bytes in the database, and in its log
``rounds``     all of it, as a table and as docs/cluster-benchmarks.json and .md
=============  ===============================================================
"""
