"""What collecting costs, beside three collectors that people use.

``python -m bench fetch`` fills a maildrop with 10,000 messages of 4 kB and has each collector
empty it into a fresh place, over TLS: Pillarbox, mpop and getmail6 into a Maildir, fetchmail into
a BSMTP file (with a delivery agent it would start 10,000 processes). All have the same server,
Dovecot where it is installed, else our own. Rounds are interleaved, so that the machine's moods
hit all alike, and the medians count. CPU is that of the collector alone, with all its children,
from its start to its end. Afterwards the maildrop is empty, and each looks once more: a poll.

What is not the same is what they promise: Pillarbox and mpop have each message synced before it
is deleted on the server, and Pillarbox its folder and its journal, too; getmail6 syncs the
message; fetchmail syncs nothing.

==========  ======================================================
``peers``   the collectors: how each is made to do the same
``drop``    the server, and the maildrop that is filled again
``rounds``  one collection, measured
==========  ======================================================
"""
