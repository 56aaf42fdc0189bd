"""How far a mask reaches: whether the bins of a partial hold a steady tone at its frequency.

The yardstick is a steady tone as the front end hears it, in all bins, whatever the mask covers. The
energy in the mask's own bins would tell nothing: all of it is taken, however much lies beside them.

A mask that removes a partial is meaningless for notes whose partial it leaves in the input, above
``MOST_LEFT_DB``; one that keeps a partial, for notes whose partial it cuts by more than
``MOST_LOST_DB``. Both follow from the geometry of the front end's axis (or from its own response),
once per mask and axis. What geometry does not show, blocks that are shorter than the windows of low
bins, a model says itself (``Transcriber.steady_from``); :mod:`pi_amt.testing` measures all of it on
tones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pi_amt.core.notes import Notes
from pi_amt.core.partials import partial_frequencies
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, db_to_power_ratio, midi_to_hz
from pi_amt.permutations.donor import Donor
from pi_amt.permutations.effects import removed_db
from pi_amt.permutations.masks import PartialMask
from pi_amt.permutations.matched_energy import MatchedEnergy
from pi_amt.permutations.partial_powers import ESTIMATE
from pi_amt.permutations.permutation import Permutation
from pi_amt.permutations.regions import axis_bytes, bins_of, steady_response

#: of a partial that is removed may be left, dB
MOST_LEFT_DB = -20.0
#: of what is meant to stay may be lost, dB
MOST_LOST_DB = 3.0
_MOST_LEFT, _LEAST_KEPT = db_to_power_ratio([MOST_LEFT_DB, -MOST_LOST_DB]).tolist()
_N_KEYS = 128


def count_out_of_reach(
    permutation: Permutation, axis: Spectrogram, notes: Notes, steady_from: float = 0.0
) -> int | None:
    """How many notes a permutation cannot be valid for; ``None`` if it concerns no notes' partials.

    Args:
        permutation: a mask, a donor of a harmonic, or the target's side of an energy match.
        axis: any part of a spectrogram, only its axis is read.
        notes: of the recording.
        steady_from: the model's own limit, a MIDI number.
    """
    mask = _mask_of(permutation)
    if mask is None:
        return None
    outside, _ = _shares(mask, axis)
    if mask.keep:
        reached = (outside <= 1.0 - _LEAST_KEPT).all(axis=0)
    else:
        reached = ((outside <= _MOST_LEFT) & _is_steady(mask, steady_from)).all(axis=0)
    return int((~reached[_keys_of(notes)]).sum())


def removed_from_tones_db(
    permutation: Permutation, axis: Spectrogram, notes: Notes, steady_from: float = 0.0
) -> float | None:
    """What a mask takes from steady tones at the partials that it removes, dB of energy.

    There is one tone for each note and partial, and the mean is over those that the axis hears. It
    depends on the notes and the axis only, not on the sound. Of a tone below ``steady_from`` no
    more than ``MOST_LEFT_DB`` can be known to be removed.

    Args:
        permutation, axis, notes, steady_from: see :func:`count_out_of_reach`.

    Returns:
        dB within ± ``LIMIT_DB``; NaN where no tone is heard; ``None`` for what is no binary mask
        that removes partials.
    """
    mask = None if isinstance(permutation, Donor) else _mask_of(permutation)
    if mask is None or mask.keep:
        return None
    left, heard = _shares(mask, axis)
    left = left + (1.0 - left) * db_to_power_ratio(-_attenuation_db(permutation, mask))
    left = np.where(_is_steady(mask, steady_from), left, np.maximum(left, _MOST_LEFT))
    keys = _keys_of(notes)
    left, heard = left[:, keys], heard[:, keys]
    return removed_db(float(heard.any()), float(left[heard].mean()) if heard.any() else 0.0)


def _keys_of(notes: Notes) -> NDArray[np.int64]:
    return np.rint(notes.pitches).astype(np.int64)


def _mask_of(permutation: Permutation) -> PartialMask | None:
    """The mask whose bins a permutation touches because they are those of a feature."""
    if isinstance(permutation, Donor):
        return permutation.mask if permutation.feature == "harmonic" else None
    if isinstance(permutation, MatchedEnergy):
        target = permutation.target_permutation if permutation.side == "target" else None
        return target if isinstance(target, PartialMask) else None
    if isinstance(permutation, PartialMask) and permutation.kind == "binary":
        return permutation
    return None


def _attenuation_db(permutation: Permutation, mask: PartialMask) -> float:
    """By how many dB the mask's bins are lowered; ``inf`` where something else replaces them."""
    if isinstance(permutation, MatchedEnergy) and permutation.attenuation_db is not None:
        return permutation.attenuation_db
    return mask.attenuation_db if mask.fill == "attenuate" else math.inf


def _tones(mask: PartialMask) -> Floats:
    """``(partials, 128)`` Hz of a mask's partials of each MIDI number."""
    # a band follows its partial: whether it holds it hardly depends on where exactly it lies
    strings = "piano" if mask.inharmonicity == ESTIMATE else mask.inharmonicity
    return np.stack(
        [
            partial_frequencies(np.arange(_N_KEYS), partial, inharmonicity=strings)
            for partial in mask.partials
        ]
    )


def _is_steady(mask: PartialMask, steady_from: float) -> NDArray[np.bool_]:
    """``(partials, 128)`` whether the front end's blocks hold these tones."""
    return np.asarray(_tones(mask) >= midi_to_hz(steady_from - 0.5))


def _shares(mask: PartialMask, axis: Spectrogram) -> tuple[Floats, NDArray[np.bool_]]:
    """Share of a tone's power outside the mask, and whether the axis hears the tone, for each
    partial and MIDI number ``(partials, 128)``."""
    # the response may be of an object without a hash
    shares = _shares_of if axis.response is None else _shares_of.__wrapped__
    return shares(mask, *axis_bytes(axis), axis.response)


@lru_cache(maxsize=64)
def _shares_of(
    mask: PartialMask,
    frequencies: bytes,
    window_seconds: bytes,
    response: Callable[[Floats], Floats] | None,
) -> tuple[Floats, NDArray[np.bool_]]:
    hz, window = np.frombuffer(frequencies), np.frombuffer(window_seconds)
    axis = Spectrogram(
        np.zeros((0, len(hz), 0)), hz, np.zeros((0, 0)), window, 1.0, 0, 1, response=response
    )
    found = [_outside(axis, tones, mask.half_width_cents) for tones in _tones(mask)]
    return np.stack([outside for outside, _ in found]), np.stack([heard for _, heard in found])


def _outside(
    axis: Spectrogram, hz: Floats, half_width_cents: float | None
) -> tuple[Floats, NDArray[np.bool_]]:
    """Share of a steady tone's power outside the bins of a mask's band, 0–1, and whether the axis
    hears the tone, ``(tones,)`` each.

    A tone that the axis hardly hears (at less than −20 dB) lies outside altogether.
    """
    centre, low, high = bins_of(axis, hz, half_width_cents)
    power = steady_response(axis, hz)
    number = np.arange(power.shape[1])
    inside = (number >= low[:, None]) & (number < high[:, None])
    total = power.sum(axis=1)
    nearest, own = np.unique(centre, return_inverse=True)
    peak = steady_response(axis, axis.frequencies[nearest])[np.arange(len(nearest)), nearest][own]
    heard = total > _MOST_LEFT * peak
    outside = (power * ~inside).sum(axis=1) / np.where(heard, total, 1.0)
    return np.where(heard, outside, 1.0), heard
