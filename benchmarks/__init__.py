"""Measurements: ``python -m benchmarks``, one table, ratios within one run. Not tests."""
