"""How quick the reader is with a mailbox of many messages.

``mail``    the mailbox: generated
``index``   what a page asks of the index, and looks at the disk, in a process of their own
``reading`` the reader as a process: started, asked over HTTP, ended
``pages``   what a browser waits for
``spent``   time, by the clock and of processors; memory
"""
