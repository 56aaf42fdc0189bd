"""The explorer's data: replayed exactly, seen and heard as the toy model's known answers say."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from PIL import Image
from tests.report.study import AWKWARD, toy_files
from tests.toys import TOY, ToyTrack, ToyTranscriber, toy_tracks

from pi_amt.core.audio import read_audio
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.datasets.track import FileTrack
from pi_amt.models.loading import ModelSpec, load_model
from pi_amt.models.timbre_trap.model import TimbreTrap
from pi_amt.permutation_importance import Importance, importance
from pi_amt.permutations.controls import NoPermutation
from pi_amt.permutations.loading import load_permutation
from pi_amt.permutations.permutation import Change, Scene
from pi_amt.report.catalog import Entry, catalog
from pi_amt.report.explorer.examples import Example, choose_conditions, excerpt_of, row_of
from pi_amt.report.explorer.explorer import explore
from pi_amt.report.explorer.listen import Sound, audio_address, heard, residual_db
from pi_amt.report.explorer.origin import Origin
from pi_amt.report.explorer.pictures import column_times, columns, outline, picture
from pi_amt.report.explorer.replay import Replayed, read_recording, replay
from pi_amt.report.explorer.roll import look_for, roll
from pi_amt.report.page.build import build, make_page
from pi_amt.report.page.render import render
from pi_amt.scoring.anatomy import annotate
from pi_amt.scoring.matching import match_notes
from pi_amt.store.store import Store
from pi_amt.study.conditions import Condition, make_conditions
from pi_amt.study.driver import run_study
from pi_amt.study.executors.processes import serial
from pi_amt.study.groups import Group

Explored = tuple[dict[str, Any], list[str]]


def load(results: Path) -> Importance:
    return Importance.read(results, n_resamples=200)


def shown_of(importance: Importance) -> list[Entry]:
    return choose_conditions(importance, catalog(importance), importance.origin)[0]


def example_of(audio: Path) -> Example:
    source = FileTrack(AWKWARD[0], audio, audio.with_suffix(".mid"), composition="")
    return Example("toys", AWKWARD[0], (0,), "", source, 0, 0)


@pytest.fixture(scope="module")
def explored(toy_results: Path) -> Explored:
    importance = load(toy_results)
    data, said = explore(importance, catalog(importance), importance.origin, 2)
    assert data is not None
    return data, said


def pixels(address: str) -> NDArray[np.float64]:
    data = base64.b64decode(address.split(",", 1)[1])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=np.float64)


def sound_of(address: str) -> tuple[NDArray[np.float64], int]:
    return soundfile.read(io.BytesIO(base64.b64decode(address.split(",", 1)[1])))  # type: ignore[no-any-return]


def test_known_answers_of_the_toy(explored: Explored) -> None:
    data, _ = explored
    for example in data["examples"]:
        conditions = {c["title"]: c for c in example["models"][0]["conditions"]}
        lost = conditions["fund_mask"]["counts"]
        assert lost["lost"] > 10
        assert (lost["kept"], lost["gained"], lost["false-new"]) == (0, 0, 0)
        assert conditions["fund_mask"]["transcription"] == []
        assert len(example["models"][0]["transcription"]) == lost["lost"]


def test_replay_is_the_study_again(explored: Explored, toy_results: Path) -> None:
    importance = load(toy_results)
    entries = {entry.title: entry for entry in catalog(importance)}
    panel, track = importance.panels[0], AWKWARD[0]
    base, row = panel.baseline[track], row_of(panel, entries["random"], 0, track)
    assert row is not None
    audio = toy_results.parent / "files" / "0.wav"
    recording = read_recording(example_of(audio), base)
    model = load_model(TOY)
    whole = model.transcribe(recording.samples, recording.sample_rate)
    for start, stop in ((0.0, 5.0), (6.0, 13.0)):
        clean, perturbed = replay(model, recording, [importance.origin.condition(row)], start, stop)
        inside = whole[(whole.onsets < stop) & (whole.offsets > start)]
        assert np.array_equal(clean.notes.onsets, inside.onsets)
        assert np.array_equal(clean.notes.pitches, inside.pitches)
        assert not np.array_equal(clean.spectrogram.values, perturbed.spectrogram.values)
    for example in explored[0]["examples"]:
        for condition in example["models"][0]["conditions"]:
            assert condition["agreement"]["same"] == condition["agreement"]["all"]


def test_masks_of_the_explorer_follow_contours_that_are_in_no_row(toy_results: Path) -> None:
    base = load(toy_results).panels[0].baseline[AWKWARD[0]]
    example = example_of(toy_results.parent / "files" / "0.wav")
    notes = example.source.notes()
    assert read_recording(example, base).reference.contours == ()
    contours = [
        np.array([[onset, pitch], [onset + 0.1, pitch + 1]])
        for onset, pitch in zip(notes.onsets, notes.pitches, strict=True)
    ]
    gliding = replace(notes, contours=tuple(contours))

    class Gliding(FileTrack):
        def notes(self) -> Notes:
            return gliding

    source = Gliding(**{f.name: getattr(example.source, f.name) for f in fields(FileTrack)})
    found = read_recording(replace(example, source=source), base).reference
    assert np.array_equal(np.array(found.contours), np.array(contours))


def test_pictures_show_the_hole_and_its_outline(explored: Explored) -> None:
    model = explored[0]["examples"][0]["models"][0]
    masked = next(c for c in model["conditions"] if c["title"] == "fund_mask")
    before, after = pixels(model["picture"]), pixels(masked["picture"])
    edge = pixels(masked["outline"])[..., 1] > 0
    assert before.shape == after.shape == (*edge.shape, 3)
    assert before[edge].mean() > 1.5 * after[edge].mean()
    assert 0.002 < edge.mean() < 0.3
    assert abs(before - after)[:3].mean() < 8  # the highest partials were not touched


def test_players_hold_the_excerpt_and_the_mask_takes_its_sound_away(explored: Explored) -> None:
    example = explored[0]["examples"][0]
    original, rate = sound_of(example["audio"])
    assert len(original) / rate == pytest.approx(example["seconds"], abs=0.2)
    masked = next(c for c in example["models"][0]["conditions"] if c["title"] == "fund_mask")
    perturbed, _ = sound_of(masked["audio"])
    # partials 2-4 hold 7 % of a tone's energy; the mask's edges leave some of the rest
    assert np.mean(perturbed**2) < 0.35 * np.mean(original**2)
    assert example["models"][0]["borrowed_phase"]
    assert -40 < masked["residual_db"] < 0


def test_reproduction_without_its_model_is_left_out_and_said(explored: Explored) -> None:
    data, said = explored
    assert all(len(example["models"]) == 1 for example in data["examples"])
    assert any("Timbre-Trap is left out, because the model" in line for line in said)


def test_examples_run_from_the_largest_to_the_smallest_drop(explored: Explored) -> None:
    first, second = explored[0]["examples"]
    assert (first["why"], second["why"]) == ("largest mean drop", "smallest mean drop")
    assert {first["track"], second["track"]} < set(AWKWARD)


def test_moved_audio_is_said_and_the_page_is_made(toy_results: Path) -> None:
    importance = load(toy_results)
    audio = sorted((toy_results.parent / "files").glob("*.wav"))
    try:
        for path in audio:
            path.rename(path.with_suffix(".moved"))
        page = render(make_page(importance, importance.origin, examples=2), "x_files", [])
    finally:
        for path in audio:
            path.with_suffix(".moved").rename(path)
    assert "the audio of 3 of 3 recordings is not where it was" in page
    assert 'id="explorer-root"' not in page


def test_all_conditions_are_in_the_explorer_and_no_control(toy_results: Path) -> None:
    importance = load(toy_results)
    asked = [e.title for e in catalog(importance) if e.condition.role == "condition"]
    assert [entry.title for entry in shown_of(importance)] == asked
    assert len(asked) == 10


@dataclass(frozen=True)
class Unregistered(NoPermutation):
    """An object of a user that no config name leads to."""

    name: ClassVar[str] = "unregistered"

    def draw(self, scene: Scene) -> Change:
        return Change(lambda spectrogram: spectrogram.with_values(spectrogram.tensor * 0.999))


def study_of(folder: Path, *conditions: Any) -> Path:
    """Results folder of the toy model on files under these conditions."""
    with Store(folder / "results") as store:
        tracks = toy_files(folder / "files", 8.0)
        group = Group(ModelSpec(TOY), "toys", tracks, make_conditions(conditions), tuning="off")
        summary = run_study([group], store, serial, quiet=True)
        assert not summary.errors, summary.errors[0].error
    return folder / "results"


def test_a_report_with_nested_targets_and_unregistered_permutations_is_written(
    tmp_path: Path,
) -> None:
    control = load_permutation("matched_tracks", target="fund_mask")
    results = study_of(
        tmp_path,
        load_permutation("matched_energy", target="harm_mask"),
        Condition(control, "elsewhere"),
        Condition(load_permutation("fund_mask"), "anew", normalization="model"),
        Unregistered(),
    )
    importance = load(results)
    shown = [entry.title for entry in shown_of(importance)]
    assert sorted(shown) == ["anew", "elsewhere", "matched_energy(harm_mask)"]
    page = build(results, tmp_path / "page" / "report.html", examples=1).read_text("utf-8")
    assert 'id="explorer-root"' in page
    assert "Not in the explorer, because it is not known here: unregistered." in page


def test_a_result_from_python_shows_its_excerpts_whatever_it_is_made_of(tmp_path: Path) -> None:
    """Recordings that are no files, a model that no name leads to, and a nameless permutation."""
    result = importance(
        ToyTranscriber(),
        toy_tracks(2, 8.0),
        permutations=["fund_mask", Unregistered(), load_permutation("donor")],
        n_jobs=1,
        quiet=True,
    )
    data, said = explore(result, catalog(result), result.origin, 1)
    assert data is not None
    shown = {c["title"]: c for c in data["examples"][0]["models"][0]["conditions"]}
    assert set(shown) == {"fund_mask", "unregistered", "donor"}
    assert shown["fund_mask"]["f"] == [1.0, 0.0]
    assert shown["unregistered"]["f"] == [1.0, 1.0]
    assert all(c["agreement"]["same"] == c["agreement"]["all"] for c in shown.values())
    assert said == []
    page = result.report(tmp_path / "report.html", examples=1).read_text("utf-8")
    assert 'id="explorer-root"' in page
    assert "not here any more" not in page
    assert 'id="explorer-root"' not in result.report(
        tmp_path / "report.html", examples=0
    ).read_text("utf-8")


def test_what_draws_nothing_is_known_whatever_the_seed_of_its_stored_row(tmp_path: Path) -> None:
    first, second = (
        importance(
            ToyTranscriber(),
            toy_tracks(1),
            permutations=[Unregistered(), "random"],
            seed=seed,
            n_jobs=1,
            results_dir=tmp_path,
            quiet=True,
        )
        for seed in (0, 1)
    )
    stored = {row.label: row for row in second.rows}
    assert (stored["unregistered"].seed, stored["random"].seed) == (0, 1)
    assert second.origin.condition(stored["unregistered"]).permutation == Unregistered()
    drawn = next(row for row in first.rows if row.label == "random")
    assert second.origin.condition(drawn).seed == 0


@dataclass(frozen=True)
class Halved(NoPermutation):
    """A user's, found by its path: half of every value, in an array of its own."""

    name: ClassVar[str] = "tests.report.explorer.test_explorer:Halved"
    factors: tuple[float, ...] = (0.5,)

    def draw(self, scene: Scene) -> Change:
        return Change(lambda clean: clean.with_values(clean.tensor * self.factors[0]))


@dataclass(frozen=True)
class HalvedInPlace(Halved):
    """The same, written over its input."""

    name: ClassVar[str] = "tests.report.explorer.test_explorer:HalvedInPlace"

    def draw(self, scene: Scene) -> Change:
        def halve(clean: Spectrogram) -> Spectrogram:
            clean.tensor.mul_(self.factors[0])
            return clean

        return Change(halve)


def test_a_permutation_that_works_in_place_is_replayed_as_one_that_copies(tmp_path: Path) -> None:
    results = study_of(tmp_path, HalvedInPlace(), Halved(), "fund_mask")
    importance = load(results)
    entries = {e.condition.permutation: e for e in shown_of(importance)}
    panel, track = importance.panels[0], AWKWARD[0]
    names = (HalvedInPlace.name, Halved.name, "fund_mask")
    rows = [row for name in names if (row := row_of(panel, entries[name], 0, track))]
    assert rows[0].scores == rows[1].scores
    assert rows[0].effects == rows[1].effects
    audio = tmp_path / "files" / "0.wav"
    recording = read_recording(example_of(audio), rows[0])
    model = load_model(TOY)
    whole = model.analyze(recording.samples, recording.sample_rate)
    conditions = [importance.origin.condition(row) for row in rows]
    clean, in_place, copied, _ = replay(model, recording, conditions, 0.0, 8.0)
    assert np.array_equal(clean.spectrogram.values, whole.values)
    assert np.array_equal(in_place.spectrogram.values, 0.5 * np.asarray(whole.values))
    assert np.array_equal(copied.spectrogram.values, in_place.spectrogram.values)
    data, _ = explore(importance, list(entries.values()), importance.origin, 1)
    assert data is not None
    seen = data["examples"][0]["models"][0]
    drawn = [c["picture"] for c in seen["conditions"] if c["title"] in names[:2]]
    assert drawn[0] == drawn[1] != seen["picture"]


def test_what_was_borrowed_from_another_composition_is_borrowed_from_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = sorted(toy_files(tmp_path / "files", 3.0), key=lambda t: t.name)
    tracks = [replace(first, composition="one"), replace(second, composition="one"), third]
    donor = load_permutation("donor", source="neighbour")
    group = Group(ModelSpec(TOY), "toys", tracks, make_conditions([donor]), tuning="off")
    with Store(tmp_path / "results") as store:
        run_study([group], store, serial, quiet=True)
    lent: dict[str, str] = {}

    def seen(model: Any, recording: Any, *given: Any, **options: Any) -> list[Replayed]:
        lent[recording.track] = given[-1].name
        return replay(model, recording, *given, **options)

    monkeypatch.setattr("pi_amt.report.explorer.explorer.replay", seen)
    importance = load(tmp_path / "results")
    for origin in (importance.origin, Origin(groups=[group])):
        lent.clear()
        explore(importance, catalog(importance), origin, 3)
        expected = {first.name: third.name, second.name: third.name, third.name: first.name}
        assert lent == expected
    source = importance.origin.track(importance.panels[0].baseline[first.name])
    assert source is not None
    assert source.composition == "one"


def test_transcriptions_that_a_study_aligned_are_aligned_again(tmp_path: Path) -> None:
    early = [replace(t, onset_shift_ms=-70.0) for t in toy_files(tmp_path / "files", 16.0)]
    random = make_conditions(["random"])
    group = Group(ModelSpec(TOY), "toys", early, random, tuning="off", align="median")
    with Store(tmp_path / "results") as store:
        run_study([group], store, serial, quiet=True)
    importance = load(tmp_path / "results")
    assert {row.effects["aligned_ms"] > 70 for row in importance.rows} == {True}
    data, _ = explore(importance, catalog(importance), importance.origin, 1)
    assert data is not None
    (shown,) = data["examples"][0]["models"]
    counts = shown["conditions"][0]["agreement"]
    assert counts["same"] == counts["all"] > 0


def test_excerpt_holds_most_changes(toy_results: Path) -> None:
    importance = load(toy_results)
    entries = shown_of(importance)
    start, stop = excerpt_of([importance.panels[0]], entries, [0], AWKWARD[0])
    assert start >= 0
    assert stop - start == pytest.approx(10.0)
    assert stop <= 13.0


def test_roll_counts_each_note_once() -> None:
    reference = Notes.from_arrays([0, 1, 2, 3], [0.5, 1.5, 2.5, 3.5], [60, 62, 64, 65])
    clean = Notes.from_arrays([0, 1, 2.2], [0.5, 1.5, 2.4], [60, 62, 90])
    perturbed = Notes.from_arrays([0, 3, 2.2, 1], [0.5, 3.5, 2.4, 1.2], [60, 65, 90, 74])
    tables = [annotate(reference, e, match_notes(reference, e)) for e in (clean, perturbed)]
    found = roll(tables[0], tables[1], 0.0, 10.0)
    assert found["counts"] == {
        "kept": 1, "lost": 1, "gained": 1, "missed": 1, "false-new": 1, "false-old": 1,
    }  # fmt: skip
    assert [note[2] for note in found["notes"] if note[3] == 1] == [62.0]
    assert roll(tables[0], tables[1], 2.6, 10.0)["counts"]["gained"] == 1
    assert len(roll(tables[0], tables[1], 2.6, 10.0)["notes"]) == 1
    # of four notes two are found both times, and there is one false note, then there are two
    assert found["f"] == [round(4 / 7, 3), round(4 / 8, 3)]
    assert roll(tables[0], tables[1], 2.6, 10.0)["f"] == [0.0, 1.0]
    assert roll(tables[0], tables[1], 5.0, 10.0)["f"] == [None, None]


def test_what_to_look_for_is_what_changed_most() -> None:
    reference = Notes.from_arrays([0, 1, 2, 3], [0.5, 1.5, 2.5, 3.5], [60, 62, 64, 65])
    octave_up = ([*range(4), 0, 1, 2], [*range(1, 5), 0.5, 1.5, 2.5], [60, 62, 64, 65, 72, 74, 70])
    estimates = {
        "all": reference,
        "two": Notes.from_arrays([0, 1], [0.5, 1.5], [60, 62]),
        "none": Notes.from_arrays([], [], []),
        "more": Notes.from_arrays(*octave_up),
    }
    tables = {
        name: annotate(reference, notes, match_notes(reference, notes))
        for name, notes in estimates.items()
    }
    said = {
        (before, after): look_for(tables[before], tables[after], 0.0, 10.0)
        for before in tables
        for after in tables
    }
    assert "all of the 4 notes found before are still found" in said["all", "all"]
    assert said["all", "two"].endswith("2 of the 4 notes found before are lost.")
    assert said["all", "none"].endswith("none of the 4 notes found before is left.")
    assert "2 notes are found only when perturbed" in said["two", "all"]
    assert "3 notes that nobody plays are new, 2 of them an octave" in said["all", "more"]
    assert "finds none of these notes" in said["none", "none"]


def ramp(blocks: int = 3, hop: float = 1.0, frames: int = 20, rate: float = 10.0) -> Spectrogram:
    """Overlapping blocks whose values are block number + bin / 10."""
    starts = np.arange(blocks)[:, None] * hop
    values = np.broadcast_to(
        np.arange(blocks)[:, None, None] + np.arange(4)[None, :, None] / 10, (blocks, 4, frames)
    )
    return Spectrogram(
        values.astype(np.float32), np.array([100.0, 200, 400, 800]),
        starts + np.arange(frames) / rate, np.full(4, 0.1), rate, 4000, 1000,
    )  # fmt: skip


def test_columns_come_from_the_block_in_whose_middle_they_are() -> None:
    blocks = ramp()
    found = columns(blocks, np.asarray(blocks.values), np.array([0.1, 1.2, 1.8, 3.5]))
    assert found.shape == (4, 4)
    assert list(np.floor(found[0])) == [0, 0, 1, 2]
    assert found[:, 0] == pytest.approx([0.0, 0.1, 0.2, 0.3])
    times = column_times(2.0, 4.0, 10)
    assert len(times) == 20
    assert times[0] == pytest.approx(2.05)


def test_outline_is_the_edge_of_a_rectangle_and_empty_where_scattered() -> None:
    mask = np.zeros((40, 60), dtype=bool)
    mask[10:20, 5:25] = True
    edge = pixels(outline(mask))[::-1, :, 1] > 0
    assert edge.sum() == 2 * 20 + 2 * 8
    assert edge[10, 5:25].all()
    assert not edge[11:19, 6:24].any()
    for share in (0.5, 0.1):
        assert outline(np.random.default_rng(0).random((40, 60)) < share) == ""
    assert outline(np.zeros((4, 4), dtype=bool)) == ""


def test_picture_has_low_bins_at_the_bottom() -> None:
    power = np.full((30, 30), 1e-12)
    power[:8] = 1.0
    image = pixels(picture(power, 1.0)).sum(axis=-1)
    assert image[-4:].mean() > 600
    assert image[:10].mean() < 30


def test_borrowed_phase_changes_nothing_where_nothing_was_done_and_halves_what_is_halved() -> None:
    model = load_model(TOY)
    samples, rate = ToyTrack("t", seed=3, seconds=8.0).audio()
    samples = samples + np.float32(0.01) * np.random.default_rng(0).standard_normal(
        len(samples), dtype=np.float32
    )  # where the input is exactly zero there is nothing to scale
    clean = model.analyze(samples, rate)
    whole = Sound(samples, rate, 0.0)
    same = heard(model, whole, clean, clean)
    half = heard(model, whole, clean, clean.with_values(0.5 * np.asarray(clean.values)))
    assert np.std(half.samples - 0.5 * same.samples) < 0.01 * np.std(same.samples)
    untouched = residual_db(model, same, clean)
    assert untouched is not None
    assert untouched < -40


def test_slicq_input_is_heard_as_it_is(toy_results: Path) -> None:
    model = TimbreTrap()
    samples, rate = read_audio(toy_results.parent / "files" / "0.wav")
    clean = model.analyze(samples, rate)
    sound = heard(model, Sound(samples, rate, 0.0), clean, clean)
    assert sound.begin == pytest.approx(0.0)
    assert sound.sample_rate == 22_050
    untouched = residual_db(model, sound, clean)
    assert untouched is not None
    assert untouched < -50
    # noise in every coefficient is no signal's: most of it is lost in synthesis
    rng = np.random.default_rng(0)
    shape = clean.values.shape
    noise = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)
    noisy = replace(clean, values=noise)
    far = residual_db(model, heard(model, Sound(samples, rate, 0.0), noisy, noisy), noisy)
    assert far is not None
    assert far > -6


def test_short_sound_has_no_residual() -> None:
    model = load_model(TOY)
    samples, rate = ToyTrack("t", seconds=1.5).audio()
    clean = model.analyze(samples, rate)
    assert len(clean.times) == 1
    sound = heard(model, Sound(samples, rate, 0.0), clean, clean)
    assert residual_db(model, sound, clean) is None


def test_sound_is_compressed_and_never_clipped() -> None:
    tone = (3 * np.sin(np.arange(44_100) * 0.1)).astype(np.float32)
    address = audio_address(tone, 22_050)
    decoded, rate = sound_of(address)
    assert rate == 22_050
    assert len(address) < 2 * 44_100 * 0.4
    assert 0.9 < np.abs(decoded).max() < 1.1


def test_sound_is_heard_when_it_happens() -> None:
    click = np.zeros(44_100, dtype=np.float32)
    click[22_050] = 1.0
    decoded, rate = sound_of(audio_address(click, 22_050))
    assert np.abs(decoded).argmax() / rate == pytest.approx(1.0, abs=0.002)
