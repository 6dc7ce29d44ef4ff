"""How much work things take, counted and not timed.

What a session costs in seconds differs from machine to machine, and from minute to minute. How many
statements it puts to SQLite, how many system calls, function calls and copies it makes and how much
it holds does not. So a change that makes the server dearer is found here, on any machine, and told
with what has grown.

Each figure has a row in :mod:`~tests.work.budgets`; a test measures it and fails when it is above.
``python -m tests.work`` shows all figures beside their budgets.

==================  ==============================================================================
``budgets``         the table: the figure, and what it is spent on
``judging``         the verdict, and what is said when something has grown
``office``          a post office in this process, and a client that sees what reaches its transport
``statements``      what is said to SQLite
``calls``           function calls
``copies``          octets that go into fresh memory
``holdings``        what stays in memory
``system_calls``    what a real worker asks of the system (strace)
==================  ==============================================================================
"""
