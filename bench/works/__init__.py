"""The kinds of work, a file for each theme. Each work is one function that drives one server for
one round and returns its figures; ``plan`` is the list of all.

Where one client alone would measure how a machine wakes up, several go in ``lockstep``.
What the maildrops hold at first is in ``mail``.
"""
