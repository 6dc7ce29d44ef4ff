"""Three nodes behind a balancer, in trouble, with all their promises in the books.

``pair``      PostgreSQL with a synchronous standby, which can take over
``cables``    between a node and the database; can be cut
``balancer``  HAProxy in front
``cluster``   all of it together: PostgreSQL, SeaweedFS, three nodes, HAProxy
``clients``   who delivers and collects meanwhile, and comes again when something fails
``troubles``  what is done to it
``witness``   says QUIT too late, and must be refused
``programs``  mail programs of other people, as four devices of one account
``audit``     holds all maildrops against the books, afterwards
``tokens``    what the nodes' logs say of who had which lease when
"""
