"""SASL mechanisms as step machines, both sides of one in one file (RFC 4422).

A server's machine is made for one exchange and stepped with the client's responses. It does
no I/O and knows no passwords: when it has heard enough it returns what the client *claims*,
and the shell has that checked. :mod:`.server` is the registry of these, :mod:`.client`
chooses among the clients' machines; each imports only what its side needs.
"""
