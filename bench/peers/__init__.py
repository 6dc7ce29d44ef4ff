"""The servers that are measured, each started from nothing, with the same mail.

``contract`` says what the works need of one. ``pillarbox`` is ours, ``limit`` the bare server
that bounds it (and ``limit_in_c`` the
kernel that bounds that); ``dovecot``, ``courier`` and ``cyrus`` are those of others. ``maildirs`` fills
the two that read Maildirs.
"""
