"""The figure of a profile has one line per way, and one pair of axes per dataset and side."""

from __future__ import annotations

import pytest
from tests.rows import make_dose_rows

from pi_amt.permutation_importance import Importance
from pi_amt.report.figures.profile import profile_figure

DROPS = {1.0: 0.5, 2.0: 0.2, 3.0: 0.1}


def planted(n_pieces: int) -> Importance:
    rows = [
        row
        for permutation, constant, dataset in (
            ("remove_harmonic", {}, "demo"),
            ("remove_harmonic", {"kind": "ratio"}, "demo"),
            ("keep_harmonic", {}, "demo"),
            ("remove_harmonic", {}, "maps"),
        )
        for row in make_dose_rows(
            DROPS, permutation=permutation, parameter="harmonic", constant=constant,
            dataset=dataset, noise=0.0, n_pieces=n_pieces,
        )
    ]  # fmt: skip
    return Importance.from_rows(list({row.key: row for row in rows}.values()), n_resamples=200)


def test_datasets_stand_side_by_side_and_removed_above_kept() -> None:
    figure = profile_figure(planted(8), "basic_pitch")
    axes = figure.axes
    assert [ax.get_title(loc="left") for ax in axes] == [
        "Demo: partial k removed", "MAPS: partial k removed", "Demo: only partial k kept", "",
    ]  # fmt: skip
    lines = [line for line in axes[0].lines if len(line.get_xydata()) == len(DROPS)]  # type: ignore[arg-type]
    assert len(lines) == 2
    for line in lines:
        assert list(line.get_ydata()) == pytest.approx(list(DROPS.values()))  # type: ignore[arg-type]
    assert len(axes[0].collections) == 2  # the intervals
    assert {text.get_text() for legend in figure.legends for text in legend.get_texts()} == {
        "ratio mask", "binary mask",
    }  # fmt: skip


def test_few_recordings_have_no_intervals() -> None:
    figure = profile_figure(planted(3), "basic_pitch")
    assert not any(axes.collections for axes in figure.axes)


def test_a_model_without_a_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="no harmonic profile of timbre_trap"):
        profile_figure(planted(3), "timbre_trap")
