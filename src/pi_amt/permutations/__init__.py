"""Perturbations of a spectrogram, their controls, and the account of what they did.

It may import ``core``. :mod:`~pi_amt.permutations.loading` finds a permutation by its name, and
:class:`~pi_amt.permutations.permutation.Permutation` says what one must do.
"""

from pi_amt.permutations.loading import available, load_permutation

__all__ = ["available", "load_permutation"]
