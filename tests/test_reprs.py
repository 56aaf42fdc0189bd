"""What a prompt shows of an object: one line with the facts that matter, not a page of numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tests.rows import make_rows

import pi_amt
from pi_amt.core.hashing import stable_text
from pi_amt.models.adapter import as_transcriber
from pi_amt.models.loading import ModelSpec
from pi_amt.permutations.loading import available
from pi_amt.study.conditions import as_condition

NOTES = pi_amt.Notes.from_arrays([0.5, 1.0], [2.0, 1.5], [60, 64.5])


def spectrogram() -> pi_amt.Spectrogram:
    return pi_amt.Spectrogram(
        values=np.zeros((2, 3, 4), dtype=np.float32),
        frequencies=np.array([100.0, 200.0, 400.0]),
        times=np.arange(8.0).reshape(2, 4) / 10,
        window_seconds=np.full(3, 0.1),
        frame_rate=10.0,
        n_samples=8_000,
        sample_rate=10_000,
    )


class Mine:
    """A model of three methods."""

    def analyze(self, samples: Any, sample_rate: int) -> pi_amt.Spectrogram:
        return spectrogram()

    def activations(self, given: pi_amt.Spectrogram) -> dict[str, Any]:
        return {"notes": np.zeros((4, 88), dtype=np.float32)}

    def decode(self, activations: Any) -> pi_amt.Notes:
        return NOTES


def importance() -> pi_amt.Importance:
    rows = make_rows({"fund_mask": 0.3, "matched_tracks(fund_mask)": 0.1}, noise=0.0)
    return pi_amt.Importance.from_rows(rows, n_resamples=200)


FACTS: dict[str, tuple[Callable[[], object], tuple[str, ...]]] = {
    "notes": (lambda: NOTES, ("2 notes", "0.50 to 2.00 s", "MIDI 60 to 64.5")),
    "no notes": (pi_amt.Notes.empty, ("0 notes",)),
    "spectrogram": (spectrogram, ("2 × 3 × 4", "float32", "100 to 400 Hz", "0.8 s")),
    "dataset": (lambda: pi_amt.load_dataset("demo"), ("'demo'", "12 recordings", "3.2 min")),
    "track": (lambda: pi_amt.load_dataset("demo").tracks[0], (".mid", " s, ")),
    "model": (
        lambda: pi_amt.load_model("basic_pitch", device="cpu"),
        ("BasicPitch", "published weights", "fp32 on cpu"),
    ),
    "identity": (lambda: pi_amt.load_model("basic_pitch").identity, ("basic_pitch", "published")),
    "wrapped model": (lambda: as_transcriber(Mine()), ("Mine", "user model")),
    "spec": (lambda: ModelSpec("basic_pitch"), ("basic_pitch",)),
    "condition": (lambda: as_condition("random", 3), ("'random'", "Random()", "seed 3")),
    "importance": (
        importance,
        ("Importance(", "basic_pitch × demo", "12 recordings", "F-measure_no_offset"),
    ),
    "panel": (lambda: importance().panel, ("2 conditions × 12 recordings × 1 repeat",)),
    "condition result": (
        lambda: importance()["fund_mask"],
        ("fund_mask", "drop 0.300", "excess 0.200", "12 recordings"),
    ),
    "table": (lambda: importance().table(), ("3 lines", "columns", "print()")),
    "row": (lambda: importance().rows[0], ("no_permutation", "piece_00", "F 0.")),
}


@pytest.mark.parametrize("kind", FACTS)
def test_an_object_shows_its_facts_in_one_line(kind: str) -> None:
    make, facts = FACTS[kind]
    shown = repr(make())
    assert "\n" not in shown
    assert len(shown) <= 200
    assert [fact for fact in facts if fact not in shown] == []


@pytest.mark.parametrize("name", available())
def test_a_permutation_shows_the_options_that_were_chosen(name: str) -> None:
    assert "half_width_cents" not in repr(pi_amt.load_permutation(name))


def test_chosen_options_are_shown_by_the_names_that_users_give() -> None:
    shown = repr(pi_amt.load_permutation("fund_mask", half_width_cents=100))
    assert shown == "FundMask(half_width_cents=100)"
    shown = repr(pi_amt.load_permutation("random", draw="static"))
    assert shown == "Random(draw='static')"


@dataclass(frozen=True)
class Louder(pi_amt.Permutation):
    """A permutation of a user with a repr of its own."""

    name = "louder"
    db: float = 6.0

    def __repr__(self) -> str:
        return f"louder by {self.db:g} dB"

    def draw(self, scene: pi_amt.Scene) -> pi_amt.Change:
        return pi_amt.Change(lambda given: given)


@dataclass(frozen=True, repr=False)
class MuchLouder(Louder):
    """One that extends it."""

    db: float = 20.0


@pytest.mark.parametrize(("one", "shown"), [(Louder(), "6"), (MuchLouder(), "20")])
def test_a_repr_of_somebody_s_own_stays(one: pi_amt.Permutation, shown: str) -> None:
    assert repr(one) == f"louder by {shown} dB"


def test_the_text_that_rows_are_found_by_is_not_the_short_one() -> None:
    shifted = NOTES.shifted(0.001)
    assert repr(NOTES) == repr(shifted)
    assert stable_text(NOTES) != stable_text(shifted)
    assert stable_text(ModelSpec("a")) == "ModelSpec(name='a', options='{}')"
    mask = pi_amt.load_permutation("fund_mask")
    assert stable_text(mask).startswith("FundMask(half_width_cents=None, fill='silence', ")
    model = pi_amt.load_model("basic_pitch", device="cpu")
    assert stable_text(model) == "<pi_amt.models.basic_pitch.model.BasicPitch object>"
