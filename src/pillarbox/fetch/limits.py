"""How much a run takes on at a time, and how often it tries: every limit, with its reason."""

from __future__ import annotations

BATCH_MESSAGES = 256
"""Messages made durable together: more share a sync and a round trip, but more also come again
after a crash, and each is an open file until then.
Between two batches the server has nothing to send, which is the moment for a NOOP."""

BATCH_OCTETS = 8 * 1024 * 1024
"""And octets, by the sizes of LIST; a larger message is a batch of its own."""

KEEP_ALIVE = 20.0
"""Seconds that storing a batch may take before the server hears a NOOP. The most impatient ones
hang up after 60 seconds of silence."""

MAX_SESSIONS = 100
"""Sessions of one run. Gmail hands out some 250 messages in each; what is left then is for the
next run."""

DROPS_FORGIVEN = 2
"""Times that the connection may break within the same message before the run goes on without
it. Once can be chance; a server that always breaks there must not keep all other mail."""

SUCCESS_NOTED = 3600.0
"""Seconds after which a run that found nothing new notes that it was there."""
