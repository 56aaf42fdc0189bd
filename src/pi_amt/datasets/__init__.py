"""Recordings with their reference notes: the demo, a folder, public datasets, and synthesis.

It may import ``core``. :mod:`~pi_amt.datasets.loading` finds a dataset by its name, and
:class:`~pi_amt.datasets.track.Track` says what a recording must offer.
"""

from pi_amt.datasets.loading import available_datasets, load_dataset

__all__ = ["available_datasets", "load_dataset"]
