"""Hydra configuration; a package, so that Hydra finds it after any kind of installation."""
