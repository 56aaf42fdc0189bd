"""Timbre-Trap's network as it runs in a study: the same numbers as the readable one, faster.

It may import ``core`` and the readable network in :mod:`pi_amt.models.timbre_trap.network`.
"""
