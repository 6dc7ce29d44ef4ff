"""``pillarbox read``: the reader's parts are put together, and run until a signal ends them.

``arguments``    the command line, read without Typer when it is in order
``command``      from what is wished for to the exit code
``page_folder``  what the page keeps in the library: who runs it, the way in, its port
``doorway``      where the page is on the network, and who may come in there
``parts``        the services of a reader, made
``running``      services and page side by side; the order in which they end
``watching``     what other programs do to the mail is noticed
``bar``          progress on the terminal
"""
