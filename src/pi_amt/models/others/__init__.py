"""Models of other people whose packages are installed apart, opened at their spectrograms.

Nothing of theirs is shipped: see ``docs/models/others.md`` for how to install them, their licences
and papers. Without its package a model raises ``NotReady``, which says so.
"""
