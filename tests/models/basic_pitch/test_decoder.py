"""The note decoder finds the published notes, however the frames arrive."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.models.basic_pitch import cases
from tests.models.basic_pitch.reference_decoder import decode as reference_decode

from pi_amt.core.notes import Notes
from pi_amt.models.basic_pitch import decoder as decoder_module
from pi_amt.models.basic_pitch.decoder import DecoderOptions, NoteDecoder
from pi_amt.models.basic_pitch.windows import frame_times, published_frame_times

GOLDEN_FILE = Path(__file__).parent / "data/golden_notes.npz"


def golden() -> dict[str, NDArray[np.float64]]:
    with np.load(GOLDEN_FILE) as file:
        return {name: file[name] for name in file.files}


def decode(note: cases.Frames, onset: cases.Frames, **options: Any) -> Notes:
    decoder = NoteDecoder(DecoderOptions(**options))
    decoder.push({"note": note, "onset": onset})
    return decoder.finish()


def as_rows(notes: Notes) -> NDArray[np.float64]:
    """(notes, 4): onset, offset, pitch, velocity; in an order of their own."""
    rows = np.column_stack([notes.onsets, notes.offsets, notes.pitches, notes.velocities])
    return rows[np.lexsort(rows.T[::-1])]


def golden_rows(events: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = events.copy()
    rows[:, 3] = np.round(127 * events[:, 3].astype(np.float32))
    return rows[np.lexsort(rows.T[::-1])]


def reference_rows(
    note: cases.Frames, onset: cases.Frames, mapping: Any = published_frame_times, **options: Any
) -> NDArray[np.float64]:
    times = mapping(len(note) + 1)
    events = reference_decode(note, onset, **options)
    rows = [[times[a], times[b], p, amplitude] for a, b, p, amplitude in events]
    return golden_rows(np.array(rows, dtype=np.float64).reshape(-1, 4))


@pytest.mark.parametrize("name", sorted(golden()))
def test_notes_equal_those_of_the_published_program(name: str) -> None:
    case, label = name.split(".")
    note, onset = cases.golden_inputs()[case]
    found = as_rows(decode(note, onset, **cases.GOLDEN_OPTIONS[label]))
    np.testing.assert_allclose(found, golden_rows(golden()[name]), rtol=0, atol=1e-6)


def test_golden_data_holds_thousands_of_notes() -> None:
    assert sum(len(rows) for rows in golden().values()) > 10_000


@pytest.mark.parametrize("case", ["ties", "music", "constant", "no_onset"])
def test_the_test_oracle_agrees_with_the_published_program(case: str) -> None:
    note, onset = cases.golden_inputs()[case]
    expected = golden_rows(golden()[f"{case}.default"])
    np.testing.assert_allclose(reference_rows(note, onset), expected, rtol=0, atol=1e-6)


@settings(max_examples=120, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    frames=st.integers(1, 120),
    kind=st.sampled_from(["noise", "ties", "music"]),
    levels=st.integers(1, 10),
    onset_threshold=st.sampled_from([0.1, 0.3, 0.5, 0.7]),
    frame_threshold=st.sampled_from([0.1, 0.3, 0.5, 0.7]),
    minimum_frames=st.integers(0, 15),
    energy_tolerance_frames=st.integers(1, 15),
    melodia_trick=st.booleans(),
)
@example(  # the last frame is never looked at, here it would be used up
    seed=58,
    frames=12,
    kind="ties",
    levels=2,
    onset_threshold=0.5,
    frame_threshold=0.3,
    minimum_frames=0,
    energy_tolerance_frames=2,
    melodia_trick=True,
)
@example(  # 0.7 is below 0.7 as a float32
    seed=0,
    frames=60,
    kind="ties",
    levels=10,
    onset_threshold=0.7,
    frame_threshold=0.7,
    minimum_frames=0,
    energy_tolerance_frames=2,
    melodia_trick=True,
)
@example(  # cells at the threshold go on with a note, but do not begin one
    seed=0,
    frames=60,
    kind="ties",
    levels=2,
    onset_threshold=0.7,
    frame_threshold=0.5,
    minimum_frames=0,
    energy_tolerance_frames=1,
    melodia_trick=True,
)
def test_notes_equal_a_literal_restatement(
    seed: int, frames: int, kind: str, levels: int, **options: Any
) -> None:
    if kind == "music":
        note, onset = cases.music(seed, frames, frames // 3)
    else:
        note, onset = (
            cases.noise(seed, frames) if kind == "noise" else cases.ties(seed, frames, levels)
        )
    np.testing.assert_array_equal(
        as_rows(decode(note, onset, **options)), reference_rows(note, onset, **options)
    )


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(0, 1500), max_size=12))
def test_frames_may_arrive_in_any_parts(cuts: list[int]) -> None:
    note, onset = cases.golden_inputs()["music"]
    decoder = NoteDecoder(DecoderOptions())
    edges = [0, *sorted(cuts), len(note)]
    for start, stop in pairwise(edges):
        decoder.push({"note": note[start:stop], "onset": onset[start:stop]})
    np.testing.assert_array_equal(as_rows(decoder.finish()), as_rows(decode(note, onset)))


def test_small_chunks_and_spooling_to_disk_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    note, onset = cases.golden_inputs()["dense_music"]
    expected = as_rows(decode(note, onset))
    monkeypatch.setattr(decoder_module, "CHUNK_FRAMES", 7)
    monkeypatch.setattr(decoder_module, "SPOOL_BYTES", 1000)
    np.testing.assert_array_equal(as_rows(decode(note, onset)), expected)


def test_exact_mapping_moves_times_only() -> None:
    note, onset = cases.golden_inputs()["music"]
    expected = reference_rows(note, onset, mapping=frame_times)
    np.testing.assert_array_equal(as_rows(decode(note, onset, frame_mapping="exact")), expected)


def test_one_clean_note_is_found_where_it_is() -> None:
    note, onset = np.zeros((2, 200, 88), np.float32)
    note[50:90, 39] = 0.8
    onset[50, 39] = 0.9
    (row,) = as_rows(decode(note, onset))
    expected = [*published_frame_times(91)[[50, 90]], 60.0, round(127 * 0.8)]
    np.testing.assert_allclose(row, expected)


def test_notes_are_sorted_by_onset_then_pitch() -> None:
    notes = decode(*cases.golden_inputs()["ties"])
    keys = list(zip(notes.onsets, notes.pitches, strict=True))
    assert keys == sorted(keys)
    assert len(keys) > 100


def test_no_frames_give_no_notes() -> None:
    empty = np.zeros((0, 88), np.float32)
    assert len(decode(empty, empty)) == 0
    assert len(NoteDecoder(DecoderOptions()).finish()) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("onset_threshold", 0.0),
        ("frame_threshold", 1.5),
        ("minimum_frames", -1),
        ("energy_tolerance_frames", 0),
        ("frame_mapping", "nearest"),
    ],
)
def test_options_out_of_range_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name}: got {value!r}, expected"):
        replace(DecoderOptions(), **{name: value})


def test_activations_of_another_shape_are_refused() -> None:
    decoder = NoteDecoder(DecoderOptions())
    three, two = np.zeros((3, 88), np.float32), np.zeros((2, 88), np.float32)
    with pytest.raises(ValueError, match="expected \\(frames, 88\\)"):
        decoder.push({"note": three, "onset": two})
