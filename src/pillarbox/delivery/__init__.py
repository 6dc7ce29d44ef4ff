"""Mail coming in: LMTP from a mail server in front, SMTP from anywhere, on aiosmtpd.

One message's way through the files::

    server.py      sockets; one connection object for each client
    desk.py        what the connections share; admission.py: how many may come in
    link.py        a connection's life and end; dialogue.py: its commands; connection.py: DATA
    smtp.py        what the two doors differ in; lmtp.py
    handler.py     MAIL and RCPT; address.py: which account is an address for?
    content.py     DATA read to its end, bounded; dots undone; smuggling refused
    trace.py       Return-Path and Received in front; loops counted
    intake.py      the one call of the store, and what each recipient is told
    second_look.py whether the recipients are still there when the message has come
    retries.py     SMTP only: who already has a message of which others could not be served
    offload.py     large messages are worked on beside the event loop
    replies.py     every reply, and the table from a domain error to its reply

The promise: a positive reply after DATA means that :meth:`Store.deliver` has said so for that
recipient; everything else is answered so that the sender keeps the message or learns of it.
"""

from pillarbox.delivery.policy import DeliveryPolicy
from pillarbox.delivery.server import DeliveryServer

__all__ = ["DeliveryPolicy", "DeliveryServer"]
