"""``ablate_channel``: a probe inside the model instead of a perturbation of its input."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from pi_amt.core.checks import check_count
from pi_amt.permutations.permutation import NECESSITY, Change, Permutation, Scene

PROBE = "harmonic_channel"


@dataclass(frozen=True)
class AblateChannel(Permutation):
    """One channel of the model's harmonic stack is set to zero; the input stays as it is.

    No reference notes are used, so nothing can leak through a mask's edges. Basic Pitch's channels
    0–7 hold the input shifted by the harmonics ½, 1, 2 … 7. Models without a harmonic stack are
    not run under this condition.

    Attributes:
        channel: 0–7.
    """

    channel: int = 1

    name: ClassVar[str] = "ablate_channel"
    summary: ClassVar[str] = "probe: one channel of Basic Pitch's harmonic stack is set to zero"
    tests = NECESSITY

    def __post_init__(self) -> None:
        check_count("channel", self.channel, 0, 7)

    @property
    def feature_in_words(self) -> str:
        of = {0: "half the fundamental", 1: "the fundamentals"}
        return f"the channel of {of.get(self.channel, f'harmonic {self.channel}')} in the network"

    @property
    def needs_probe(self) -> str:
        return PROBE

    def draw(self, scene: Scene) -> Change:
        return Change(lambda spectrogram: replace(spectrogram, probe=(PROBE, self.channel)))
