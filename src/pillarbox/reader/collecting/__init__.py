"""The accounts' mail comes in: on a schedule, and by a button.

``collector``  all accounts, side by side; those that come and go
``keeper``     one account, run after run
``live``       what pages are told of it while it runs, a few times a second
``looks``      the library takes note of what has come, again and again while it comes
``words``      what ended a run: a state, and sentences for a page

The work is ``pillarbox.fetch``'s: runs, journals, pauses. So whatever crashes, nothing is lost or comes twice;
and ``pillarbox fetch`` may collect the same accounts, at other times.
"""
