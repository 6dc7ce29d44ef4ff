"""The cluster engine: any number of nodes, one post office.

Lists, locks and small bodies are rows of a database that speaks the PostgreSQL protocol
(:mod:`pillarbox.database` tells how it is spoken to, and why that is safe); larger bodies are
objects of an S3-compatible store. A node keeps nothing that another one does not find there.

*The tables.* ``maildrops`` has one row a user: the next sequence number, and how much there is. A delivery
changes this row and no other, however many devices there are: what a view lists is all that the
maildrop has but for what it has *unlisted* (counted in its row; ``hidden`` says which, as far as the
maildrop still has them, and ``since`` below which number everything is). ``changes`` is raised in the
maildrop's row and in those of all its views by whatever takes messages away or adds or removes views:
so who does that, who opens a view meanwhile, and who relies on another view's not holding mail back,
meet in a row (see the theory of :mod:`pillarbox.database`). A message has its listing in ``messages``, its
small body in ``bodies``, apart, so that a listing reads no bodies; ``deleted`` says that a view,
be it one that is gone, has deleted it. Everything of a maildrop is keyed by the user's name.

*The lock* is a lease: the view's row names the *process* that holds it, and a fencing token, which rises each
time. It is held as long as that process is *alive*: its row in ``processes`` says until when, and one
statement renews that for all its sessions, however many. A process that was cut off or frozen for
longer is dead for ever: when it comes back it begins a new life under another identifier, and finds
its sessions lost. A commit looks, in its own transaction, whether the lease is still its own, and its
process alive; a taker-over changes the view's row; one of them is told to begin again. Only the
database's clock counts.

*Bodies.* A large one is announced in ``objects`` (``refs`` 0), uploaded, and listed, each durable before the next
begins; only then is the delivery acknowledged. Each message that has it counts as a reference: its row is changed in
the transaction that lists the message, and in the one that removes it, and both set ``touched_at``. What has had no
reference for :data:`~pillarbox.store.cluster.collector.GRACE_SECONDS` is the queue of the collector, which any node may
run. It *dooms* the row first (``doomed_at``), removes the object, and then the row, each durable before the next, so
whatever a crash leaves is done again. Who refers to a doomed object, or to one without a row, is refused and delivers
again: since both change the row, that is right however slow anybody is, and the grace only keeps it from happening to
an upload that is under way, and keeps a body for whoever has opened it.

*Lost answers.* What a network has held back may arrive when nobody waits for it any more. So whatever takes, deletes or
delivers says until when it may (``clock``), and can be found out afterwards: a commit by what is left, under a new
token, so that it cannot happen later; a delivery by its unique-id; an opening by ``opening``, the name of the
session that its node has chosen before it asked.

``settings``   what has to be known before anything is asked
``tables``     the database, its failures turned into domain errors
``clock``      until when a statement may take effect
``leases``     this process's life, and the renewal of it
``views``      which view holds what: the conditions that all others share
``opening``    taking the lease of a view, in one statement
``delivering`` one message into one maildrop, in one statement; ``turns``: one after the other
``listing``    numbers, and what is said of messages
``removing``   taking messages away from a view, and those away that nobody holds
``maildrop``   one session
``objects``    bodies in the object store; ``owner``: whose that is
``collector``  removes objects that nobody refers to, and processes that are long dead
``parts``      what a store and its sessions share; ``chores``: what goes on behind their backs
``engine``     the store: opens, delivers, and puts the parts together
``viewing``    views added and removed
``moving``, ``moving_reading``, ``moving_leases``, ``moving_steps``  maildrops that come from other stores, or go there
``retention``, ``sweeping``, ``waiting``, ``admin``, ``check``  what the operator's commands and the sweep ask for
"""
