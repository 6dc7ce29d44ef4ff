"""POP3 as pure functions and state machines: no sockets, no clock, no files.

Bytes are understood here and nowhere else. A shell (``server/connection.py``) feeds what it
reads to a machine and writes what the machine returns; transcripts, fuzzers and benchmarks
drive the same machine. One noun a file:

============== ==================================================================
``lines``      bytes in, lines out, bounded
``commands``   the table of commands and their grammar
``states``     the states and the one table of transitions
``replies``    ``+OK`` and ``-ERR``, response codes
``multiline``  dot-stuffing, and TOP's cut
``canonical``  any message in, the stored form out
``capabilities`` what CAPA announces
``server``     the server's machine: bytes in, commands out; replies in, segments out
``client``     the client's machine: commands out; bytes in, replies out
``status``     status lines, as a client reads them
``content``    the content of a reply: its end and its dots, as a client finds them
``listings``   what STAT, LIST, UIDL and CAPA say, read tolerantly
``redact``     transcripts without secrets
``errors``     what the wire refuses
============== ==================================================================
"""
