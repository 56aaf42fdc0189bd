"""Rows on disk, and which of them count.

It may import ``core`` and ``scoring`` (a row carries a table of its notes).
"""
