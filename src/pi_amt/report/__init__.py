"""Results → tables, figures, sentences, a page and an explorer of single recordings.

It may import everything below it: ``statistics``, ``study`` (it makes conditions again from their
rows, and the explorer runs them), and what these build on.
"""
