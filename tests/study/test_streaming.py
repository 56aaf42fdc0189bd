"""One recording under several conditions, part by part: their order, one that cannot go on, and
freed memory, which leaves the process."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.permutations.synthetic import bits
from tests.toys import RATE, ToyTrack, ToyTranscriber

from pi_amt.core.spectrogram import Spectrogram, concatenate
from pi_amt.models.basic_pitch.model import BasicPitch
from pi_amt.models.timbre_trap.model import TimbreTrap
from pi_amt.models.transcriber import Transcriber
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.partial_powers import Overview
from pi_amt.permutations.permutation import Change, Permutation, Scene
from pi_amt.study import streaming
from pi_amt.study.conditions import Condition, make_conditions
from pi_amt.study.streaming import (
    Account,
    Pass,
    Recording,
    overview_for,
    run_conditions,
)

TRACK = ToyTrack("a", seconds=14.0)  # three parts
PART_SECONDS = 6.0


@dataclass(frozen=True)
class Fails(Permutation):
    """Cannot perturb what comes after some seconds."""

    after_seconds: float
    name: ClassVar[str] = "fails"

    def draw(self, scene: Scene) -> Change:
        begin = scene.spectrogram.times.min()
        if begin >= self.after_seconds:
            raise ZeroDivisionError(f"at {begin:g} s")
        return Change(lambda spectrogram: spectrogram)


@dataclass(frozen=True)
class Louder(Permutation):
    """The sound itself, louder or softer."""

    times: float
    name: ClassVar[str] = "louder"

    def draw(self, scene: Scene) -> Change:
        return Change(lambda spectrogram: spectrogram.with_values(spectrogram.tensor * self.times))


class LevelledToy(ToyTranscriber):
    """Divides a recording by its largest magnitude, as far as it is told to."""

    def level_meter(self) -> LargestMagnitude:
        return LargestMagnitude()


class LargestMagnitude:
    def __init__(self) -> None:
        self.found = 0.0

    def push(self, spectrogram: Spectrogram) -> None:
        self.found = max(self.found, float(spectrogram.tensor.max()))

    def finish(self) -> float:
        return self.found


class Counted(Recording):
    """Counts the parts that are asked for."""

    parts: ClassVar[int] = 0

    def stream(self, model: Transcriber) -> Iterator[Spectrogram]:
        Counted.parts = 0
        for part in super().stream(model):
            Counted.parts += 1
            yield part


def run(
    *conditions: Condition,
    window: tuple[float, float] = (-math.inf, math.inf),
    model: ToyTranscriber | None = None,
) -> tuple[list[Pass[Account]], dict[Condition, Exception]]:
    model, (samples, sample_rate) = model or ToyTranscriber(), TRACK.audio()
    recording = Counted("toys", TRACK.name, samples, sample_rate, TRACK.seconds, TRACK.notes(), 0.0)
    settled = {condition: condition.permutation for condition in conditions}
    return run_conditions(
        model,
        recording,
        settled,
        dict.fromkeys(conditions),
        lambda: Account(recording.reference, model.frame_threshold),
        window=window,
    )


def test_the_baseline_goes_first_whatever_the_order() -> None:
    conditions = make_conditions(["fund_mask", "microtonal"])
    runs, refused = run(*reversed(conditions))
    assert runs[0].condition.role == "baseline"
    assert {run.condition for run in runs} == set(conditions)
    assert refused == {}


def test_what_fails_midway_is_left_out_and_costs_the_others_nothing() -> None:
    baseline, mask, broken = make_conditions(["fund_mask", Fails(PART_SECONDS)])
    runs, refused = run(baseline, mask, broken)
    assert Counted.parts == 3
    assert {c: str(error) for c, error in refused.items()} == {broken: f"at {PART_SECONDS:g} s"}
    alone, _ = run(baseline, mask)
    for one, other in zip(runs, alone, strict=True):
        assert one.frames == other.frames > 0
        a, b = one.decoder.finish(), other.decoder.finish()
        np.testing.assert_array_equal(a.onsets, b.onsets)
        np.testing.assert_array_equal(a.pitches, b.pitches)


def test_what_stands_for_a_sound_is_scaled_as_the_model_would_scale_that_sound() -> None:
    conditions = [
        Condition(Louder(times), f"{times:g}", normalization=normalization)
        for times in (1.0, 0.25, 0.0)
        for normalization in ("frozen", "model")
    ]
    runs, refused = run(*conditions, model=LevelledToy())
    assert [one.scale for one in runs] == [1, 1, 1, 4, 1, 1]  # of silence there is no level
    assert refused == {}
    plain, _ = run(*conditions)
    assert {one.scale for one in plain} == {1.0}


def test_what_fails_midway_is_told_of_a_model_that_measures_levels_too() -> None:
    mask = Condition(load_permutation("soft_fund_mask"), "mask", normalization="model")
    broken = Condition(Fails(PART_SECONDS), "fails", normalization="model")
    runs, refused = run(mask, broken, model=LevelledToy())
    assert [one.condition for one in runs] == [mask]
    assert {c: str(error) for c, error in refused.items()} == {broken: f"at {PART_SECONDS:g} s"}


def test_a_model_without_any_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recording, "stream", lambda *_: iter(()))
    with pytest.raises(ValueError, match="toy: streamed no part"):
        run(*make_conditions(["fund_mask"]))


@pytest.mark.parametrize("at_once", [1, 3, 1000])
def test_how_many_conditions_go_together_is_bounded_and_changes_nothing(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    conditions = make_conditions(["random", "soft_fund_mask"], repeats=3, controls=True)
    conditions = [c for c in conditions if not c.permutation.needs_neighbour]
    expected, _ = run(*conditions)
    sizes: list[int] = []
    network = ToyTranscriber.outputs

    def outputs(model: ToyTranscriber, spectrograms: Sequence[Spectrogram]) -> Any:
        sizes.append(len(spectrograms))
        return network(model, spectrograms)

    monkeypatch.setattr(ToyTranscriber, "outputs", outputs)
    monkeypatch.setattr(ToyTranscriber, "conditions_at_once", at_once)
    runs, _ = run(*conditions)
    assert max(sizes) == min(at_once, len(conditions))
    for one, other in zip(runs, expected, strict=True):
        assert one.condition == other.condition
        found, known = one.watcher.meter.finish(), other.watcher.meter.finish()
        assert found == pytest.approx(known, nan_ok=True, rel=0)
        a, b = one.decoder.finish(), other.decoder.finish()
        for name in ("onsets", "offsets", "pitches", "velocities"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_a_window_gives_the_notes_of_the_whole_and_computes_its_own_parts_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    conditions = make_conditions(["random"])
    whole, _ = run(*conditions)
    computed: list[float] = []
    network = ToyTranscriber.outputs

    def outputs(model: ToyTranscriber, spectrograms: Sequence[Spectrogram]) -> Any:
        computed.append(float(spectrograms[0].times.min()))
        return network(model, spectrograms)

    monkeypatch.setattr(ToyTranscriber, "outputs", outputs)
    part, _ = run(*conditions, window=(7.0, 11.0))
    assert computed == [PART_SECONDS]
    for one, other in zip(part, whole, strict=True):
        found, known = one.decoder.finish(), other.decoder.finish()
        inside = [n[(n.onsets > 6.5) & (n.offsets < 11.5)] for n in (found, known)]
        assert len(inside[0]) > 2
        np.testing.assert_array_equal(inside[0].onsets, inside[1].onsets)
        np.testing.assert_array_equal(inside[0].pitches, inside[1].pitches)


def test_where_no_condition_can_go_on_the_rest_is_not_analysed() -> None:
    broken = Condition(Fails(PART_SECONDS), "fails")
    runs, refused = run(broken)
    assert (runs, list(refused)) == ([], [broken])
    assert Counted.parts == 2


class Inputs:
    """Keeps the networks' inputs."""

    def __init__(self) -> None:
        self.parts: list[Spectrogram] = []

    def watch_input(
        self, clean: Spectrogram, perturbed: Spectrogram, change: Change, kept: NDArray[np.bool_]
    ) -> None:
        self.parts.append(perturbed)

    def watch_frames(
        self, model: Transcriber, first: int, activations: Mapping[str, NDArray[Any]]
    ) -> None:
        pass


def recorded(seconds: float) -> Recording:
    track = ToyTrack("a", seconds=seconds)
    return Recording("toys", track.name, track.audio()[0], RATE, seconds, track.notes(), 0.0)


def test_each_pass_over_a_recording_gives_freed_memory_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The pass that measures levels did not, and grew for as long as a recording lasted."""
    given: list[None] = []
    monkeypatch.setattr(streaming, "return_freed_memory", lambda: given.append(None))
    recording, model = recorded(60.0), LevelledToy()
    assert len(list(recording.stream(model))) == 10
    assert len(given) == 2
    given.clear()
    (condition,) = make_conditions(["ratio_fund_mask"])[1:]
    run_conditions(
        model,
        recording,
        {condition: condition.permutation},
        {condition: None},
        lambda: Account(recording.reference, model.frame_threshold),
        overview=Overview.of(model.analyze(recording.samples, RATE)),
    )
    assert len(given) == 4  # twice while levels are measured, twice with the network


def make_model(kind: str) -> Transcriber:
    classes: dict[str, type[Transcriber]] = {
        "toy": ToyTranscriber,
        "basic_pitch": BasicPitch,
        "timbre_trap": TimbreTrap,
    }
    return classes[kind]()


@pytest.mark.parametrize("stream_blocks", [1, 2, 100])
@pytest.mark.parametrize("kind", ["toy", "basic_pitch"])
def test_ratio_masks_of_parts_are_those_of_the_whole(kind: str, stream_blocks: int) -> None:
    model = make_model(kind)
    recording = recorded(8.0)
    names = ("ratio_fund_mask", "ratio_harm_mask")
    controls = [load_permutation("matched_tracks", target=name) for name in names]
    conditions = make_conditions([*names, *controls])
    settled = {condition: condition.permutation for condition in conditions}
    model.stream_blocks = stream_blocks
    overview = overview_for(model, recording, settled.values())
    passes, refused = run_conditions(
        model, recording, settled, dict.fromkeys(conditions), Inputs, overview=overview
    )
    assert refused == {}
    whole = model.analyze(recording.samples, RATE)
    once = make_model(kind)
    once.stream_blocks = 100
    known = overview_for(once, recording, settled.values())
    for one in passes:
        scene = Scene(whole, recording.reference, one.key, None, known)
        expected = one.permutation.perturb(scene)[0]
        np.testing.assert_array_equal(bits(concatenate(one.watcher.parts)), bits(expected))


@pytest.mark.parametrize("kind", ["toy", "basic_pitch", "timbre_trap"])
def test_an_overview_does_not_depend_on_the_parts_and_holds_every_moment_once(kind: str) -> None:
    model = make_model(kind)
    recording = recorded(5.0)
    wanted = [load_permutation("ratio_fund_mask")]
    made = []
    for stream_blocks in (1, 2, 100):
        model.stream_blocks = stream_blocks
        made.append(overview_for(model, recording, wanted))
    first = made[0]
    assert first is not None
    for other in made[1:]:
        assert other is not None
        np.testing.assert_array_equal(other.times, first.times)
        np.testing.assert_array_equal(other.power, first.power)
    assert first.times.min() >= 0.0
    assert first.times.max() < recording.seconds
    step = np.diff(first.times)
    assert step.max() < 1.6 / 43.0
    # a call with a whole recording's spectrogram learns what a study learns
    whole = Overview.of(model.analyze(recording.samples, RATE))
    notes = recording.reference
    a, b = (overview.partials(notes) for overview in (whole, first))
    assert a.weights.any()
    if kind == "basic_pitch":  # its blocks are not whole frames apart
        assert abs(len(whole.times) - len(first.times)) <= 2
        np.testing.assert_allclose(
            a.powers(first.times), b.powers(first.times), rtol=0.1, atol=0.01
        )
    else:
        np.testing.assert_array_equal(whole.times, first.times)
        np.testing.assert_array_equal(whole.power, first.power)
        np.testing.assert_array_equal(a.weights, b.weights)


def test_only_what_needs_an_overview_has_one_made() -> None:
    model = ToyTranscriber()
    recording = recorded(8.0)
    named = [load_permutation(name) for name in ("fund_mask", "matched_tracks", "random")]
    assert overview_for(model, recording, named) is None
    control = load_permutation("matched_tracks", target="ratio_harm_mask")
    assert overview_for(model, recording, [*named, control]) is not None
