"""Results → tables, figures, sentences, a page and an explorer of single recordings.

It may import everything below it: ``statistics``, ``study`` (the explorer runs the conditions of a
study again), and what these build on.
"""
