"""The program ``pi-amt``: its commands, the Hydra application and its configuration.

It may import everything.
"""
