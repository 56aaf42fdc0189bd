"""What all black boxes have in common: the sound that they are given, and the check of what they
answer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from pi_amt.core.audio import MAX_RATE, MIN_RATE, resample
from pi_amt.core.checks import check_count, check_range
from pi_amt.core.notes import Notes
from pi_amt.core.units import Samples, db_to_amplitude
from pi_amt.models.black_box.answers import checked_answer
from pi_amt.models.transcriber import ModelIdentity


class BlackBox(ABC):
    """A listener of which nothing is known but the notes that it answers with.

    Args:
        name: what it is called in tables and messages.
        sample_rate: of the sound that it is given, Hz; ``None``: that of the recording.
        gain_db: by how much it is given the sound louder.
        late_ms: by how much its notes are late; they are moved earlier by that.

    Raises:
        ValueError: for a number that cannot be meant.
    """

    #: a sub-class makes it, with :attr:`settings` among its settings
    identity: ModelIdentity

    def __init__(
        self, name: str, sample_rate: int | None = None, gain_db: float = 0.0, late_ms: float = 0.0
    ) -> None:
        if sample_rate is not None:
            check_count("model.sample_rate", sample_rate, MIN_RATE, MAX_RATE)
        check_range("model.gain_db", gain_db, -100, 100, "dB")
        check_range("model.late_ms", late_ms, -1000, 1000, "ms")
        self.name = name
        self.sample_rate, self.gain_db, self.late_ms = sample_rate, gain_db, late_ms

    @property
    def settings(self) -> Mapping[str, Any]:
        """What decides the answer beside the model itself."""
        return {
            "listener_rate": self.sample_rate,
            "gain_db": float(self.gain_db),
            "late_ms": float(self.late_ms),
        }

    @abstractmethod
    def answer(self, samples: Samples, sample_rate: int) -> object:
        """What the model finds, not yet checked, in samples that are its own."""

    def __call__(self, samples: Samples, sample_rate: int) -> Notes:
        """The notes that the model finds.

        Raises:
            TypeError, ValueError: if it answers with what cannot be notes of this recording.
        """
        seconds = len(samples) / sample_rate
        rate = self.sample_rate or sample_rate
        given = np.array(resample(samples, sample_rate, rate), dtype=np.float32)
        given *= np.float32(db_to_amplitude(self.gain_db))
        found = checked_answer(self.name, self.answer(given, rate), seconds, rate)
        return found.shifted(-self.late_ms / 1000)
