"""pi_amt: permutation importance in automatic music transcription."""

__version__ = "0.1.0"
