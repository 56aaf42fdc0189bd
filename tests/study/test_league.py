"""The league of models whose reliance is known, because they were built that way."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.toys import TOY

import pi_amt
from pi_amt.core.notes import Notes
from pi_amt.core.units import Samples, midi_to_hz
from pi_amt.models.audio_domain import AudioDomain
from pi_amt.models.loading import ModelSpec
from pi_amt.models.transcriber import ModelIdentity
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.masks import RatioFundMask, RatioHarmMask
from pi_amt.statistics.reliance import ranks, standings
from pi_amt.statistics.result import Result
from pi_amt.store.rows import Row
from pi_amt.study.league import league_conditions, league_groups

RATE, HOP, WINDOW, AMPLITUDE = 44_100, 441, 4_096, 0.1


@dataclass(frozen=True)
class Tones:
    """Some of eight neighbouring keys, half a second each, with four partials of one level.

    Those from 101 on are the highest of a piano.
    """

    name: str
    seed: int
    lowest: int = 101
    duration_seconds: float = 2.7

    @property
    def composition(self) -> str:
        return self.name

    def notes(self) -> Notes:
        count = int((self.duration_seconds - 0.35) / 0.5)
        onsets = 0.25 + 0.5 * np.arange(count)
        pitches = np.random.default_rng(self.seed).permutation(8)[:count] + self.lowest
        return Notes.from_arrays(onsets, onsets + 0.35, pitches.astype(float))

    def audio(self) -> tuple[Samples, int]:
        times = np.arange(round(self.duration_seconds * RATE)) / RATE
        samples, notes = np.zeros(len(times)), self.notes()
        for f0, onset, offset in zip(notes.frequencies, notes.onsets, notes.offsets, strict=True):
            fade = np.clip(np.minimum(times - onset, offset - times) / 0.005, 0, 1)
            for k in (1, 2, 3, 4):
                samples += AMPLITUDE * fade * np.sin(2 * np.pi * k * f0 * times)
        return samples.astype(np.float32), RATE

    def fingerprint(self) -> str:
        return hashlib.sha256(f"{self.seed} {self.lowest}".encode()).hexdigest()

    stamp = fingerprint


@dataclass(frozen=True)
class Reader:
    """Hears a note where all the partials that it reads are present, of those that it can see."""

    reads: Sequence[int]
    highest_hz: float = 20_000.0
    lowest: int = 101

    def __call__(self, samples: Samples, sample_rate: int) -> Notes:
        pitches = self.lowest + np.arange(8)
        padded = np.pad(samples, WINDOW // 2)
        frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
        window = np.hanning(WINDOW)
        times = np.arange(WINDOW) / sample_rate
        activity = np.full((len(frames), len(pitches)), np.inf)
        for column, f0 in enumerate(midi_to_hz(pitches)):
            for k in self.reads:
                if k * f0 <= self.highest_hz:
                    kernel = window * np.exp(-2j * np.pi * k * f0 * times) * 2 / window.sum()
                    level = np.abs(frames @ kernel)
                    activity[:, column] = np.minimum(activity[:, column], level)
        steps = np.diff(np.pad(activity > AMPLITUDE / 2, ((1, 1), (0, 0))).astype(int), axis=0).T
        pitch, onset = np.nonzero(steps == 1)
        offset = np.nonzero(steps == -1)[1]
        seconds = HOP / sample_rate
        return Notes.from_arrays(onset * seconds, offset * seconds, pitches[pitch].astype(float))


def heard(name: str, listener: Reader) -> AudioDomain:
    sha = hashlib.sha256(name.encode()).hexdigest()
    return AudioDomain(listener, ModelIdentity(name, sha, "a toy", {}))


def rows_of(model: AudioDomain, tracks: Sequence[Any], conditions: Sequence[Any]) -> list[Row]:
    found = pi_amt.importance(
        model, tracks, permutations=conditions, n_jobs=1, tuning="off", quiet=True, dataset="toys"
    )
    return [row for panel in found.panels for row in panel.rows]


@pytest.fixture(scope="module")
def high() -> list[Tones]:
    return [Tones(f"high_{i}", i) for i in range(2)]


def drop_without_third(model: AudioDomain, tracks: Sequence[Tones]) -> tuple[float, float]:
    """F of the sound, and the drop without the third partials, which lie from 8.3 kHz on."""
    mask = load_permutation("remove_harmonic", harmonic=3, kind="ratio", inharmonicity="none")
    result = Result.from_rows(rows_of(model, tracks, [mask])).results[0]
    return result.baseline, result.drop


def test_a_model_that_is_blind_above_8_khz_loses_nothing_by_harmonics_there(
    high: list[Tones],
) -> None:
    assert 3 * float(midi_to_hz(high[0].lowest)) > 8_000
    blind = heard("blind", Reader((1, 3), highest_hz=8_000))
    assert drop_without_third(blind, high) == (1.0, 0.0)


def test_the_same_model_with_open_eyes_loses_everything_by_them(high: list[Tones]) -> None:
    f, drop = drop_without_third(heard("sees", Reader((1, 3))), high)
    assert f == 1.0
    assert drop > 0.9


@pytest.mark.slow
def test_toy_models_rank_as_they_were_built() -> None:
    tracks = [Tones(f"tones_{i}", i, lowest=84, duration_seconds=1.95) for i in range(6)]
    asked = [
        c
        for c in league_conditions()
        if c.name in (RatioFundMask.name, RatioHarmMask.name)
        or c.label == "matched_tracks(ratio_fund_mask)"
    ]
    rows: list[Row] = []
    for name, reads in (("fundamental only", (1,)), ("harmonics 2 to 4", (2, 3, 4))):
        rows += rows_of(heard(name, Reader(reads, lowest=84)), tracks, asked)
    by_name = {one.model: one for one in standings(Result.from_rows(rows, n_resamples=2_000))}
    lower, upper = by_name["fundamental only"], by_name["harmonics 2 to 4"]
    assert ranks([lower, upper], "F") == [(1, 2), (1, 2)]
    assert ranks([lower, upper], "reliance") == [(1, 1), (2, 2)]
    assert lower.values["F"].estimate == upper.values["F"].estimate == 1.0
    assert lower.values["reliance"].estimate > 0.9
    assert upper.values["reliance"].estimate <= 0.0  # its control takes what it reads
    assert lower.values["kept"].estimate > 0.9
    assert upper.values["kept"].estimate < 0.1


def test_a_model_is_asked_in_the_sound_and_its_own_input_is_only_shuffled() -> None:
    groups = league_groups(ModelSpec(TOY), {"demo": []}, truth_seconds=1.0)
    asked = {
        (group.dataset, "audio" in group.model.options): [c.label for c in group.conditions]
        for group in groups
        if isinstance(group.model, ModelSpec)
    }
    everything = [c.label for c in league_conditions()]
    assert asked == {
        ("demo", True): everything,
        ("known_partials", True): everything,
        ("known_partials without partial 1", True): ["no_permutation"],
        ("known_partials with only partial 1", True): ["no_permutation"],
        ("demo", False): ["no_permutation", "microtonal"],
        ("known_partials", False): ["no_permutation", "microtonal"],
    }
    assert {"matched_tracks(ratio_fund_mask)", "leak_noise(ratio_harm_mask)"} <= set(everything)


def test_a_model_of_which_only_the_notes_are_known_is_not_asked_about_its_input() -> None:
    function = f"{Path(__file__).parents[1] / 'toys.py'}:transcribe"
    spec = replace(ModelSpec("callable"), options=f'{{"function": "{function}"}}')
    groups = league_groups(spec, {}, truth_seconds=1.0)
    assert {group.model.options.count('"audio"') for group in groups} == {1}  # type: ignore[union-attr]
