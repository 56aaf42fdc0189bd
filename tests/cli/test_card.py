"""``pi-amt card``: a card of stored rows or of a short run, and the gate against an older one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.league_rows import league_rows
from tests.rows import make_rows
from tests.toys import TOY

from pi_amt.cli.main import main
from pi_amt.core.notes import Notes
from pi_amt.core.units import Samples
from pi_amt.statistics.card import Card
from pi_amt.store.rows import Row
from pi_amt.store.store import Store, read_rows
from pi_amt.study import league
from pi_amt.study.truth import held_out_recordings


def folder_of(path: Path, rows: list[Row]) -> str:
    with Store(path) as store:
        store.write(rows)
    return str(path)


def rows_of(needs: float) -> list[Row]:
    drops = {"ratio_fund_mask": needs, "matched_tracks(ratio_fund_mask)": 0.0}
    return league_rows("mine", drops, noise=0.01)


@pytest.fixture
def old(tmp_path: Path) -> str:
    """The card of a model that loses 0.3 without the fundamentals."""
    path = str(tmp_path / "old.json")
    assert main(["card", folder_of(tmp_path / "old", rows_of(0.3)), "-o", path]) == 0
    return path


def test_a_card_says_what_was_run_and_what_was_found(
    old: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["card", str(tmp_path / "old")]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Card of mine" in said
    value = Card.read(old).standing.values["necessity"].estimate
    assert f"necessity {value:.3f} [" in said
    assert "12 recordings" in said
    assert "ratio_fund_mask" in said
    assert Card.read(old).standing.model == "mine"


def test_the_gate_lets_the_same_model_pass(
    old: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same = folder_of(tmp_path / "same", rows_of(0.3))
    assert main(["card", same, "--against", old, "--fail-if-changed"]) == 0
    assert "nothing has changed by 0.01 or more" in capsys.readouterr().out


def test_the_gate_stops_a_model_that_has_changed_and_says_how(
    old: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = folder_of(tmp_path / "new", rows_of(0.1))
    assert main(["card", new, "--against", old, "--fail-if-changed"]) == 1
    said = capsys.readouterr().out
    assert "drop in F without the fundamentals, beyond the control) went from 0.2" in said
    assert "2 measures changed on Demo" in said
    assert main(["card", new, "--against", old]) == 0  # told, not failed
    assert main(["card", new, "--against", old, "--fail-if-changed", "--tolerance", "0.5"]) == 0


def test_what_cannot_be_asked_is_refused_with_what_to_do(
    old: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = folder_of(tmp_path / "own", make_rows({"ratio_fund_mask": 0.2}))
    assert main(["card", own]) == 2
    assert "got results of none with domain=audio" in capsys.readouterr().err
    two = folder_of(
        tmp_path / "two",
        rows_of(0.3) + league_rows("mine", {"ratio_fund_mask": 0.2}, dataset="maps"),
    )
    assert main(["card", two]) == 2
    assert "name it with --dataset" in capsys.readouterr().err
    assert main(["card", two, "--dataset", "demo"]) == 0
    capsys.readouterr()
    assert main(["card", two, "--dataset", "demo", "--fail-if-changed"]) == 2
    assert "expected --against OLD.json" in capsys.readouterr().err
    assert main(["card", two, "--dataset", "maps", "--against", old]) == 2
    assert "got dataset maps and demo" in capsys.readouterr().err
    assert main(["card", two, "--against", str(tmp_path / "none.json")]) == 2
    assert main(["card", "no_such_model"]) == 2
    assert "no_such_model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value"),
    [("--seconds", "0.5"), ("--seconds", "-3"), ("--seconds", "nan"), ("--tolerance", "nan")],
)
def test_a_number_that_would_let_every_model_pass_is_refused(
    option: str, value: str, old: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of no seconds there is no measure, and no difference reaches NaN."""
    new = folder_of(tmp_path / "new", rows_of(0.1))
    assert main(["card", new, "--against", old, "--fail-if-changed", f"{option}={value}"]) == 2
    assert f"{option}: got {float(value)}, expected a number" in capsys.readouterr().err


def test_a_card_of_the_baseline_alone_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["card", folder_of(tmp_path / "own", league_rows("mine", {}))]) == 0
    assert "Conditions, all in the sound: none." in capsys.readouterr().out


def fails(samples: Samples, sample_rate: int) -> Notes:
    """A model that fails on every recording."""
    raise OSError("no weights")


def test_a_model_that_fails_is_told_after_the_first_recording(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    one_core: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    few = held_out_recordings()[:2]
    monkeypatch.setattr(league, "held_out_recordings", lambda: few)
    given = ["card", "callable", "--option", "function=tests.cli.test_card.fails"]
    assert main([*given, "--seconds", "1", "--results", str(tmp_path / "rows")]) == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert re.search("card: .* under no_permutation failed: no weights", line)
    assert len({row.track for row in read_rows(tmp_path / "rows")}) == 1


@pytest.mark.slow
def test_a_short_run_makes_a_card_and_keeps_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_core: None
) -> None:
    few = held_out_recordings()[:2]
    monkeypatch.setattr(league, "held_out_recordings", lambda: few)
    card, kept = tmp_path / "toy.json", tmp_path / "rows"
    given = ["card", TOY, "--option", "threshold=0.4", "--seconds", "1.5"]
    assert main([*given, "-o", str(card), "--results", str(kept)]) == 0
    stored = json.loads(card.read_text())
    assert stored["model"] == "toy"
    assert stored["settings"]["threshold"] == 0.4
    assert {"F", "necessity", "microtonal", "bias_removed"} <= set(stored["measures"])
    assert stored["measures"]["F"]["interval"] == [None, None]  # of two works
    first = read_rows(kept)
    assert main([*given, "--results", str(kept)]) == 0
    assert [row.key for row in read_rows(kept)] == [row.key for row in first]
