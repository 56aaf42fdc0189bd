"""Masks beside the truth, with a model that reads only fundamentals: all answers are known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tests.rows import make_row, make_rows
from tests.toys import AMPLITUDE, ToyTranscriber

from pi_amt.core.hashing import canonical_json
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, Samples
from pi_amt.datasets.known_partials import SAMPLE_RATE, known_partials
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.masks import PartialMask
from pi_amt.permutations.regions import hann_response
from pi_amt.statistics.bias import BiasTable, MaskBias
from pi_amt.statistics.result import Result
from pi_amt.store.store import Store
from pi_amt.study.conditions import make_conditions
from pi_amt.study.driver import run_study
from pi_amt.study.executors.processes import serial
from pi_amt.study.groups import Group
from pi_amt.study.truth import (
    CALIBRATED,
    DATASET,
    AblatedTrack,
    KnownTrack,
    Truth,
    as_conditions,
    calibrate_music,
    coalitions_in_truth,
    held_out_recordings,
    one_per_work,
    truth_groups,
)

SECONDS = 4.0


@dataclass(frozen=True)
class Tones:
    """Steady tones of 0.45 s one after the other, each of the given pitches at once.

    Partials are those of the toys, of amplitude 1/k².
    """

    name: str
    pitches: tuple[int, ...]
    fault: bool = False
    duration_seconds: float = SECONDS

    @property
    def composition(self) -> str:
        return self.name

    def notes(self) -> Notes:
        onsets = np.arange(0.2, SECONDS - 0.6, 0.7).repeat(len(self.pitches))
        pitches = np.resize(np.array(self.pitches, dtype=float), len(onsets))
        return Notes.from_arrays(onsets, onsets + 0.45, pitches)

    def fingerprint(self) -> str:
        return f"{self.name} {self.pitches}"

    def stamp(self) -> str:
        return self.fingerprint()

    def audio(self) -> tuple[Samples, int]:
        return self.audio_without(())

    def audio_without(self, partials: Collection[int]) -> tuple[Samples, int]:
        return self.audio_with_only({1, 2, 3, 4} - set(partials))

    def audio_with_only(self, partials: Collection[int]) -> tuple[Samples, int]:
        if self.fault:
            raise ValueError("broken on purpose")
        times = np.arange(round(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE
        samples = np.zeros(len(times))
        notes = self.notes()
        for f0, onset, offset in zip(notes.frequencies, notes.onsets, notes.offsets, strict=True):
            sounding = (times >= onset) & (times < offset)
            for k in {1, 2, 3, 4} & set(partials):
                wave = np.sin(2 * np.pi * k * f0 * times[sounding])
                samples[sounding] += AMPLITUDE / k**2 * wave
        return samples.astype(np.float32), SAMPLE_RATE


def biases(*tracks: Tones, blind: bool = False) -> dict[str, MaskBias]:
    rows = calibrate_music(ToyTranscriber(blind=blind), tracks, executor=serial, quiet=True)
    table = BiasTable.from_rows(rows.clean, rows.pairs, "tones")
    assert len(table.masks) == len(CALIBRATED)
    return {mask.label: mask for mask in table.masks}


def test_on_single_tones_a_reader_of_fundamentals_has_its_true_drops() -> None:
    """Without the fundamentals all is lost, without any other partial nothing is."""
    found = biases(Tones("a", (60,)), Tones("b", (69,)))
    lost = {"fund_mask", "soft_fund_mask", "ratio_fund_mask", "keep_harmonic(harmonic=2)"}
    lost.add("keep_harmonic(harmonic=2,kind=ratio)")
    assert lost < set(found)
    for label, mask in found.items():
        true = 1.0 if label in lost else 0.0
        assert (label, mask.drops.true) == (label, true)
        if not label.startswith("soft_"):  # noise in the place of the tone may hold another
            assert (label, mask.drops.measured, mask.drops.error) == (label, true, 0.0)


def test_an_octave_shows_what_a_band_takes_from_another_note() -> None:
    """The band of the lower note's second partial holds the upper note's fundamental. The truth
    loses nothing. Under the mask half of the notes are lost, all of them in the upper register:
    precision 1, recall 1/2, hence F 2/3. Single tones beside it make half of that in the mean."""
    mask = biases(Tones("octave", (60, 72)), Tones("single", (65,)))["remove_harmonic(harmonic=2)"]
    assert mask.true_scores == (1.0, 1.0)
    assert mask.measured_scores == pytest.approx((2 / 3, 1.0), abs=1e-4)
    assert mask.drops.true == 0.0
    assert mask.drops.bias == pytest.approx(1 / 6, abs=1e-4)
    assert mask.drops.error == mask.drops.bias
    register = {level: drops.bias for level, drops in mask.by_stratum["register"].items()}
    assert register == {"C3 to B4": 0.0, "C5 and above": 1.0}
    polyphony = {level: drops.bias for level, drops in mask.by_stratum["polyphony"].items()}
    assert polyphony == {"1 note": 0.0, "2-3 notes": 0.5}


def test_an_input_blind_model_has_no_bias() -> None:
    for mask in biases(Tones("a", (60,)), blind=True).values():
        assert (mask.drops.true, mask.drops.measured, mask.drops.error) == (0.0, 0.0, 0.0)


def test_a_recording_that_fails_is_an_error_and_no_number() -> None:
    with pytest.raises(ValueError, match="b under no_permutation failed: broken on purpose"):
        biases(Tones("a", (60,)), Tones("b", (60,), fault=True))


@pytest.mark.parametrize(("name", "keep"), [("remove_harmonic", False), ("keep_harmonic", True)])
def test_the_truth_is_the_recording_without_or_with_only_the_partials(
    name: str, keep: bool
) -> None:
    mask = load_permutation(name, harmonic=3)
    assert isinstance(mask, PartialMask)
    truth = Truth.of(mask)
    track = known_partials("development", max_seconds=1.0)[0]
    made, _ = AblatedTrack(track, truth).audio()  # type: ignore[arg-type]
    expected = track.audio_with_only({3}) if keep else track.audio_without({3})  # type: ignore[attr-defined]
    assert np.array_equal(made, expected[0])
    assert not np.array_equal(made, track.audio()[0])


def test_recordings_without_different_partials_are_told_apart() -> None:
    track = held_out_recordings()[0]
    truths = {Truth((1,), False), Truth((1,), True), Truth((2,), False), Truth((1, 2), False)}
    ablated = {AblatedTrack(track, truth).fingerprint() for truth in truths}
    assert len(ablated | {track.fingerprint()}) == 5
    assert len({str(truth) for truth in truths}) == 4


def test_each_held_out_work_is_played_once_and_every_piano_plays() -> None:
    tracks = held_out_recordings()
    everything = {(t.work, t.piano) for t in known_partials("held_out")}  # type: ignore[attr-defined]
    assert {(t.work, t.piano) for t in tracks} < everything
    assert sorted(t.work for t in tracks) == sorted({work for work, _ in everything})
    assert {t.piano for t in tracks} == {piano for _, piano in everything}


def test_sounds_made_without_a_partial_are_conditions_of_the_whole_recording(
    tmp_path: Path,
) -> None:
    """A reader of fundamentals loses all without them and nothing without second partials; of
    second partials alone it finds nothing."""
    tracks = [Tones("a", (60,)), Tones("b", (69,))]
    truths = [Truth((k,), keep) for keep in (False, True) for k in (1, 2)]
    model = ToyTranscriber()
    groups = [
        Group(model, DATASET, tracks, make_conditions([])), *truth_groups(model, tracks, truths)
    ]  # fmt: skip
    with Store(tmp_path) as store:
        summary = run_study(groups, store, serial, quiet=True)
        assert not summary.errors
        found = Result.from_rows(as_conditions(store.rows()), n_resamples=200)
    assert found.datasets == (DATASET,)
    drops = {result.label: result.relative_drop for result in found.results if result.n_pieces}
    assert drops == {
        "audio_without(harmonic=1)": 1.0,
        "audio_without(harmonic=2)": 0.0,
        "audio_with_only(harmonic=1)": 0.0,
        "audio_with_only(harmonic=2)": 1.0,
    }
    assert all(result.n_pieces == 2 for result in found.results)


def test_sounds_made_without_a_partial_stand_beside_the_recording_of_their_own_variant() -> None:
    """Two thresholds of one model in a folder: neither takes the other's settings."""
    rows = [
        make_row(
            "no_permutation",
            f,
            dataset=dataset,
            settings=canonical_json({"threshold": threshold, "max_seconds": seconds}),
            data=dataset,
        )
        for threshold, f in ((0.3, 0.8), (0.5, 0.6))
        # what is made of a recording does not say how long a part of it was taken
        for dataset, seconds in ((DATASET, 5.0), (f"{DATASET} without partial 1", None))
    ]
    found = as_conditions(rows)
    assert [row.label for row in found[1::2]] == ["audio_without(harmonic=1)"] * 2
    for whole, made in zip(found[::2], found[1::2], strict=True):
        assert (made.settings, made.data) == (whole.settings, whole.data)
        assert made.scores == whole.scores
    assert as_conditions([rows[0], rows[3]]) == [rows[0]]  # the other variant's is left out


def test_rows_of_other_studies_stay_as_they_are() -> None:
    rows = make_rows()
    assert as_conditions(rows) == rows


class Reader(ToyTranscriber):
    """The reader of fundamentals, which says that each of its bins is one Hann window: they are too
    far apart for their windows, and would be taken for bands."""

    def stream(
        self, samples: Samples, sample_rate: int, *, tuning_cents: float = 0.0
    ) -> Iterator[Spectrogram]:
        for part in super().stream(samples, sample_rate, tuning_cents=tuning_cents):
            yield replace(part, response=partial(_heard_by, part))


def _heard_by(bins: Spectrogram, hz: Floats) -> Floats:
    return hann_response((hz[:, None] - bins.frequencies) * bins.window_seconds)


def shared(
    tracks: Sequence[KnownTrack], players: str, threshold: float = 0.5
) -> tuple[Floats, Floats]:
    """Shapley values ``(tracks, players)`` of the reader of fundamentals, by masks and in truth."""
    rows = coalitions_in_truth(
        Reader(threshold=threshold), tracks, players, executor=serial, quiet=True
    )
    (masks,), (true,) = (Result.from_rows(found).attributions for found in rows)
    assert masks.pieces == true.pieces == tuple(sorted(track.name for track in tracks))
    for one in (masks, true):
        whole = one.scores[:, -1] - one.scores[:, 0]
        np.testing.assert_allclose(one.values.sum(axis=1), whole, atol=1e-12)
    return masks.values, true.values


def test_single_tones_give_all_to_the_fundamentals() -> None:
    masks, true = shared([Tones("a", (60,)), Tones("b", (69,))], "f0 h2 h3-h4 rest")
    np.testing.assert_array_equal(true, [[1, 0, 0, 0]] * 2)
    np.testing.assert_array_equal(masks, true)


def test_on_music_masks_share_the_score_as_the_true_sounds_do() -> None:
    """The reader takes loud partials for fundamentals of other notes, so they count against it."""
    tracks = one_per_work("development", max_seconds=8.0)[:3]
    masks, true = (
        values.mean(axis=0) for values in shared(tracks, "f0 h2-h10 rest", threshold=0.1)
    )
    assert true[0] > 0.35
    assert true[1] < -0.05
    np.testing.assert_allclose(masks, true, atol=0.03)
