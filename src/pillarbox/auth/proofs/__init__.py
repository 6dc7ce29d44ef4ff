"""Proofs: what a client claims, held against the accounts. One file for each kind of claim.

A proof has two steps (:mod:`.proof`), for which the authenticator sees to it that guessing is slow:
``recognise`` says without much work what is known already; ``prove`` is the long way. Neither
says anything to the client; what a refusal says is for the operator's log.

``means`` is what all of them work with; ``human`` proves the account's own password, with as
much work for whoever is not known as for whoever is.
"""
