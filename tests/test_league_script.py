"""``make league``: what names of models mean, a model that is not there, and what is written."""

from __future__ import annotations

import json
import runpy
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from tests.league_rows import league_rows

from pi_amt.models.loading import ModelSpec
from pi_amt.store.store import Store

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts" / "make_league.py"), run_name="script")


def test_a_model_may_be_named_with_its_size_and_options(script: dict[str, Any]) -> None:
    spec = script["spec_of"]
    assert spec("waon") == ModelSpec("waon")
    assert spec("harmonica:x-large") == ModelSpec("harmonica", '{"size":"x-large"}')
    options = json.loads(spec("callable,function=mine.py:hear,late_ms=5").options)
    assert options == {"function": "mine.py:hear", "late_ms": 5}


def test_a_model_that_misses_something_is_left_out_with_one_line(
    script: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = Namespace(results=tmp_path, seconds=1.0, players="f0+rest", n_jobs=1)
    script["_run"]("aubio,program=no_such_program", {}, options)
    said = capsys.readouterr().err
    assert said.startswith("skipped aubio,program=no_such_program: ")
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_table_page_and_cards_are_written_from_what_is_stored(
    script: dict[str, Any], tmp_path: Path
) -> None:
    written = script["write"].__globals__
    written["GENERATED"] = tmp_path
    drops = {"ratio_fund_mask": 0.4, "matched_tracks(ratio_fund_mask)": 0.1}
    for size in ("nano", "small"):
        with Store(tmp_path / f"net_{size}") as store:
            store.write(league_rows("net", drops, noise=0.01))
    script["write"](tmp_path, ["net:nano", "net:small", "not_run"])
    text = (tmp_path / "league.md").read_text()
    assert "**Demo**" in text
    assert "| net nano | " in text
    assert "| net small | " in text
    assert (tmp_path / "league.html").is_file()
    cards = {path.name for path in (tmp_path / "cards").iterdir()}
    assert cards == {"net_nano_demo.json", "net_small_demo.json"}
    with pytest.raises(SystemExit, match="got no rows of not_run"):
        script["write"](tmp_path, ["not_run"])
