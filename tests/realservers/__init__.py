"""POP3 servers that others wrote, run by the tests as processes of their own.

Each stands on loopback ports that were free, with a configuration, a certificate and one
maildrop in a folder of its own; nothing of what the machine may have set up is read or
touched. Mail is put into the maildrop as a delivery agent would, not by SMTP: thousands of
messages take no longer than their files.
"""
