"""Transcribers of which nothing is known but what they answer: a function, or a program.

A *listener* is called with samples ``(samples,)`` float32 and their rate in Hz and returns
:class:`~pi_amt.core.notes.Notes`; its ``identity`` is that of a model. What is perturbed for it is
the sound itself, see :mod:`pi_amt.models.audio_domain`.
"""
