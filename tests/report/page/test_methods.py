"""The methods paragraph says what the rows say, and cites what it has references for."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from tests.rows import make_rows

from pi_amt.permutation_importance import Importance
from pi_amt.report.names import families
from pi_amt.report.page.methods import methods_markdown, references
from pi_amt.store.rows import ConditionKey


def test_paragraph_follows_the_rows() -> None:
    rows = make_rows({"fund_mask": 0.2}, n_pieces=7, dataset="maps", seed=3)
    text = methods_markdown(Importance.from_rows(rows, n_resamples=500))
    for said in ("Basic Pitch", "MAPS", "7 recordings", "`fund_mask`", "500 resamples", "mir_eval"):
        assert said in text, said
    assert "MAESTRO" not in text
    assert "matched control" not in text
    assert "reproduction" not in text


@pytest.mark.parametrize(
    ("score", "said", "cited"),
    [
        ("Recall", "the Recall as defined by mir_eval", True),
        ("Frame_Average_Precision", "the Frame Average Precision (is each of 88 pitches", False),
        (
            "F-measure_no_offset_150ms",
            "the note F-measure without offsets (onset within 150",
            False,
        ),
        ("F-measure_no_offset_chroma", "(onset within 50 ms, octaves folded)", False),
        ("chords", "The score is `chords`, averaged", False),
    ],
)
def test_only_scores_of_mir_eval_are_called_so(score: str, said: str, cited: bool) -> None:
    rows = [replace(row, scores={**row.scores, score: 0.5}) for row in make_rows()]
    text = methods_markdown(Importance.from_rows(rows, score=score))
    assert said in text
    assert ("raffel2014mireval" in references(text)) == cited


def test_a_reproduction_and_matched_controls_are_named() -> None:
    drops = {"fund_mask": 0.2, "matched_tracks(fund_mask)": 0.1}
    rows = make_rows(drops, model="timbre_trap", weights_label="synthetic-trained reproduction")
    text = methods_markdown(Importance.from_rows(rows))
    assert "matched control" in text
    assert "do not describe the published model" in text


@pytest.mark.parametrize(
    ("drops", "asked", "others"),
    [
        ({}, "We scored", ("rely on", "sensitive to", "breiman2001", "Intervals", "repeats")),
        ({"floor": 0.5}, "We scored", ("rely on", "sensitive to", "breiman2001")),
        ({"fund_mask": 0.3}, "are sensitive to", ("rely on",)),
        (
            {"fund_mask": 0.3, "matched_tracks(fund_mask)": 0.1},
            "models rely on, by permutation importance [@breiman2001] of the models' own",
            ("sensitive to",),
        ),
    ],
)
def test_the_question_is_one_that_the_conditions_answer(
    drops: dict[str, float], asked: str, others: tuple[str, ...]
) -> None:
    text = methods_markdown(Importance.from_rows(make_rows(drops, n_pieces=4)))
    assert asked in text
    assert not [other for other in others if other in text]


def test_what_was_perturbed_is_the_sound_where_models_heard_it() -> None:
    own = make_rows({"fund_mask": 0.3})
    sound = make_rows(
        {"fund_mask": 0.3}, model="basic_pitch (audio)", settings='{"domain": "audio"}'
    )
    text = methods_markdown(Importance.from_rows(sound))
    assert "own" not in text
    assert "of the sound that the models hear." in text
    assert "Perturbations acted on a non-stationary Gabor transform of the sound" in text
    assert "Basic Pitch (audio) [@bittner2022basicpitch] ran with" in text
    both = methods_markdown(Importance.from_rows([*own, *sound]))
    assert "of the models' own time–frequency input or of the sound that the models hear." in both
    assert "normalisation, and for Basic Pitch (audio) on a non-stationary Gabor" in both


def test_each_matched_control_is_described_as_what_it_is() -> None:
    drops = {
        f"{control}{name}{')' if control else ''}": 0.1
        for name in ("fund_mask", "soft_fund_mask", "harm_mask", "high_freq")
        for control in ("", "matched_tracks(")
    }
    text = methods_markdown(Importance.from_rows(make_rows(drops)))
    assert "`fund_mask` and `soft_fund_mask` with a control that treats a random other" in text
    assert "`harm_mask` with a control that keeps a random other partial" in text
    assert "`high_freq` with a control that shuffles as many bins below the cutoff" in text
    alone = make_rows({"fund_mask": 0.1, "matched_tracks(harm_mask)": 0.1})
    assert "We compared" not in methods_markdown(Importance.from_rows(alone))


def test_the_paragraph_ends_with_the_answer_and_says_what_a_claim_takes() -> None:
    drops = {"fund_mask": 0.3, "matched_tracks(fund_mask)": 0.1}
    found = Importance.from_rows(make_rows(drops), equivalence_margin=0.05)
    text = methods_markdown(found)
    assert "within ±0.05 by two one-sided tests at 5 %" in text
    assert text.endswith("Basic Pitch relies on the fundamentals.\n")
    assert found.headline()[0].startswith("Basic Pitch relies on the fundamentals.")
    bare = methods_markdown(Importance.from_rows(make_rows({"fund_mask": 0.3})))
    assert "one-sided" not in bare
    assert "Removing the fundamentals lowers Basic Pitch's note F" in bare


def test_steps_of_a_profile_are_one_item_and_channels_are_not_called_spectral() -> None:
    labels = [f"remove_harmonic(harmonic={k})" for k in range(1, 11)]
    drops = dict.fromkeys([*labels, "ablate_channel(channel=0)"], 0.1)
    steps = {label: {"harmonic": k} for k, label in enumerate(labels, start=1)}
    rows = make_rows(drops, parameters=steps | {"ablate_channel(channel=0)": {"channel": 0}})
    text = methods_markdown(Importance.from_rows(rows))
    assert "normalisation: `remove_harmonic` (harmonic = 1 … 10). One channel" in text
    assert "set to zero by `ablate_channel(channel=0)`." in text


def test_widths_of_the_masks_are_those_of_the_models() -> None:
    for name, said in (("basic_pitch", ", ±70 cents in Basic Pitch around each partial."),
                       ("timbre_trap", ", ±50 cents in Timbre-Trap around each partial."),
                       ("somebody's", "strings [@rigaud2013].")):  # fmt: skip
        rows = make_rows({"fund_mask": 0.2}, model=name)
        assert said in methods_markdown(Importance.from_rows(rows))
    given = make_rows({"fund_mask": 0.2}, parameters={"fund_mask": {"half_width_cents": 35}})
    assert "±35 cents around each partial" in methods_markdown(Importance.from_rows(given))


def test_what_is_said_of_the_masks_holds_for_all_of_them() -> None:
    labels = ("fund_mask", "fund_mask(inharmonicity=none)")
    options = {labels[1]: {"inharmonicity": "none"}}

    def said(*labels: str, tuning: str = "estimate") -> str:
        settings = json.dumps({"tuning": tuning})
        rows = make_rows(dict.fromkeys(labels, 0.2), parameters=options, settings=settings)
        text = methods_markdown(Importance.from_rows(rows))
        (sentence,) = re.findall(r"Masks followed .*?\.", text)
        return str(sentence)

    stretched, exact = "the inharmonicity of piano strings [@rigaud2013]", "exactly harmonic"
    assert f"estimated tuning, with {stretched}, ±70" in said(labels[0])
    assert "rigaud2013" not in said(labels[1])
    assert f"tuning, with {exact} partials, ±70" in said(labels[1])
    for order in (labels, labels[::-1]):
        assert f"some with {stretched}, some with {exact} partials" in said(*order)
    assert "tuning" not in said(labels[0], tuning="off")


@pytest.mark.parametrize(
    ("name", "options", "short"),
    [
        ("random", [{"p": 0.1}, {"p": 0.2}], ["random (p = 0.1, 0.2)"]),
        ("k", [{"h": k, "fill": "silence"} for k in range(7)], ["k (h = 0 … 6)"]),
        ("k", [{"h": k} for k in (1, 2, 4, 5)], ["k (h = 1, 2, 4, 5)"]),
        ("m", [{"a": 1, "b": "x, y"}, {"a": 1, "b": "(z=1)"}], ["m (b = x, y, (z=1))"]),
        ("odd (a=1), b", [{"q": "a=b"}], ["label 0"]),
        # not a full grid: nothing is said that was not run
        ("m", [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], ["label 0", "label 1"]),
        ("e", [{"target": {"name": "x"}}, {"target": {"name": "y"}}], ["label 0", "label 1"]),
    ],
)
def test_conditions_in_short(name: str, options: list[dict[str, Any]], short: list[str]) -> None:
    keys = [ConditionKey(name, json.dumps(o), f"label {i}") for i, o in enumerate(options)]
    assert [name + told for name, told in families({key: key.label for key in keys})] == short


def test_a_condition_without_options_stands_beside_its_series() -> None:
    series = [ConditionKey("m", json.dumps({"a": a}), f"m(a={a})") for a in (1, 2)]
    keys = [ConditionKey("m", "{}", "m"), *series]
    assert families({key: key.label for key in keys}) == [("m", ""), ("m", " (a = 1, 2)")]


def test_every_citation_has_its_entry_and_no_entry_is_left_over() -> None:
    for model, dataset in (("basic_pitch", "maps"), ("timbre_trap", "maestro"), ("own", "own")):
        rows = make_rows({"fund_mask": 0.2}, model=model, dataset=dataset)
        text = methods_markdown(Importance.from_rows(rows))
        bibtex = references(text)
        cited = set(re.findall(r"\[@(\w+)\]", text))
        assert cited == set(re.findall(r"^@\w+\{(\w+),", bibtex, re.MULTILINE))
        assert {"breiman2001", "holm1979", "pi_amt"} <= cited
        assert bibtex.count("{") == bibtex.count("}")


def test_recordings_without_a_score_are_said_to_be_so() -> None:
    rows = make_rows({"fund_mask": 0.2}, n_pieces=6)
    broken = [
        replace(row, status="error", error="truncated", scores={})
        if row.track in ("piece_01", "piece_04")
        else row
        for row in rows
    ]
    assert "6 recordings (1.0 min; without a score: 2)" in methods_markdown(
        Importance.from_rows(broken, n_resamples=500)
    )
    half = make_rows({"fund_mask": 0.2}, n_pieces=3, model="timbre_trap")
    assert "6 recordings (1.5 min; without a score: 3 for Timbre-Trap)" in methods_markdown(
        Importance.from_rows([*rows, *half], n_resamples=500)
    )
    assert "without a score" not in methods_markdown(Importance.from_rows(rows, n_resamples=500))


def test_widths_and_repeats_that_differ_are_not_said_of_all() -> None:
    rows = make_rows({"fund_mask": 0.2, "random": 0.1}, repeats={"random": 3}, n_pieces=3)
    swept: dict[str, dict[str, object]] = {
        "soft_fund_mask(half_width_cents=35)": {"half_width_cents": 35},
        "random(p=0.5)": {"p": 0.5},
    }
    more = make_rows(dict.fromkeys(swept, 0.1), parameters=swept, n_pieces=3)
    assert "; 3 repeats where stochastic" in methods_markdown(Importance.from_rows(rows))
    text = methods_markdown(
        Importance.from_rows([*rows, *(row for row in more if row.role != "baseline")])
    )
    assert "±70 cents in Basic Pitch around each partial unless another width is listed" in text
    assert "up to 3 repeats where stochastic" in text


def test_leaks_are_described_with_the_carriers_that_were_run() -> None:
    drops = {"harm_mask": 0.1, "fund_mask": 0.2, "leak_noise(harm_mask)": 0.3}
    text = methods_markdown(Importance.from_rows(make_rows(drops), n_resamples=200))
    assert "The leak of `harm_mask` is the score against the recording's notes on Gaussian" in text
    assert "another composition" not in text
    drops |= {"leak_other(harm_mask)": 0.3, "leak_other(no_permutation)": 0.3}
    text = methods_markdown(Importance.from_rows(make_rows(drops), n_resamples=200))
    assert "spectrum and on a recording of another composition, minus that" in text
    assert "above 0.1 times its score" in text
    assert "leak" not in methods_markdown(Importance.from_rows(make_rows(), n_resamples=200))
