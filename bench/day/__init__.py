"""A day of a provider in fast motion: many accounts, whose clients poll, some often and most seldom,
while mail comes in for them; and an account of every letter.

============  =======================================================
``plan``      who polls when, and which letters come for whom: the same for every server
``ledger``    where each letter is; knows when one is lost, comes twice, or to somebody else
``talks``     many conversations in one thread
``provider``  the day itself: what a poll and a delivery say to the server
============  =======================================================
"""
