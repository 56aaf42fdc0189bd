"""The table of a harmonic profile holds the planted drops, and the sentences say them."""

from __future__ import annotations

import math

import pytest
from tests.rows import make_dose_rows

from pi_amt.permutation_importance import Importance
from pi_amt.report.tables.profile import agreement_table, profile_sentences, profile_table
from pi_amt.store.rows import Row

TRUE = {1.0: 0.5, 2.0: 0.02}
BINARY = {1.0: 0.6, 2.0: 0.6}


def rows(permutation: str, drops: dict[float, float], **options: object) -> list[Row]:
    return make_dose_rows(
        drops,
        permutation=permutation,
        parameter="channel" if permutation == "ablate_channel" else "harmonic",
        constant=options,
        baseline=0.95,
        spread=0.0,
        noise=0.0,
        n_pieces=8,
        dataset="known_partials",
    )


@pytest.fixture
def planted() -> Importance:
    every = [
        *rows("audio_without", TRUE),
        *rows("remove_harmonic", BINARY),
        *rows("remove_harmonic", TRUE, kind="ratio"),
        *rows("keep_harmonic", BINARY),
        *rows("ablate_channel", {1.0: 0.9, 2.0: 0.0}),
    ]
    return Importance.from_rows(list({row.key: row for row in every}.values()), n_resamples=200)


def test_a_line_has_all_ways_of_one_partial(planted: Importance) -> None:
    table = profile_table(planted)
    assert table.column("partials") == ["removed", "removed", "kept", "kept"]
    assert table.column("k") == [1, 2, 1, 2]
    assert table.column("reference") == ["true", "true", "", ""]
    second = table.records[1]
    drops = [second[way] for way in ("true", "ratio", "binary", "channel")]
    assert drops == pytest.approx([0.02, 0.02, 0.6, 0.0], abs=1e-9)
    errors = [second[f"{way}_error"] for way in ("ratio", "binary", "channel")]
    assert errors == pytest.approx([0, 0.58, 0.02], abs=1e-9)
    kept = table.records[3]
    assert kept["binary"] == pytest.approx(0.6)
    assert math.isnan(kept["true"])
    assert math.isnan(kept["binary_error"])
    assert set(table.columns) == set(second)
    assert "binary [95 %]" in str(table)
    assert str(planted.profile()) == str(table)


def test_agreement_is_told_per_way(planted: Importance) -> None:
    table = agreement_table(planted)
    assert table.column("way") == ["ratio", "binary", "channel"]
    assert table.column("distance") == pytest.approx([0, 0.34, 0.21], abs=1e-9)
    assert table.column("furthest_k")[1:] == [2, 1]
    assert table.column("agrees") == ["yes", "no", "no"]


def test_sentences_say_which_agree_and_what_the_band_holds(planted: Importance) -> None:
    ratio, binary, lost, channel = profile_sentences(planted)
    assert ratio.startswith(
        "Basic Pitch on Truth set: ratio masks agree with the missing sound: over k = 1 … 2 the "
        "drops are 0.00 apart in the mean, their rank correlation is 1.00"
    )
    assert binary.startswith(
        "Basic Pitch on Truth set: binary masks do not agree with the missing sound: over k = "
        "1 … 2 the drops are 0.34 apart in the mean; they are furthest apart at k = 2, 0.60 "
        "instead of 0.02, and elsewhere 0.10 apart."
    )
    assert lost == (
        "Basic Pitch on Truth set: under the binary mask of partial 2, the other partials of the "
        "notes lose 0.2 dB."
    )
    assert "the channel probe does not agree with the missing sound" in channel
    assert "0.90 instead of 0.50" in channel


def test_a_study_without_a_profile_has_no_table() -> None:
    importance = Importance.from_rows(make_dose_rows({0.1: 0.1, 0.2: 0.2, 0.5: 0.3}))
    assert importance.profile() is None
    assert profile_sentences(importance) == []
    assert "(nothing)" in str(agreement_table(importance))
