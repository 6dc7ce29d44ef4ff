"""What the server costs, beside others: CPU seconds per operation, memory per session.

``python -m bench`` (or ``make bench``, as root on Debian, which installs the others) starts a real
``pillarbox serve`` and every other POP3 server that it finds, gives all of them the same mail, and
drives one kind of work after another, each server in its turn. The figure is the server's CPU
time, over all its processes and in user and kernel mode, because that holds on a machine that
others use as well. Each work runs several rounds, the median counts. Every reply is checked, so
that a wrong or short answer is an error and not a fast one.

==============  =======================================================
``accounting``  CPU and memory of all processes of a server
``client``      a driver that is quick because it knows what to expect; ``lmtp`` likewise
``peers``       the servers: how each is started, and filled
``works``       the kinds of work; ``day``: one of them, a provider's day
``run``         all works by all servers
``figures``     what a round comes to, and many rounds
``goals``       how far ahead of the others ours is to be; ``obstacles``: why it is not
``table``       the figures on the terminal; ``page`` and ``plots``: as docs/benchmarks.md
==============  =======================================================

``python -m bench fetch`` measures the collector, see :mod:`bench.fetch`; ``python -m bench
cluster`` the cluster engine, see :mod:`bench.cluster`.
"""
