"""The truth set: what is planted is found, what is removed is gone, and all parts add up."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Collection
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from pi_amt.core.notes import Notes
from pi_amt.core.partials import piano_inharmonicity
from pi_amt.core.units import Floats, Samples, midi_to_hz, ratio_to_cents
from pi_amt.datasets.known_partials import (
    ALL_PARTIALS,
    N_PARTIALS,
    PARTS,
    SAMPLE_RATE,
    KnownPartialsTrack,
    Piano,
    draw_pianos,
    known_partials,
    play_partials,
)

PIANOS = [piano for part in PARTS for piano in draw_pianos(part)]


def tracks(part: str, **options: Any) -> list[KnownPartialsTrack]:
    return [t for t in known_partials(part, **options) if isinstance(t, KnownPartialsTrack)]


SHORT = tracks("development", max_seconds=3.0)[0]
DIGEST = """
import hashlib
from pi_amt.datasets.known_partials import known_partials
track = known_partials("held_out", max_seconds=3.0)[9]
print(hashlib.sha256(track.audio()[0].tobytes()).hexdigest())
"""


@cache
def tone(piano: Piano, pitch: int, without: int = 0, seconds: float = 2.5) -> Floats:
    """One held note in all partials but one, without the room; the attack is cut off."""
    notes = Notes.from_arrays([0.0], [seconds], [pitch], [90])
    kept = [k for k in ALL_PARTIALS if k != without]
    return play_partials(piano, notes, kept, round(seconds * SAMPLE_RATE))[2000:]


def spectrum(samples: Floats) -> tuple[Floats, Floats]:
    """Frequencies and power of a zero-padded spectrum, under a window without side lobes."""
    window = np.kaiser(len(samples), 14)
    size = 1 << 19
    power = np.square(np.abs(np.fft.rfft(samples * window, size)), dtype=np.float64)
    return np.asarray(np.fft.rfftfreq(size, 1 / SAMPLE_RATE), dtype=np.float64), power


def found_hz(samples: Floats, near_hz: float, half_width_hz: float) -> float:
    """Centre of power within a band: strings that beat have more than one peak."""
    hz, power = spectrum(samples)
    band = np.abs(hz - near_hz) < half_width_hz
    return float(np.average(hz[band], weights=power[band]))


@pytest.mark.parametrize("piano", PIANOS, ids=lambda piano: piano.name)
@pytest.mark.parametrize("pitch", [36, 57, 72])
def test_planted_tuning_and_stiffness_are_found_in_the_spectrum(piano: Piano, pitch: int) -> None:
    samples = tone(piano, pitch)
    f0 = found_hz(samples, float(midi_to_hz(pitch)), 0.04 * float(midi_to_hz(pitch)))
    assert ratio_to_cents(f0 / midi_to_hz(pitch)) == pytest.approx(piano.tuning_cents, abs=4.5)
    assert abs(ratio_to_cents(f0 / piano.fundamental_hz(pitch))) < 1.5
    # (f_k / k)² = f0² (1 + B k²) / (1 + B) is a line over k²; each next partial is looked for
    # where the line through those before it points.
    k, hz = [1], [f0]
    for number in range(2, 9):
        last = hz[-1] / k[-1] * number
        k, hz = [*k, number], [*hz, found_hz(samples, last * 1.002, 0.3 * f0)]
    squares = (np.array(hz) / k) ** 2
    slope, start = np.polyfit(np.square(k), squares, 1)
    assert slope / start == pytest.approx(piano.inharmonicity(pitch), rel=0.1)


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("pitch", [40, 60, 76])
def test_a_removed_partial_is_gone_by_60_db_and_the_others_stay(pitch: int, k: int) -> None:
    piano = PIANOS[0]
    hz, whole = spectrum(tone(piano, pitch))
    _, without = spectrum(tone(piano, pitch, without=k))
    for number, f in enumerate(piano.partial_hz(pitch)[:10], start=1):
        band = np.abs(hz - f) < 0.2 * piano.fundamental_hz(pitch)
        change = 10 * np.log10(without[band].sum() / whole[band].sum())
        assert (change < -60) if number == k else (abs(change) < 0.01)


def test_stems_add_up_to_the_audio() -> None:
    stems, (whole, rate) = SHORT.stems(), SHORT.audio()
    assert rate == SAMPLE_RATE
    assert list(stems) == [*range(1, N_PARTIALS + 1), "residual"]
    total = np.sum([stem.astype(np.float64) for stem in stems.values()], axis=0)
    np.testing.assert_allclose(total, whole, atol=1e-7)
    assert all(np.abs(stem).max() > 1e-6 for stem in stems.values())


@pytest.mark.parametrize("partials", [{1}, (2, 3), range(4, 33)])
def test_what_is_removed_and_what_is_kept_add_up_to_the_audio(partials: Collection[int]) -> None:
    whole, without = SHORT.audio()[0], SHORT.audio_without(partials)[0]
    kept = SHORT.audio_with_only(partials)[0]
    np.testing.assert_allclose(without + kept, whole, atol=1e-7)
    assert np.abs(without).max() > 0.001
    assert np.abs(kept).max() > 0.001
    with_residual = SHORT.audio_with_only(partials, residual=True)[0]
    np.testing.assert_allclose(with_residual - kept, SHORT.audio_with_only([], True)[0], atol=1e-7)


def test_without_any_partial_the_residual_is_left_and_without_that_silence() -> None:
    residual = SHORT.audio_without(ALL_PARTIALS)[0]
    np.testing.assert_array_equal(residual, SHORT.audio_with_only([], residual=True)[0])
    assert np.abs(residual).max() > 1e-4
    assert not np.any(SHORT.audio_with_only([])[0])


def test_the_two_parts_share_no_work_and_no_piano() -> None:
    parts = [tracks(part) for part in PARTS]
    for attribute in ("composition", "work", "piano", "name"):
        one, other = ({getattr(track, attribute) for track in part} for part in parts)
        assert not one & other
    for part in parts:
        assert len({track.composition for track in part}) == 6
        assert len({track.piano for track in part}) == 4
        assert len(part) == 24


def test_pianos_stay_within_their_bounds_and_differ() -> None:
    pitches = range(21, 109)
    for piano in PIANOS:
        b = np.array([piano.inharmonicity(pitch) for pitch in pitches])
        assert np.abs(np.log2(b / piano_inharmonicity(np.array(pitches)))).max() <= 1.0
        f0 = np.array([piano.fundamental_hz(pitch) for pitch in pitches])
        off = ratio_to_cents(f0 / midi_to_hz(np.array(pitches))) - piano.tuning_cents
        assert np.abs(off).max() <= 3.0
        assert np.std(off) > 1.0
        assert len(piano.partial_hz(40)) == N_PARTIALS
    for part in PARTS:
        tunings = [piano.tuning_cents for piano in draw_pianos(part)]
        assert np.abs(tunings).max() <= 30
        assert np.ptp(tunings) > 30  # from the first quarter of the range to the last
    others = draw_pianos("development", seed=1)
    assert not {p.tuning_cents for p in others} & {p.tuning_cents for p in PIANOS}


def test_a_note_rings_as_long_as_the_pedal_says() -> None:
    track = next(t for t in tracks("held_out") if t.work == "satie_gymnopedie_1")
    held, lifted = (Notes.from_arrays([0.1], [end], [60], [80]) for end in (2.0, 0.6))
    long, short = (play_partials(track.piano, n, ALL_PARTIALS, 55_125) for n in (held, lifted))
    until = round(0.6 * SAMPLE_RATE)
    np.testing.assert_array_equal(long[:until], short[:until])
    later = slice(round(1.5 * SAMPLE_RATE), round(1.9 * SAMPLE_RATE))
    assert np.abs(long[later]).max() > 1e-3
    assert np.abs(short[later]).max() < 1e-6
    other = replace(track, pedal="ignore")
    np.testing.assert_array_equal(other.audio()[0], track.audio()[0])
    assert other.notes().offsets.sum() < track.notes().offsets.sum()
    assert other.fingerprint() != track.fingerprint()


def test_high_partials_die_sooner_and_strings_beat() -> None:
    notes = Notes.from_arrays([0.0], [4.0], [57], [90])

    def envelope_db(k: int) -> Floats:
        samples = play_partials(PIANOS[2], notes, [k], 4 * SAMPLE_RATE)
        blocks = samples[: len(samples) // 1000 * 1000].reshape(-1, 1000)
        return np.asarray(10 * np.log10(np.mean(blocks**2, axis=1)))

    low, high = envelope_db(1), envelope_db(8)
    assert low[0] - low[60] < high[0] - high[60] - 6
    # One decaying oscillation would be a line, two stages a convex curve; beats are neither.
    assert np.diff(envelope_db(5), 2).min() < -0.05


def test_a_cut_recording_is_the_beginning_of_the_whole_one() -> None:
    whole = replace(SHORT, max_seconds=None)
    np.testing.assert_array_equal(whole.audio()[0][: 3 * SAMPLE_RATE], SHORT.audio()[0])


def test_samples_are_the_same_in_any_process_on_any_number_of_threads_in_any_order() -> None:
    track = tracks("held_out", max_seconds=3.0)[9]
    track.audio_with_only({3})
    here = hashlib.sha256(track.audio()[0].tobytes()).hexdigest()
    for threads in ("1", "4"):
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
        run = subprocess.run(
            [sys.executable, "-c", DIGEST],
            env=os.environ | limits,
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip() == here


def test_nothing_clips_and_the_residual_is_small_and_there() -> None:
    for track in tracks("development")[::5] + tracks("held_out")[::5]:
        samples, residual = track.audio()[0], track.audio_with_only([], residual=True)[0]
        assert 0.1 < np.abs(samples).max() < 1.0
        assert -50 < level_db(residual) - level_db(samples) < -12


def level_db(samples: Samples) -> float:
    return float(10 * np.log10(np.mean(samples.astype(np.float64) ** 2)))


def test_option_values_that_cannot_work_are_refused() -> None:
    with pytest.raises(ValueError, match="part: got 'test', expected one of development, held_out"):
        known_partials("test")
    with pytest.raises(ValueError, match="seed: got -1, expected a whole number, at least 0"):
        known_partials(seed=-1)
