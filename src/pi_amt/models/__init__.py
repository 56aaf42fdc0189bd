"""Transcription models, opened between front end and network: audio → spectrogram → notes.

It may import ``core``. :mod:`~pi_amt.models.loading` finds a model by its name, and
:class:`~pi_amt.models.transcriber.Transcriber` says what one must do.
"""

from pi_amt.models.loading import available_models, load_model

__all__ = ["available_models", "load_model"]
