"""A reader that somebody has used for a while: what every page can show is there, and the clock stands still."""
