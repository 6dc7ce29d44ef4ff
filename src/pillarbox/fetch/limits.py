"""How much a run takes on at a time, and how often it tries: every limit, with its reason."""

from __future__ import annotations

AT_ONCE = 8
"""Accounts that are collected at the same time: enough that one slow server holds up nobody, few
enough that memory and connections stay small."""

BATCH_MESSAGES = 256
"""Messages made durable together: more share a sync and a round trip, but more also come again
after a crash, and each is an open file until then (:mod:`pillarbox.fetch.open_files`).
Between two batches the server has nothing to send, which is the moment for a NOOP."""

BATCH_OCTETS = 8 * 1024 * 1024
"""And octets, by the sizes of LIST; a larger message is a batch of its own."""

SHORT_STRIDE = 8
"""Messages that are proved to be whole together, once the connection has broken. What has not
been proved comes again with the next session; a line that breaks every so often still gets on."""

KEEP_ALIVE = 20.0
"""Seconds that storing a batch may take before the server hears a NOOP. The most impatient ones
hang up after 60 seconds of silence."""

MAX_SESSIONS = 100
"""Sessions of one run. Gmail hands out some 250 messages in each; what is left then is for the
next run."""

DROPS_FORGIVEN = 2
"""Times that the connection may break within the same message before that is taken for more
than chance. A server that always breaks there must not keep all other mail."""

FRUITLESS_SESSIONS = 12
"""Sessions in a row that may break and bring nothing. Five bad messages side by side are passed
over; a server that breaks at each of thousands is left alone, after as many time-outs."""

SUCCESS_NOTED = 3600.0
"""Seconds after which a run that found nothing new notes that it was there."""

INTERVAL = 300
"""Seconds between two runs of ``--watch`` unless the user says otherwise: most providers ask
for five minutes."""

SHORTEST = 15
"""And at least: nobody's server is to be asked more often."""
