"""Notes → masks: which bins and frames, to the bin and to the frame."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.permutations.synthetic import (
    KINDS,
    RATE,
    make_notes,
    make_spectrogram,
    random_notes,
    times_of,
)

from pi_amt.core.partials import partial_frequencies
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import cents_to_ratio, ratio_to_cents
from pi_amt.permutations.regions import (
    default_half_width_cents,
    highest_fundamental,
    onset_frames,
    partial_mask,
)


def slow_mask(
    s: Spectrogram,
    notes: list[tuple[float, float, float]],
    partials: list[int],
    half_width: float,
    dilation: float,
    onset: str = "all",
) -> np.ndarray:
    """The definition, bin by bin and frame by frame."""
    mask = np.zeros(s.values.shape, dtype=bool)
    for start, stop, pitch in notes:
        for k in partials:
            hz = partial_frequencies(pitch, k, tuning_cents=s.tuning_cents)
            distance = np.abs(ratio_to_cents(s.frequencies / hz))
            nearest = distance.argmin()
            d = dilation * s.window_seconds[nearest]
            begin, end = start - d, stop + d
            if onset == "spare":
                begin = start + 0.05
            for b in range(mask.shape[0]):
                for j, t in enumerate(s.times[b]):
                    inside = begin <= t <= end
                    if onset == "only":
                        inside = inside and t < start + 0.05
                    if inside:
                        mask[b, distance <= half_width, j] = True
                        mask[b, nearest, j] = True
    return mask


def test_default_half_widths_come_from_geometry() -> None:
    assert default_half_width_cents(make_spectrogram("real", 1)) == 70.0
    assert default_half_width_cents(make_spectrogram("complex", 1)) == 50.0


def test_exact_bins_and_frames_of_one_note() -> None:
    s = make_spectrogram("real", 4)
    mask = partial_mask(s, make_notes((0.5, 0.8, 57.0)))
    # A3 = 220 Hz is bin 108; ± 70 cents reach two bins of 33.3 cents, not three.
    touched = np.unique(np.nonzero(mask)[1])
    np.testing.assert_array_equal(touched, [106, 107, 108, 109, 110])
    d = 0.25 * 51.44 / 220.0
    expected = (s.times >= 0.5 - d) & (s.times <= 0.8 + d)
    assert expected.any()
    np.testing.assert_array_equal(mask[:, 108], expected)


def test_masks_do_not_drift_late_in_a_long_recording() -> None:
    first_block = 5_000
    s = make_spectrogram("real", 2, first_block)
    onset = times_of(first_block, 1)[0, 10]
    mask = partial_mask(s, make_notes((onset, onset + 0.1, 96.0)), time_dilation=0.0)
    begin, end = np.flatnonzero(mask[0].any(axis=0))[[0, -1]]
    assert onset > 1800.0
    assert (begin, end) == (10, 10 + int(0.1 * RATE))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("onset", ["all", "spare", "only"])
def test_mask_equals_its_definition(kind: str, onset: str) -> None:
    s = make_spectrogram(kind, 2, tuning_cents=17.0)
    events = [(0.1, 0.35, 45.0), (0.2, 0.22, 60.3), (0.5, 0.9, 72.0), (-1.0, 0.05, 81.0)]
    for partials in ([1], [2, 5]):
        for width, dilation in ((70.0, 0.25), (12.0, 0.0), (1.0, 0.5)):
            got = partial_mask(
                s,
                make_notes(*events),
                partials,
                half_width_cents=width,
                time_dilation=dilation,
                onset=onset,
            )
            np.testing.assert_array_equal(
                got, slow_mask(s, events, partials, width, dilation, onset)
            )


def test_tuning_shifts_the_mask_by_whole_bins() -> None:
    notes = make_notes((0.2, 0.5, 57.0))
    plain = partial_mask(make_spectrogram("real", 1), notes)
    sharp = partial_mask(make_spectrogram("real", 1, tuning_cents=100.0 / 3.0), notes)
    np.testing.assert_array_equal(sharp[:, 1:], plain[:, :-1])


def test_nearest_bin_always_counts() -> None:
    s = make_spectrogram("complex", 1)
    mask = partial_mask(s, make_notes((0.2, 0.4, 60.0)), half_width_cents=0.0)
    assert mask.any(axis=2).sum() == 1


def test_partials_beyond_the_axis_touch_nothing() -> None:
    s = make_spectrogram("real", 1)
    high = make_notes((0.1, 0.4, 108.0))
    assert partial_mask(s, high, [1, 2]).any()
    assert not partial_mask(s, high, [3, 4, 5]).any()
    assert not partial_mask(s, make_notes((0.1, 0.4, 12.0))).any()


def test_partials_may_differ_per_note() -> None:
    s = make_spectrogram("real", 2)
    notes = make_notes((0.1, 0.3, 45.0), (0.2, 0.4, 52.0))
    mixed = partial_mask(s, notes, np.array([[3, 1], [0, 2]]))
    first = partial_mask(s, notes[:1], [1, 3])
    second = partial_mask(s, notes[1:], [2])
    np.testing.assert_array_equal(mixed, first | second)


@pytest.mark.parametrize("kind", KINDS)
def test_spare_and_only_split_the_mask_of_a_note(kind: str) -> None:
    s = make_spectrogram(kind, 3)
    for note in ((0.3, 0.6, 50.0), (0.3, 0.31, 80.0)):
        notes = make_notes(note)
        parts = {o: partial_mask(s, notes, onset=o) for o in ("all", "spare", "only")}
        np.testing.assert_array_equal(parts["all"], parts["spare"] | parts["only"])
        assert not (parts["spare"] & parts["only"]).any()
        late = np.broadcast_to((s.times >= 0.35)[:, None], parts["only"].shape)
        assert not parts["only"][late].any()
        assert not parts["spare"][~late].any()


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 10_000),
    first=st.integers(0, 40),
    dilation=st.sampled_from([0.0, 0.25, 1.0]),
)
def test_blocks_get_what_the_whole_gets(kind: str, seed: int, first: int, dilation: float) -> None:
    whole = make_spectrogram(kind, 3, first)
    notes = random_notes(30, seconds=20.0, seed=seed)
    mask = partial_mask(whole, notes, [1, 2], time_dilation=dilation)
    for block in range(3):
        part = whole.block_slice(block, block + 1)
        np.testing.assert_array_equal(
            mask[block : block + 1], partial_mask(part, notes, [1, 2], time_dilation=dilation)
        )


def test_no_notes_no_mask() -> None:
    s = make_spectrogram("real", 2)
    assert not partial_mask(s, make_notes()).any()
    assert not partial_mask(s, make_notes((50.0, 60.0, 60.0))).any()
    assert not onset_frames(s, make_notes()).any()
    assert np.isinf(highest_fundamental(s, make_notes())).all()


def test_onset_frames_are_the_first_50_ms() -> None:
    s = make_spectrogram("real", 3)
    onsets = (0.2, 0.23, 0.7)
    got = onset_frames(s, make_notes(*((o, o + 0.3, 60.0) for o in onsets)))
    expected = np.zeros_like(got)
    for onset in onsets:
        expected |= (s.times >= onset) & (s.times < onset + 0.05)
    np.testing.assert_array_equal(got, expected)


def test_highest_fundamental_of_each_frame() -> None:
    s = make_spectrogram("real", 3, tuning_cents=10.0)
    notes = make_notes((0.1, 0.6, 57.0), (0.3, 0.5, 69.0), (0.2, 0.9, 45.0))
    got = highest_fundamental(s, notes)
    expected = np.full(s.times.shape, np.inf)
    for low, high, hz in ((0.1, 0.9, 110.0), (0.1, 0.6, 220.0), (0.3, 0.5, 440.0)):
        inside = (s.times >= low) & (s.times <= high)
        expected[inside] = hz * cents_to_ratio(10.0)
    expected[(s.times < 0.2) & (s.times >= 0.1)] = 220.0 * cents_to_ratio(10.0)
    np.testing.assert_allclose(got, expected)


@pytest.mark.parametrize("window", [0.0, -0.1, math.nan, math.inf, 2048.0])
def test_windows_that_are_no_seconds_are_refused(window: float) -> None:
    spectrogram = make_spectrogram("complex", 1)
    windows = np.full_like(spectrogram.window_seconds, window)
    with pytest.raises(ValueError, match=r"window_seconds: got .*, expected seconds per bin"):
        replace(spectrogram, window_seconds=windows)
