"""Recordings × conditions → rows, on any executor.

It may import ``core``, ``datasets``, ``models``, ``permutations``, ``scoring`` and ``store``.
"""
