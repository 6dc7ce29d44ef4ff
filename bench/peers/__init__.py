"""The servers that are measured, each started from nothing, with the same mail.

``contract`` says what the works need of one. ``pillarbox`` is ours, ``limit`` the bare server
that bounds it; ``dovecot``, ``courier`` and ``cyrus`` are those of others. ``maildirs`` fills
the two that read Maildirs.
"""
