"""Mail that another program has kept, as a stream of messages: what imports read.

``found``     what a source yields: one message, or why one cannot be read
``maildir``   a Maildir, in the order of delivery
``mbox``      an mbox file (mboxo, mboxrd)
``letters``   files of one message each (``.eml``)
``boxes``     which of these lie in a folder, and what they are called; ``companions``: what lies beside mail and is none
``regular``   opening files that may be anything by then

A source is only ever read. One message that cannot be read never stops the rest.
"""
