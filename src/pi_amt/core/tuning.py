"""How far a recording is tuned from A4 = 440 Hz.

One number per recording, from its clean audio alone, so that every model gets the same masks. The
stretch of a piano's tuning (Railsback) is not modelled: masks shift as a whole. The estimate is
the mode, on the circle of 100 cents, of the interpolated spectral peaks between 80 and 2000 Hz,
each weighted by the root of its magnitude: low partials, which are loudest and least sharp, decide
it.
"""

from __future__ import annotations

import numpy as np

from pi_amt.core.units import Floats, Samples, hz_to_midi

LOWEST_HZ, HIGHEST_HZ = 80.0, 2000.0
_WINDOW_SECONDS = 0.74
# Frames spread evenly over the recording: 45 minutes take as long as 2.
_MAX_FRAMES = 320
# A peak of noise stands this far above the local median once in 10^7, a partial most of the time.
_PROMINENCE = 5.0
_NEIGHBOURHOOD_HZ = 60.0
_MIN_PEAKS = 5
_MIN_CONCENTRATION = 0.25
_KERNEL_CENTS = 6.0


def estimate_tuning(samples: Samples, sample_rate: int) -> float:
    """Deviation of a recording from A4 = 440 Hz, in cents within [−50, 50].

    Args:
        samples: ``(samples,)`` mono audio.
        sample_rate: in Hz.

    Returns:
        Cents; 0 where evidence is thin: silence, noise, fewer than five partials, or partials
        that agree on no tuning.
    """
    cents, weights = _peak_deviations(np.asarray(samples, dtype=np.float32), sample_rate)
    if len(cents) < _MIN_PEAKS:
        return 0.0
    angle = np.exp(2j * np.pi * cents / 100.0)
    if abs(np.average(angle, weights=weights)) < _MIN_CONCENTRATION:
        return 0.0
    return _mode_cents(cents, weights)


def _mode_cents(cents: Floats, weights: Floats) -> float:
    """Mode of a weighted distribution on the circle of 100 cents, in [−50, 50)."""

    def kernel(centre: Floats) -> Floats:
        distance = (cents - centre[:, None] + 50.0) % 100.0 - 50.0
        return np.asarray(weights * np.exp(-0.5 * (distance / _KERNEL_CENTS) ** 2))

    grid = np.arange(-50.0, 50.0)
    centre = float(grid[kernel(grid).sum(axis=1).argmax()])
    for _ in range(20):  # mean shift climbs to the mode between the grid's points
        weight = kernel(np.array([centre]))[0]
        distance = (cents - centre + 50.0) % 100.0 - 50.0
        centre += float(np.average(distance, weights=weight))
    return (centre + 50.0) % 100.0 - 50.0


def _peak_deviations(samples: Samples, sample_rate: int) -> tuple[Floats, Floats]:
    """Deviation from the nearest semitone, cents, and weight of all spectral peaks."""
    window_length = min(round(_WINDOW_SECONDS * sample_rate), len(samples))
    size = 1 << max(window_length - 1, 1).bit_length()
    if window_length < sample_rate / LOWEST_HZ * 4.0:
        return np.zeros(0), np.zeros(0)
    window = np.hanning(window_length + 1)[:-1].astype(np.float32)
    last = len(samples) - window_length
    frames = min(_MAX_FRAMES, 1 + 2 * last // window_length)
    parts = []
    for start in np.linspace(0, last, frames).astype(int):
        spectrum = np.abs(np.fft.rfft(samples[start : start + window_length] * window, size))
        parts.append(_peaks(spectrum, sample_rate / size))
    hz = np.concatenate([part[0] for part in parts])
    weights = np.concatenate([part[1] for part in parts])
    midi = hz_to_midi(hz)
    return np.asarray(100.0 * (midi - np.rint(midi))), weights


def _peaks(spectrum: Floats, bin_hz: float) -> tuple[Floats, Floats]:
    """Frequencies in Hz and weights (root of the magnitude) of the peaks of one spectrum."""
    low, high = int(LOWEST_HZ / bin_hz), min(int(HIGHEST_HZ / bin_hz), len(spectrum) - 2)
    reach = max(round(_NEIGHBOURHOOD_HZ / bin_hz), 1)
    padded = spectrum[max(low - reach, 0) : high + reach]
    # The median of each stretch of 3·reach bins is the level of the reach bins in its middle.
    edges = np.arange(low, high, reach)
    level = np.array(
        [np.median(padded[max(e - reach - max(low - reach, 0), 0) :][: 3 * reach]) for e in edges]
    )
    floor = np.repeat(level, reach)[: high - low]
    k = np.arange(low, high)
    here, left, right = spectrum[k], spectrum[k - 1], spectrum[k + 1]
    is_peak = (here > left) & (here >= right) & (here > _PROMINENCE * floor)
    is_peak &= here > 0.02 * here.max(initial=0.0)
    here, left, right, k = here[is_peak], left[is_peak], right[is_peak], k[is_peak]
    # A parabola through the log magnitudes of a zero-padded Hann spectrum.
    a, b, c = (np.log(np.maximum(m, 1e-30)) for m in (left, here, right))
    shift = 0.5 * (a - c) / np.minimum(a - 2.0 * b + c, -1e-12)
    return np.asarray((k + shift) * bin_hz), np.asarray(np.sqrt(here))
