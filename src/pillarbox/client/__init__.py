"""The client's side of POP3: finding a server, reaching it, and collecting mail from it.

It needs nothing but the standard library. What an extra provides (a proxy, discovery by
DNS) is imported only when it is asked for.
"""
