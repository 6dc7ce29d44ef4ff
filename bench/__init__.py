"""What the server costs: CPU seconds per operation, memory per idle connection.

``python -m bench`` (or ``make bench``) starts a real ``pillarbox serve`` with one worker,
fills it, and drives one kind of work after another. The figure is the server's CPU time, over
all its processes and in user and kernel mode, because that holds on a machine that others use
as well; it comes from the kernel's scheduler statistics, in nanoseconds. Each work runs
several rounds, the median counts. Every reply is checked for its full length, so that a wrong
or short answer is an error and not a fast one.

==============  =======================================================
``figures``     CPU and memory of a running server, from ``/proc``
``client``      a driver that is quick because it knows what to expect
``office``      the server under test, and what lies in its maildrops
``limit``       a bare server with the same replies: nothing in Python is cheaper
``works``       the kinds of work, one function each
``handshakes``  likewise: TLS handshakes, whole and resumed
==============  =======================================================

``python -m bench fetch`` measures the collector, see :mod:`bench.fetch`.
"""
