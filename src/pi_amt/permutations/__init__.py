"""Perturbations of a model's time–frequency input, one file each."""
