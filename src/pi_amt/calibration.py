"""How far a masked input is from the truth: ``pi-amt calibrate MODEL``.

For synthesised tones the truth is known: the same tone synthesised without the partials that a
mask is to remove. The model hears both; the closer its activity under the mask is to its activity
on the true ablation, the more a drop under that mask means what its name says.

The *distance* of a tone is ``Σ_p |ā_masked(p) − ā_true(p)|``, where ``ā(p)`` is the mean activity
of pitch p while the tone sounds: 0 = indistinguishable from the truth; a mask that kills
a note which truly stays, or invents one, adds up to about 1. The *response* is ``ā`` of the tone's
own pitch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi_amt.datasets.calibration import NOTE_SECONDS, CalibrationTrack
from pi_amt.models.transcriber import Transcriber
from pi_amt.notes import Notes
from pi_amt.permutations import Permutation, load_permutation
from pi_amt.spectrogram import Spectrogram
from pi_amt.tables import Table

#: two tones per octave from C2 to G6, one after the other
TONES = (36, 43, 48, 55, 60, 67, 72, 79, 84, 91)
OCTAVES = ("c2", "c3", "c4", "c5", "c6")
#: widths are tried with each mask's own fill, fills with the default width
WIDTHS_CENTS = (35.0, 50.0, 70.0, 100.0, 150.0)
FILLS = ("silence", "background", "attenuate")
DILATIONS = (0.0, 0.5)


@dataclass(frozen=True)
class Trial:
    """One mask with its options, and what it is to imitate.

    Attributes:
        mask: config name.
        keep: whether the mask keeps the fundamentals instead of removing them.
        options: those that differ from the defaults.
    """

    mask: str
    keep: bool
    options: tuple[tuple[str, Any], ...]

    @property
    def permutation(self) -> Permutation:
        """The mask itself."""
        return load_permutation(self.mask, **dict(self.options))

    def true_audio(self, track: CalibrationTrack) -> tuple[NDArray[np.float32], int]:
        """The sound that the mask is to imitate."""
        return track.audio_with_only({1}) if self.keep else track.audio_without({1})


def trials() -> Iterator[Trial]:
    """All masks × fills at the default width, and widths and dilations with the hard fill."""
    for mask, keep in (("fund_mask", False), ("harm_mask", True)):
        yield from (Trial(mask, keep, (("fill", fill),)) for fill in FILLS)
        yield from (Trial(mask, keep, (("half_width_cents", width),)) for width in WIDTHS_CENTS)
        yield from (Trial(mask, keep, (("time_dilation", share),)) for share in DILATIONS)


def calibrate(model: Transcriber) -> Table:
    """Compare every mask with the true ablation, per octave.

    Args:
        model: any transcriber; its own front end is used.

    Returns:
        One line per mask and option: mean distance, distance per octave, and the model's response
        to the tone itself: clean, truly ablated, masked.
    """
    track = CalibrationTrack("registers", tuple((pitch,) for pitch in TONES))
    notes = track.notes()
    clean = model.analyze(*track.audio())
    heard = _responses(model, clean, notes)
    truth = {
        keep: _responses(model, model.analyze(*Trial("", keep, ()).true_audio(track)), notes)
        for keep in (False, True)
    }
    records = []
    for trial in trials():
        masked = _responses(model, trial.permutation(clean, notes, key=0), notes)
        records.append(_record(trial, heard, truth[trial.keep], masked, notes))
    best = {
        mask: min((r for r in records if r["mask"] == mask), key=lambda r: float(r["distance"]))
        for mask in ("fund_mask", "harm_mask")
    }
    columns = tuple(records[0])
    return Table(
        title=f"How close masks come to the true ablation: {model.identity.name} "
        f"({model.identity.weights_label})",
        columns=columns,
        records=tuple(records),
        footers=(
            "distance: sum over pitches of |mean activity under the mask − on the true ablation|, "
            "mean over tones (two per octave); 0 = as if the sound had been made without.",
            "clean, true, masked: mean activity of the tone's own pitch.",
            *(
                f"closest for {mask}: {record['option']} ({record['distance']:.3f})"
                for mask, record in best.items()
            ),
        ),
        formats=dict.fromkeys((c for c in columns if c not in ("mask", "option")), ".3f"),
        lead=("option", *(c for c in columns if c != "option")),
        groups=("mask",),
    )


def _responses(model: Transcriber, spectrogram: Spectrogram, notes: Notes) -> NDArray[np.float64]:
    """``(notes, 88)`` mean activity of every pitch while each note sounds."""
    activations = model.activations(spectrogram)
    activity = model.pitch_activity(activations)
    times = model.frame_times(len(activity))
    sounding = (times >= notes.onsets[:, None]) & (times < notes.onsets[:, None] + NOTE_SECONDS)
    return np.stack([activity[frames].mean(axis=0, dtype=np.float64) for frames in sounding])


def _record(
    trial: Trial,
    clean: NDArray[np.float64],
    truth: NDArray[np.float64],
    masked: NDArray[np.float64],
    notes: Notes,
) -> dict[str, Any]:
    distances = np.abs(masked - truth).sum(axis=1)
    own = (np.arange(len(notes)), np.rint(notes.pitches).astype(int) - 21)
    ((name, value),) = trial.options
    per_octave = distances.reshape(len(OCTAVES), -1).mean(axis=1)
    return {
        "mask": trial.mask,
        "option": f"{name}={value}",
        "distance": float(distances.mean()),
        **{octave: float(d) for octave, d in zip(OCTAVES, per_octave, strict=True)},
        "clean": float(clean[own].mean()),
        "true": float(truth[own].mean()),
        "masked": float(masked[own].mean()),
    }
