"""The note decoder: planted notes come back, chunks change nothing, work grows linearly."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pi_amt.core.notes import Notes
from pi_amt.core.units import hz_to_midi
from pi_amt.models.timbre_trap.decoder import (
    Decoder,
    DecoderOptions,
    NoteColumns,
    _extremes,
    semitone_activity,
)
from pi_amt.models.timbre_trap.slicq import FRAME_RATE_HZ, N_BINS, center_frequencies_hz

PLAIN = DecoderOptions(
    onset_threshold=0.5, sustain_threshold=0.3, rise=0.2, gap_ms=30.0, restrike_ms=60.0
)


def bin_of(pitch: float) -> int:
    return round((pitch - 16.7656) * 5)


def frame(seconds: float) -> int:
    return round(seconds * FRAME_RATE_HZ)


def canvas(seconds: float) -> np.ndarray:
    return np.zeros((frame(seconds), N_BINS), np.float32)


def decode(pitch: np.ndarray, chunks: list[int] | None = None) -> NoteColumns:
    times = np.arange(len(pitch)) / FRAME_RATE_HZ
    decoder = Decoder(PLAIN)
    edges = [0, *(chunks or []), len(pitch)]
    for first, last in pairwise(edges):
        decoder.push(pitch[first:last], times[first:last])
    return decoder.finish()


def test_planted_notes_come_back_with_their_times_and_pitches() -> None:
    pitch = canvas(3)
    planted = [(0.5, 1.5, 21), (0.5, 1.0, 60), (1.2, 2.9, 61), (2.0, 2.2, 108)]
    for onset, offset, key in planted:
        pitch[frame(onset) : frame(offset), bin_of(key)] = 0.9
    onsets, offsets, pitches, velocities = decode(pitch)
    assert pitches.tolist() == [21, 60, 61, 108]
    np.testing.assert_allclose(onsets, [n[0] for n in planted], atol=0.003)
    np.testing.assert_allclose(offsets, [n[1] for n in planted], atol=0.003)
    assert (velocities == round(0.9 * 127)).all()


def test_a_rise_in_a_sounding_note_is_a_restrike_and_ends_the_old_note() -> None:
    pitch = canvas(2)
    b = bin_of(64)
    pitch[frame(0.5) : frame(1.5), b] = 0.5
    pitch[frame(0.5) : frame(0.6), b] = 0.9
    pitch[frame(1.0) : frame(1.1), b] = 0.9
    onsets, offsets, _, _ = decode(pitch)
    np.testing.assert_allclose(onsets, [0.5, 1.0], atol=0.003)
    np.testing.assert_allclose(offsets, [1.0, 1.5], atol=0.003)


def test_small_ripples_weak_notes_and_short_blips_are_not_notes() -> None:
    pitch = canvas(2)
    ripple = 0.6 + 0.05 * np.sin(np.arange(frame(1.0)))
    pitch[frame(0.5) : frame(0.5) + len(ripple), bin_of(50)] = ripple
    pitch[frame(0.5) : frame(1.0), bin_of(70)] = 0.45
    pitch[frame(0.5) : frame(0.53), bin_of(80)] = 0.9
    _, _, pitches, _ = decode(pitch)
    assert pitches.tolist() == [50]


def test_gaps_shorter_than_the_limit_are_bridged_and_longer_ones_are_not() -> None:
    pitch = canvas(3)
    gap = round(PLAIN.gap_ms / 1000 * FRAME_RATE_HZ)
    for key, width in ((40, gap - 1), (45, gap)):
        pitch[frame(0.5) : frame(1.5), bin_of(key)] = 0.45
        pitch[frame(0.5) : frame(0.55), bin_of(key)] = 0.9
        pitch[frame(1.0) : frame(1.0) + width, bin_of(key)] = 0.1
    _, offsets, pitches, _ = decode(pitch)
    np.testing.assert_allclose(offsets[pitches == 40], 1.5, atol=0.003)
    np.testing.assert_allclose(offsets[pitches == 45], 1.0, atol=0.003)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 700), max_size=12))
def test_chunks_change_nothing(seed: int, cuts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    pitch = canvas(2.05)[:700]
    smooth = np.maximum(0, np.cumsum(rng.normal(0, 0.08, (700, 30)), axis=0) % 1.0)
    pitch[:, 100:130] = smooth
    whole = decode(pitch)
    chunked = decode(pitch, sorted(cuts))
    assert len(whole[0]) > 5
    for a, b in zip(whole, chunked, strict=True):
        np.testing.assert_array_equal(a, b)


def test_notes_at_the_very_start_and_end_are_kept_and_silence_is_empty() -> None:
    pitch = canvas(1)
    pitch[: frame(0.2), bin_of(60)] = 0.9
    pitch[frame(0.8) :, bin_of(62)] = 0.9
    onsets, offsets, pitches, _ = decode(pitch)
    assert pitches.tolist() == [60, 62]
    assert onsets[0] == 0.0
    assert offsets[1] == pytest.approx((len(pitch) - 1) / FRAME_RATE_HZ, abs=0.004)
    assert [len(a) for a in decode(canvas(0.5))] == [0, 0, 0, 0]
    assert [len(a) for a in Decoder().finish()] == [0, 0, 0, 0]


def test_a_shift_of_the_onsets_ends_no_note_before_it_begins() -> None:
    activity = np.zeros((frame(1), 88), np.float32)
    activity[frame(0.5) : frame(0.56), 40] = 0.9
    decoder = Decoder(DecoderOptions(onset_shift_ms=100.0))
    decoder.push_semitones(activity, np.arange(len(activity)) / FRAME_RATE_HZ)
    notes = Notes(*decoder.finish())
    assert notes.onsets == pytest.approx([0.6], abs=0.003)
    assert notes.durations == pytest.approx([0.0])


def test_merging_takes_the_nearest_semitone_and_the_largest_bin() -> None:
    pitch = np.zeros((1, N_BINS), np.float32)
    pitch[0, bin_of(60) + 2] = 0.4
    pitch[0, bin_of(60) - 2] = 0.7
    merged = semitone_activity(pitch)
    assert merged.shape == (1, 88)
    assert np.flatnonzero(merged).tolist() == [60 - 21]
    assert merged[0, 60 - 21] == np.float32(0.7)


def test_every_key_takes_all_bins_that_are_nearest_to_it_and_no_others() -> None:
    nearest = np.rint(hz_to_midi(center_frequencies_hz())).astype(int)
    alone = semitone_activity(np.eye(N_BINS, dtype=np.float32))
    assert [set(np.flatnonzero(row) + 21) for row in alone] == [
        {key} if 21 <= key <= 108 else set() for key in nearest
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7, 20, 21, 42])
def test_extremes_are_those_of_every_span(size: int) -> None:
    frames = np.random.default_rng(size).random((97, 88), dtype=np.float32)
    spans = np.lib.stride_tricks.sliding_window_view(frames, size, axis=0)
    np.testing.assert_array_equal(_extremes(np.maximum, frames, size), spans.max(axis=-1))
    np.testing.assert_array_equal(_extremes(np.minimum, frames, size), spans.min(axis=-1))


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="540"):
        Decoder().push(np.zeros((4, 88), np.float32), np.zeros(4))
    with pytest.raises(ValueError, match="4 frames and 3 times"):
        Decoder().push(np.zeros((4, N_BINS), np.float32), np.zeros(3))


def test_what_is_kept_does_not_grow_with_length() -> None:
    rng = np.random.default_rng(0)
    decoder, kept = Decoder(), []
    for n in range(40):
        part = (rng.random((500, N_BINS)) ** 8).astype(np.float32)
        decoder.push(part, (500 * n + np.arange(500)) / FRAME_RATE_HZ)
        kept.append(len(decoder._frames))
    assert len(set(kept[1:])) == 1  # so every push works on as many frames
