"""Collecting mail: accounts, their journals, destinations and sign-ins.

Stands on the client library and keeps what a collector has to know from one run to the next.
"""
