"""Drafts, replies, contacts: what was typed becomes a message.

Floors within, each knowing only those below::

    writing      replies and forwards are kept as drafts; a draft goes to the outbox, and comes back
    drafts       what is being written, on disk          contacts     whom one writes to, on disk
    writers      who can write, as the accounts are now
    message      a draft and its recipients become octets
    replies      what a reply holds: recipients, subject, references, quote; pure
    quoting      the text of a message, as a reply or a forwarded message shows it; pure
    markup       typed text as HTML, and quoted HTML as text; pure
    senders      which addresses are the user's; pure
    addresses    what was typed into To, Cc and Bcc; pure
    fields       header fields as they are sent: RFC 2047, RFC 2231, folding; pure
    flowed       format=flowed, RFC 3676; pure
    vcard        contacts from other programs; pure

**Sending, and what a crash leaves.** :meth:`.writing.Writing.send` checks everything, then puts the message into
the outbox, and that is all: a draft counts as sent because the outbox names it
(:meth:`pillarbox.reader.contracts.Outbox.drafts`), so there is no second step that a crash could lose. When
the message has left, the outbox discards the draft before it forgets the message; doing so again does no harm.
"""
