"""The bench's own parts: that its driver takes no wrong answer for a fast one, and what it makes of
the figures.
"""
