"""What the house needs from its engines, as small typed protocols.

Each promise is in the docstring of the method that makes it, and
:mod:`pillarbox.testing.store_contract` checks them on every engine. Nothing here knows an
engine, and nothing here knows the words of a POP3 reply: engines raise the errors of
:mod:`pillarbox.contracts.errors`, and one table in ``server/verbs.py`` (and one in
``delivery``) turns them into replies.
"""
