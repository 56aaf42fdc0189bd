"""How far a masked input is from the truth: ``pi-amt calibrate MODEL``.

For synthesised tones the truth is known: the same tone synthesised without the partials that a
mask is to remove. The model hears both; the closer its activity under the mask is to its activity
on the true ablation, the more a drop under that mask means what its name says.

The *distance* of a tone is ``Σ_p |ā_masked(p) − ā_true(p)|``, where ``ā(p)`` is the mean activity
of pitch p while the tone sounds. 0 means that the mask cannot be told from the truth; a mask that
removes a note which truly stays, or invents one, adds up to about 1. The distance of a chord is
divided by the number of its notes. Chords show what a band takes from the partials of *other*
notes, which tones cannot. The *response* is ``ā`` of the tone's own pitch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pi_amt.core.notes import LOWEST_PITCH, Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats
from pi_amt.datasets.calibration import NOTE_SECONDS, CalibrationTrack
from pi_amt.models.transcriber import Transcriber
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.masks import PartialMask

#: two tones per octave from C2 to G6, one after the other
TONES = (36, 43, 48, 55, 60, 67, 72, 79, 84, 91)
OCTAVES = ("c2", "c3", "c4", "c5", "c6")
#: neighbours a whole tone apart, an octave's partial a semitone beside a fundamental, a wide chord
CHORDS = ((60, 62, 67), (48, 61, 67), (53, 66, 72), (41, 57, 60, 77))
#: what is calibrated on tones; on music it is :data:`pi_amt.study.truth.CALIBRATED`
TONE_MASKS = ("fund_mask", "harm_mask")
#: each width with both fills of the study; attenuation and dilations with the default width
WIDTHS_CENTS = (35.0, 50.0, 70.0, 100.0, 150.0)
TONE_FILLS = ("silence", "background")
DILATIONS = (0.0, 0.5)


@dataclass(frozen=True)
class Trial:
    """One mask with its options.

    Attributes:
        mask: config name.
        options: those that differ from the defaults.
        option: the same options in words, for the table.
    """

    mask: str
    options: tuple[tuple[str, Any], ...]
    option: str

    @property
    def permutation(self) -> PartialMask:
        """The mask itself."""
        made = load_permutation(self.mask, **dict(self.options))
        assert isinstance(made, PartialMask)
        return made


def trials() -> Iterator[Trial]:
    """All masks × fills × widths, and attenuation and dilations at the default width."""
    for mask in TONE_MASKS:
        for fill in TONE_FILLS:
            for width in WIDTHS_CENTS:
                options = (("fill", fill), ("half_width_cents", width))
                yield Trial(mask, options, f"{fill}, {width:g} cents")
        yield Trial(mask, (("fill", "attenuate"),), "attenuate, 20 dB")
        for share in DILATIONS:
            yield Trial(mask, (("time_dilation", share),), f"silence, dilation {share:g}")


def calibrate(model: Transcriber) -> list[dict[str, Any]]:
    """Compare every mask with the true ablation, per octave and on chords.

    Args:
        model: any transcriber; its own front end is used.

    Returns:
        One record per mask and options: mean distance over tones, per octave and of chords, and the
        model's response to the tone itself: clean, truly ablated, masked.
    """
    track = CalibrationTrack("registers", (*((pitch,) for pitch in TONES), *CHORDS))
    notes = track.notes()
    clean = model.analyze(*track.audio())
    heard = _responses(model, clean, notes)
    ablated = {False: track.audio_without({1}), True: track.audio_with_only({1})}
    truth = {keep: _responses(model, model.analyze(*ablated[keep]), notes) for keep in ablated}
    records = []
    for trial in trials():
        mask = trial.permutation
        masked = _responses(model, mask(clean, notes, key=0), notes)
        records.append(_record(trial, heard, truth[mask.keep], masked))
    return records


def _responses(model: Transcriber, spectrogram: Spectrogram, notes: Notes) -> Floats:
    """``(steps, 88)`` mean activity of every pitch while each tone or chord sounds."""
    activations = model.activations(spectrogram)
    activity = model.pitch_activity(activations)
    times = model.frame_times(len(activity))
    onsets = np.unique(notes.onsets)[:, None]
    sounding = (times >= onsets) & (times < onsets + NOTE_SECONDS)
    return np.stack([activity[frames].mean(axis=0, dtype=np.float64) for frames in sounding])


def _record(
    trial: Trial,
    clean: Floats,
    truth: Floats,
    masked: Floats,
) -> dict[str, Any]:
    distances = np.abs(masked - truth).sum(axis=1)
    tones, chords = distances[: len(TONES)], distances[len(TONES) :]
    own = (np.arange(len(TONES)), np.array(TONES) - LOWEST_PITCH)
    per_octave = tones.reshape(len(OCTAVES), -1).mean(axis=1)
    return {
        "mask": trial.mask,
        "option": trial.option,
        "distance": float(tones.mean()),
        **{octave: float(d) for octave, d in zip(OCTAVES, per_octave, strict=True)},
        "chords": float(np.mean(chords / [len(chord) for chord in CHORDS])),
        "clean": float(clean[own].mean()),
        "true": float(truth[own].mean()),
        "masked": float(masked[own].mean()),
    }
