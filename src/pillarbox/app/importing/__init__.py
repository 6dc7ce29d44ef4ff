"""Bringing in mail that another program has kept.

``choose``    which source a path is (:mod:`pillarbox.sources`)
``aside``     reading as root what the store's user may not
``journal``   what has been stored before, so that an import can be repeated
              (``file_journal``, ``database_journal``: where that is kept)
``run``       from a source into a maildrop

A source is only ever read. One message that cannot be read never stops the rest.
"""
