"""Moving users from one post office into another, whatever the engines of the two.

``office``   the post office that they come from, by its configuration
``run``      one user after the other: mail and views first, then the account

Nothing is changed in the other one. An account comes last, so that whoever can sign in here finds the mail
here; and as :mod:`pillarbox.contracts.transfer` tells of mail, the other post office counts until somebody has used
the maildrop in this one.
"""
