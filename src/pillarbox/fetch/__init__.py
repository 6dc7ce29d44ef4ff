"""Collecting mail: from the listing of a server to the user's own store.

What is promised: nothing is lost and nothing comes twice, whatever crashes at whatever
point (``kill -9``, a power cut, a full disk), and whatever the server does. A message is
deleted on the server only once it is durable here.

Three parts know nothing of each other: the *plan* (a pure function: what to do with each
message), the *journal* (what has been done, by unique-id) and the *destination* (where mail
goes). ``run`` takes messages through them in batches, in this order:

====  ==========================================  ==========================================
step  what is done                                after a crash before the next step
====  ==========================================  ==========================================
1     journal: SEEN                               retrieved like new
2     destination: stage each message whole       leftovers are swept by ``prepare``
3     destination: sync, all at once              the same
4     journal: PUBLISHING, with the tokens        ``settle`` publishes what is staged
5     destination: publish, durable on return     ``settle`` sees that it was published
6     journal: STORED                             never retrieved again, except to verify
7     journal: DELETING                           deleted, not retrieved
8     DELE for each, QUIT                         the same, unless no longer listed: GONE
9     journal: GONE                               verified, should it ever be listed again
====  ==========================================  ==========================================

So a run begins with what the last one left (module ``settle``): ``prepare`` the destinations, ``settle`` what
is in PUBLISHING (each at the destination that it was for: the user may have named another
one since), and only then asks the server.

Where certainty cannot be had (LMTP, a command: the receiver may or may not have taken the
message when the line went dead) a message comes twice rather than not at all; each
destination says what it promises.

Read in this order: ``stages``, ``identity``, ``rules``, ``plan``, ``journal``,
``destinations``, ``settle``; then ``intake``, ``collecting``, ``progress``, ``run``,
``several``, ``watch``.
"""
