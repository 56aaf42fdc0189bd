"""What is heard in a recording's place, and the leak that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import butter, sosfilt
from tests.toys import TOY, ToyTrack, toy_tracks

from pi_amt.core.notes import Notes
from pi_amt.core.units import Floats, Samples
from pi_amt.datasets.loading import load_dataset
from pi_amt.datasets.track import Track
from pi_amt.models.loading import ModelSpec
from pi_amt.permutations.controls import Leak
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.permutation import NotApplicable, Permutation
from pi_amt.store.rows import Row
from pi_amt.store.store import Store, read_rows
from pi_amt.study.carriers import carried, noise_like
from pi_amt.study.conditions import Condition, make_conditions
from pi_amt.study.driver import Summary, run_study
from pi_amt.study.executors.processes import ExecutorFactory, local, serial
from pi_amt.study.groups import Group
from pi_amt.study.streaming import Recording

RATE = 8_000
F = "F-measure_no_offset"


def root_mean_square(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))


def octaves_db(samples: Samples, rate: float) -> Floats:
    """Level of each octave around 62.5 Hz, 125 Hz … 2 kHz, from one long transform."""
    power = np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / rate)
    centres = 1000.0 * 2.0 ** np.arange(-4, 2)
    inside = [(frequencies >= c / 2**0.5) & (frequencies < c * 2**0.5) for c in centres]
    return np.array([10 * np.log10(power[band].sum()) for band in inside])


def rumble(seconds: float, rate: int = RATE) -> Samples:
    """Sound of uneven spectrum and uneven loudness: more bass, a band at 1 kHz, a fade."""
    rng = np.random.default_rng(3)
    white = rng.standard_normal((2, round(seconds * rate)))
    bass = sosfilt(butter(2, 200.0, fs=rate, output="sos"), white[0])
    band = sosfilt(butter(2, (800.0, 1200.0), "bandpass", fs=rate, output="sos"), white[1])
    fade = np.linspace(1.0, 0.05, len(bass))
    return np.asarray((0.5 * bass + 0.05 * band) * fade, dtype=np.float32)


def recording_of(track: Track) -> Recording:
    samples, rate = track.audio()
    return Recording("toy", track.name, samples, rate, len(samples) / rate, track.notes(), 0.0)


@pytest.mark.parametrize("sound", ["rumble", "piano"])
def test_noise_has_the_long_term_spectrum_of_the_recording(sound: str) -> None:
    samples, rate = rumble(20.0), RATE
    if sound == "piano":
        samples, rate = next(iter(load_dataset("demo", max_tracks=1))).audio()
    noise = noise_like(samples, rate, key=1)
    assert noise.dtype == np.float32
    assert noise.shape == samples.shape
    np.testing.assert_allclose(octaves_db(noise, rate), octaves_db(samples, rate), atol=1.0)


def test_noise_is_gaussian_steady_and_not_the_recording() -> None:
    samples = rumble(40.0)
    noise = noise_like(samples, RATE, key=1)
    assert root_mean_square(noise) == pytest.approx(root_mean_square(samples), rel=0.05)
    assert abs(np.corrcoef(noise, samples)[0, 1]) < 0.02
    standard = noise / root_mean_square(noise)
    assert np.mean(standard**4) == pytest.approx(3.0, abs=0.15)
    levels = [root_mean_square(part) for part in np.array_split(noise, 10)]
    assert max(levels) < 1.15 * min(levels)  # those of the recording differ twentyfold
    other = noise_like(samples, RATE, key=2)
    assert abs(np.corrcoef(noise, other)[0, 1]) < 0.02
    np.testing.assert_array_equal(noise, noise_like(samples, RATE, key=1))


@pytest.mark.parametrize("seconds", [1 / RATE, 0.1, 0.3])
def test_noise_of_a_short_sound(seconds: float) -> None:
    samples = rumble(seconds)
    noise = noise_like(samples, RATE, key=1)
    assert noise.shape == samples.shape
    assert np.isfinite(noise).all()
    assert noise.any()


@pytest.mark.parametrize("lengths", [(4.0, 9.0), (9.0, 4.0), (0.5, 4.0)])
def test_another_recording_is_fitted_in_length_and_level(lengths: tuple[float, float]) -> None:
    own, other = ToyTrack("a", 1, lengths[0]), ToyTrack("b", 2, lengths[1])
    quiet = rumble(lengths[0])
    recording = replace(recording_of(own), samples=quiet)
    heard = carried(recording, "other", other)
    assert heard.samples.shape == quiet.shape
    assert root_mean_square(heard.samples) == pytest.approx(root_mean_square(quiet), rel=1e-4)
    sound = np.resize(other.audio()[0], len(quiet))
    np.testing.assert_allclose(
        heard.samples, sound * root_mean_square(quiet) / root_mean_square(sound), atol=1e-6
    )
    assert replace(heard, samples=quiet) == recording
    assert (recording.samples == quiet).all()


def test_another_recording_has_the_rate_of_this_one() -> None:
    recording = recording_of(ToyTrack("a"))
    twice = replace(recording, samples=np.repeat(recording.samples, 2), sample_rate=2 * RATE)
    heard = carried(twice, "other", ToyTrack("b", seed=1))
    assert heard.samples.shape == twice.samples.shape
    half = carried(recording, "other", ToyTrack("b", seed=1)).samples
    assert np.corrcoef(heard.samples[::2], half)[0, 1] > 0.99


def test_one_noise_per_recording() -> None:
    one, other = (recording_of(ToyTrack(name)) for name in "ab")
    noise = carried(one, "noise", None).samples
    np.testing.assert_array_equal(noise, carried(one, "noise", None).samples)
    assert (noise != carried(other, "noise", None).samples).any()


@dataclass(frozen=True)
class Silent(ToyTrack):
    """A recording of nothing."""

    def audio(self) -> tuple[Samples, int]:
        samples, rate = super().audio()
        return np.zeros_like(samples), rate


def test_silence_cannot_be_replaced_nor_heard() -> None:
    silent, sound = Silent("silent"), ToyTrack("sound")
    for carrier in ("noise", "other"):
        with pytest.raises(NotApplicable, match="the recording is silent"):
            carried(recording_of(silent), carrier, sound)
    with pytest.raises(NotApplicable, match="the other recording is silent"):
        carried(recording_of(sound), "other", silent)


@dataclass(frozen=True)
class Blip(ToyTrack):
    """A recording of a tenth of a second, all of it one note."""

    def notes(self) -> Notes:
        return Notes.from_arrays([0.0], [0.1], [60.0 + self.seed])


#: hears whatever is left in the band of a note, however soft
KEEN = ModelSpec(TOY, '{"threshold":0.02}')
CONDITIONS = ("fund_mask", "harm_mask", "soft_harm_mask")


def study(
    folder: Path,
    tracks: Sequence[Track],
    conditions: Sequence[str | Condition] = CONDITIONS,
    *,
    model: ModelSpec = KEEN,
    executor: ExecutorFactory = serial,
    repeats: int = 1,
    controls: bool = True,
) -> Summary:
    made = make_conditions(
        [c if isinstance(c, Condition) else _made(c) for c in conditions],
        repeats=repeats,
        controls=controls,
    )
    with Store(folder) as store:
        return run_study([Group(model, "toy", tracks, made)], store, executor, quiet=True)


def _made(name: str) -> Permutation:
    """A permutation; a mask of exactly the semitones and the times of the notes."""
    exact = {"half_width_cents": 45.0, "time_dilation": 0.0}
    return load_permutation(name, **(exact if "mask" in name else {}))


def scores(rows: Sequence[Row], label: str) -> list[float]:
    return [row.scores[F] for row in rows if row.label == label]


def contents(folder: Path) -> set[tuple[object, ...]]:
    return {(r.key, r.status, r.notes, *sorted(r.effects.items())) for r in read_rows(folder)}


def test_a_keen_model_hears_the_notes_of_a_hard_mask_in_any_sound(tmp_path: Path) -> None:
    """Only the bands of the fundamentals are left, so whatever sounds in them makes the notes."""
    study(tmp_path, toy_tracks(3))
    rows = read_rows(tmp_path)
    assert {row.status for row in rows} == {"ok"}
    assert min(scores(rows, "leak_noise(harm_mask)")) > 0.8
    assert not any(row.target == "fund_mask" for row in rows if row.permutation == "leak")
    for target in ("no_permutation", "harm_mask", "soft_harm_mask"):
        assert len(scores(rows, f"leak_other({target})")) == 3


def test_what_is_heard_by_chance_is_the_other_recording_itself(tmp_path: Path) -> None:
    """With itself as the other recording, chance is the baseline."""
    track = ToyTrack("a", seed=4)
    twin = replace(track, name="b")
    study(tmp_path, [track, twin], ["harm_mask"])
    rows = read_rows(tmp_path)
    chance, harm = "leak_other(no_permutation)", "leak_other(harm_mask)"
    assert scores(rows, chance) == scores(rows, "no_permutation")
    assert scores(rows, harm) == scores(rows, "harm_mask")


def test_leaks_do_not_depend_on_workers_or_on_the_other_conditions(tmp_path: Path) -> None:
    study(tmp_path / "one", toy_tracks(3), repeats=2)
    study(tmp_path / "two", toy_tracks(3), repeats=2, executor=partial(local, 2))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    study(tmp_path / "few", toy_tracks(3), ["soft_harm_mask"], repeats=2)
    assert contents(tmp_path / "few") < contents(tmp_path / "one")


def test_a_study_with_controls_adds_the_leaks_to_what_is_there(tmp_path: Path) -> None:
    study(tmp_path, toy_tracks(3), controls=False)
    before = contents(tmp_path)
    summary = study(tmp_path, toy_tracks(3))
    assert summary.reused == len(before)
    assert before < contents(tmp_path)
    assert study(tmp_path, toy_tracks(3)).computed == 0


def test_a_single_recording_has_no_other(tmp_path: Path) -> None:
    summary = study(tmp_path, toy_tracks(1), ["harm_mask"])
    why = "needs another recording, there is one"
    for label in ("leak_other(harm_mask)", "leak_other(no_permutation)"):
        assert f"{label}: {why}" in " ".join(summary.skipped)
    rows = read_rows(tmp_path)
    assert len(scores(rows, "leak_noise(harm_mask)")) == 1
    assert not scores(rows, "leak_other(harm_mask)")


def test_a_silent_or_broken_carrier_costs_only_its_own_rows(tmp_path: Path) -> None:
    tracks = [ToyTrack("a"), Silent("b"), ToyTrack("c", fault="error")]
    study(tmp_path, tracks, ["harm_mask"])
    found = {(r.track, r.label): (r.status, r.error) for r in read_rows(tmp_path)}
    assert found["a", "no_permutation"][0] == found["a", "leak_noise(harm_mask)"][0] == "ok"
    status, reason = found["a", "leak_other(harm_mask)"]
    assert status == "empty"
    assert "the other recording is silent" in reason
    status, reason = found["b", "leak_noise(harm_mask)"]
    assert status == "empty"
    assert "the recording is silent" in reason
    assert found["b", "harm_mask"][0] == "ok"
    assert {status for (track, _), (status, _) in found.items() if track == "c"} == {"error"}


def test_a_tenth_of_a_second(tmp_path: Path) -> None:
    study(tmp_path, [Blip("a", 0, 0.1), Blip("b", 3, 0.1)], ["harm_mask"])
    rows = read_rows(tmp_path)
    assert {row.status for row in rows} == {"ok"}
    assert sum(row.permutation == "leak" for row in rows) == 2 * 3


def test_a_target_that_reads_the_whole_first_reads_the_carrier(tmp_path: Path) -> None:
    """The energies that are matched are those of the noise: its row is not that of the sound."""
    matched = load_permutation("matched_energy", target="harm_mask")
    leak = Condition(Leak(matched), "leak_noise(matched_energy)", "control", "matched_energy")
    study(tmp_path, toy_tracks(2), [Condition(matched, "matched_energy"), leak], controls=False)
    rows = [row for row in read_rows(tmp_path) if row.permutation == "leak"]
    assert [row.status for row in rows] == ["ok", "ok"]
    assert all(row.effects["removed_db"] >= 1.0 for row in rows)


def test_basic_pitch_finds_the_notes_of_a_hard_mask_in_noise(tmp_path: Path) -> None:
    tracks = list(load_dataset("demo", max_tracks=2, max_seconds=6.0))
    study(
        tmp_path,
        tracks,
        ["fund_mask", "harm_mask", "soft_harm_mask"],
        model=ModelSpec("basic_pitch"),
    )
    rows = read_rows(tmp_path)
    assert np.mean(scores(rows, "leak_noise(harm_mask)")) > 0.2
    assert np.mean(scores(rows, "leak_noise(soft_harm_mask)")) < 0.05
    assert not any(row.target == "fund_mask" for row in rows if row.permutation == "leak")


def test_basic_pitch_finds_nothing_in_noise_or_without_fundamentals(tmp_path: Path) -> None:
    """The noise itself must not hold the notes, or everything would leak."""
    tracks = list(load_dataset("demo", max_tracks=2, max_seconds=6.0))
    named = [
        Condition(Leak(load_permutation(name)), f"leak_noise({name})", "control", name)
        for name in ("no_permutation", "fund_mask")
    ]
    study(tmp_path, tracks, named, model=ModelSpec("basic_pitch"), controls=False)
    rows = read_rows(tmp_path)
    assert max(scores(rows, "leak_noise(no_permutation)")) < 0.03
    assert max(scores(rows, "leak_noise(fund_mask)")) < 0.03
