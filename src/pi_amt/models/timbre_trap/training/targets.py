"""What the network should answer: activations per bin and frame, and how much each weighs.

Targets (values in 0…1 per bin and frame): 1 at the onset, falling to ``SUSTAIN`` while the note
sounds, 0 for ``REST_SECONDS`` before its key is struck again, so that re-strikes are rises. They
spread over ±2 bins around the note's frequency. The weight is small where nobody could tell:
below the audible, and just after the offset; it is large around onsets and while dampers act, where
most errors are made.
"""

from __future__ import annotations

import numpy as np

from pi_amt.models.timbre_trap.slicq import BLOCK_FRAMES, FRAME_RATE_HZ, N_BINS, SAMPLE_RATE_HZ
from pi_amt.models.timbre_trap.training.scores import Score

PREROLL_SECONDS = 4.0  # of score before the block: notes that still sound in it
ENVELOPE_HOP = 2_205  # samples between the levels of a note
SUSTAIN = 0.4
ONSET_SECONDS = 0.04
FALL_SECONDS = 0.06
REST_SECONDS = 0.03
UNSURE_SECONDS = 0.02  # after the offset
RELEASE_SECONDS = 0.25  # after the offset: a damped string still sounds
AUDIBLE_DB = -62.0  # below the recording's peak
UNSURE_WEIGHT = 0.1
STRIKE_WEIGHT = 2.5  # of a note's bins around its onset
STRIKE_SECONDS = (0.06, 0.1)  # before and after the onset
RELEASE_WEIGHT = 2.5
_SPREAD = np.array([0.3, 0.75, 1.0, 0.75, 0.3], np.float32)
_LOWEST_MIDI = 16.7656


def paint_targets(
    score: Score, levels: np.ndarray, cents: float, stride: int, phase: int
) -> tuple[np.ndarray, np.ndarray]:
    """Targets and weights float32 (540, 1024/stride) of the block's notes."""
    frames = BLOCK_FRAMES // stride
    times = PREROLL_SECONDS + (np.arange(frames) * stride + phase) / FRAME_RATE_HZ
    targets = np.zeros((N_BINS + 8, frames), np.float32)  # four spare bins on either side
    unsure = np.zeros((N_BINS + 8, frames), bool)
    strike = np.zeros((N_BINS + 8, frames), bool)
    release = np.zeros((N_BINS + 8, frames), bool)
    restrike = _next_strike(score)
    for i in np.flatnonzero((score.onsets < times[-1]) & (score.offsets + 0.2 > times[0])):
        onset, offset = score.onsets[i], min(score.offsets[i], restrike[i] - REST_SECONDS)
        before, first, after = np.searchsorted(
            times, [onset - STRIKE_SECONDS[0], onset, onset + STRIKE_SECONDS[1]]
        )
        last, known, end = np.searchsorted(
            times, [offset, offset + UNSURE_SECONDS, offset + RELEASE_SECONDS]
        )
        if known <= first:
            continue
        age = (times[first:last] - onset).astype(np.float32)
        curve = SUSTAIN + (1 - SUSTAIN) * np.exp(
            -np.maximum(0, age - ONSET_SECONDS) / np.float32(FALL_SECONDS)
        )
        position = (score.pitches[i] + cents / 100 - _LOWEST_MIDI) * 5
        bin_ = round(position) + 4
        area = targets[bin_ - 2 : bin_ + 3, first:last]
        np.maximum(area, _SPREAD[:, None] * curve, out=area)
        strike[bin_ - 2 : bin_ + 3, before:after] = True
        slot = np.minimum((age * (SAMPLE_RATE_HZ / ENVELOPE_HOP)).astype(int), 49)
        unsure[bin_ - 2 : bin_ + 3, first:last] |= levels[i][slot] < AUDIBLE_DB
        if restrike[i] > offset + RELEASE_SECONDS:
            unsure[bin_ - 2 : bin_ + 3, last:known] = True
            release[bin_ - 2 : bin_ + 3, known:end] = True
    weights = np.where(release, np.float32(RELEASE_WEIGHT), np.float32(1))
    weights[strike] = STRIKE_WEIGHT
    weights[unsure] = UNSURE_WEIGHT
    return targets[4:-4], weights[4:-4]


def _next_strike(score: Score) -> np.ndarray:
    """For every note the next onset of its pitch in seconds (inf: never)."""
    out = np.full(len(score.onsets), np.inf)
    order = np.lexsort((score.onsets, score.pitches))
    same = score.pitches[order[1:]] == score.pitches[order[:-1]]
    out[order[:-1][same]] = score.onsets[order[1:][same]]
    return out
