"""Bringing in mail that another program has kept.

``found``     what a source yields: one message, or why one cannot be read
``maildir``   a Maildir, in the order of delivery
``mbox``      an mbox file (mboxo, mboxrd)
``choose``    which of them a path is
``aside``     reading as root what the store's user may not
``journal``   what has been stored before, so that an import can be repeated
``run``       from a source into a maildrop

A source is only ever read. One message that cannot be read never stops the rest.
"""
