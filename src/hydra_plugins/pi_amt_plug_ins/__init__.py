"""Hydra finds the plug-ins of other packages here."""
