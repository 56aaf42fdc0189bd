"""Measurements, which are no tests: ``python -m benchmarks`` prints one table of them.

What is compared with each other is measured in one run, and its ratio stands in the table.
"""
