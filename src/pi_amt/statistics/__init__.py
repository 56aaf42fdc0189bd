"""Rows → results with their uncertainty. Nothing here runs a model, draws or prints.

It may import ``core``, ``permutations``, ``scoring`` and ``store``.
"""
