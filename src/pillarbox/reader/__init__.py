"""The reader: mail on one's own disk, read, searched, filed and answered without a network.

What is whose, and what may be lost:

* **Mail is plain Maildir** (``library``): one folder of files, which any other program can read. It is the
  user's only copy: nothing here removes a message but the user, from Trash (or after so many days there).
* **The index is derived** (``library.index``): SQLite with full text, which can be deleted at any time
  and is made again from the files.
* **What the user has made and mail does not hold** (drafts, the outbox, contacts, rules) lies beside
  the mail in files of its own. No reindexing touches it.

The floors within::

    web          pages: routes, templates, styles, keys. Knows services by their contracts only
    collecting   the accounts' mail comes in, on a schedule and by a button
    outbox       sent mail waits on disk until a server has taken it
    compose      drafts, replies, contacts; makes a message of what was typed
    library      folders, index, threads, search, changes and their undoing, rules
    mail         understanding a message, whatever is wrong with it: pure functions
    contracts    what each of these promises the others; ``model``: the nouns they share; ``sentences``: how
                 errors of other parts are said on a page

``desk`` is where all services of a running reader stand side by side; ``news`` tells open pages what has
happened. Which accounts there are, and their passwords, comes from outside
(:class:`.contracts.Accounts`): the reader reads no configuration.

Services are plain blocking objects, and may be called from any thread, but for those whose methods are
``async``, which live on the event loop. Pages call the former through a thread.
"""
