"""``pi-amt calibrate MODEL --music``: what it prints, and who finds what it keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.toys import TOY

from pi_amt.cli.commands import parser
from pi_amt.datasets.known_partials import known_partials
from pi_amt.models.loading import ModelSpec
from pi_amt.permutation_importance import importance
from pi_amt.report.tables.cells import minus
from pi_amt.statistics.bias import BiasTable
from pi_amt.study import truth

MASKS: tuple[tuple[str, dict[str, int]], ...] = (
    ("fund_mask", {}),
    ("keep_harmonic", {"harmonic": 2}),
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_core: None) -> Path:
    """An empty data folder of the user; two masks and one short recording to calibrate."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(truth, "CALIBRATED", MASKS)
    short = list(known_partials("development", max_tracks=1, max_seconds=3.0))
    monkeypatch.setattr(truth, "held_out_recordings", lambda: short)
    return tmp_path


def run(*arguments: str) -> None:
    options = parser().parse_args(["calibrate", TOY, *arguments])
    options.run(options)


def test_a_calibrated_model_has_its_bias_in_every_later_result(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    track = list(known_partials("development", max_tracks=1, max_seconds=3.0))

    def studied(permutation: str) -> float:
        found = importance(ModelSpec(TOY), track, permutations=[permutation], n_jobs=1, quiet=True)
        return found.results[0].known_bias

    assert studied("fund_mask") != studied("fund_mask")  # NaN
    run("--music")
    said = capsys.readouterr().out
    (path,) = (home / "pi_amt" / "known_bias").glob("*.json")
    table = BiasTable.read(path)
    assert str(path) in said
    assert [mask.label for mask in table.masks] == ["fund_mask", "keep_harmonic(harmonic=2)"]
    for mask in table.masks:
        (line,) = [x for x in said.splitlines() if x.startswith(f"{mask.label} ")][:1]
        assert f"{mask.drops.true:.3f}" in line
        assert minus(f"{mask.drops.bias:+.3f}") in line
    assert studied("fund_mask") == table.masks[0].drops.bias
    assert studied("harm_mask") != studied("harm_mask")  # NaN: not calibrated


def test_a_table_goes_where_it_is_asked_to_go(home: Path) -> None:
    run("--music", "--save", str(home / "toy.json"))
    assert BiasTable.read(home / "toy.json").model == "toy"
    assert not (home / "pi_amt").exists()


def test_a_run_with_one_mask_leaves_what_is_known_of_the_others(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--music")
    (path,) = (home / "pi_amt" / "known_bias").glob("*.json")
    before = BiasTable.read(path)
    run("--music", "--masks", "fund_mask")
    assert BiasTable.read(path) == before
    assert capsys.readouterr().out.endswith(f"{path}: known bias of 2 masks\n")
    run("--music", "--masks", "fund_mask", "--save", str(home / "toy.json"))
    assert BiasTable.read(home / "toy.json") == replace(before, masks=before.masks[:1])


@pytest.mark.parametrize(
    ("option", "value"), [("save", "toy.json"), ("domain", "audio"), ("masks", "fund_mask")]
)
def test_what_is_of_music_is_refused_without_it(home: Path, option: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"got --{option} without --music"):
        run(f"--{option}", value)


def test_a_model_has_a_table_of_its_own_in_the_audio_domain(home: Path) -> None:
    run("--music", "--domain", "audio", "--masks", "fund_mask")
    (path,) = (home / "pi_amt" / "known_bias").glob("*.json")
    table = BiasTable.read(path)
    assert (table.model, table.settings["domain"]) == ("toy (audio)", "audio")
    assert [mask.permutation for mask in table.masks] == ["fund_mask"]


def test_a_mask_that_is_not_calibrated_is_refused(home: Path) -> None:
    with pytest.raises(ValueError, match="masks: got 'harm_mask'"):
        run("--music", "--masks", "fund_mask,harm_mask")


def test_an_empty_list_of_masks_does_not_mean_all(home: Path) -> None:
    with pytest.raises(ValueError, match="masks: got '', expected one of"):
        run("--music", "--masks", "")
    assert not (home / "pi_amt").exists()


def test_a_transcriber_that_is_a_function_is_calibrated_in_the_audio_domain(home: Path) -> None:
    arguments = ["calibrate", "callable", "--option", "function=tests.toys.transcribe"]
    options = parser().parse_args(
        [*arguments, "--music", "--domain", "audio", "--masks", "fund_mask"]
    )
    options.run(options)
    (path,) = (home / "pi_amt" / "known_bias").glob("*.json")
    table = BiasTable.read(path)
    assert table.settings["domain"] == "audio"
    assert table.masks[0].drops.measured > 0
