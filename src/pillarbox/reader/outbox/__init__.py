"""Sent mail waits on disk until a server has taken it.

What becomes of a message is what becomes of its recipients; each of them is in one of these states, and the
message is in the first of the list that any of its recipients is in (``record``)::

    waiting ──► in hand ──► taken                  waiting in hand  SENDING
       ▲          │ ├─────► refused                waiting          HELD for a moment, then WAITING
       │          │ └─────► unsure                 unsure           UNCONFIRMED
       └──────────┘                                refused          REFUSED
                                                   (all taken)      it has left

* **waiting → in hand** is on disk before the end of the message (the dot of RFC 5321, section 4.1.1.4) is sent. Until
  a server has heard that dot it must not deliver anything, so whatever breaks before it is safe to
  try again, and until then a message can still be taken back.
* **in hand → taken**, **→ refused**, **→ waiting** is what the server answers to the dot: 2xx, 5xx, 4xx.
* **in hand → unsure**: there was no answer. The connection broke, or this program was killed: what is found *in
  hand* at a start was. Nobody knows whether the server has it, so it is sent again only by the
  user's word (``send_again``: unsure and refused → waiting).
* A recipient that a server refuses by itself (RCPT) goes from waiting to refused, or stays; the
  others get the message meanwhile.

What the user discards is for nobody any more (``discarded``), and goes as what has left goes.

What has left for anybody gets its copy in Sent, and marks what it answers, once; the name of that copy was chosen
when the message came, so that a crash makes no second one. Then its draft goes, and last its own
files. A crash anywhere in between is made up for at the next start.

``record``     what is known of a message, and how it is written down
``shelf``      the files: ``ID.eml`` is the message, ``ID.json`` its record, replaced as a whole
``envelope``   what a message needs of a server
``talk``       a connection to a submission server: TLS, and nothing before it; ``signing_in``
``handover``   one message through it
``becoming``   what an attempt makes of a record
``noting``     what is done when it has left; ``filing``: the copy in Sent
``standings``  how long an account waits, and why
``agenda``     what there is to do, and when
``sender``     who sends what, when
``box``        all of it, as :class:`pillarbox.reader.contracts.Outbox`
"""

from __future__ import annotations

from pillarbox.reader.outbox.box import open_outbox

__all__ = ["open_outbox"]
