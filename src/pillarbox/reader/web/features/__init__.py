"""What one can do on the page: a module or package for each, with ``routes(desk)``."""
