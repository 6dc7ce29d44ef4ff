from tests.sources.made import maildir, put

__all__ = ["maildir", "put"]
