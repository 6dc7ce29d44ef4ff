"""Accounts in an SQL database: PostgreSQL, or MySQL and MariaDB.

``query`` is what is asked, with the user's name as its parameter; ``row`` makes an account of
what comes back; ``url`` says where the database is; ``postgresql`` and ``mysql`` ask it, each
with its library, which is imported only there; ``source`` is the whole.
"""
