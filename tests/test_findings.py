"""``make findings``: the page and the README's sentences come from the rows."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from tests.rows import make_dose_rows, make_rows

from pi_amt.store.store import Store

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
MODELS = {"basic_pitch": "published weights", "timbre_trap": "synthetic-trained reproduction"}


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts" / "make_findings.py"), run_name="script")


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study and a dose store of both models, no profile."""
    folder = tmp_path_factory.mktemp("findings")
    drops = {"fund_mask": 0.4, "matched_tracks(fund_mask)": 0.1}
    for name in ("study", "dose"):
        with Store(folder / name) as store:
            for number, (model, label) in enumerate(MODELS.items()):
                options: dict[str, Any] = {
                    "n_pieces": 12 - number, "model": model, "weights_label": label,
                }  # fmt: skip
                if name == "study":
                    store.write(make_rows(drops, repeats={"fund_mask": 3}, **options))
                else:
                    store.write(make_dose_rows({0.1: 0.1, 0.2: 0.2, 0.5: 0.4}, **options))
    return folder


def test_the_page_says_what_was_run_and_draws_it(
    script: dict[str, Any], stores: Path, tmp_path: Path
) -> None:
    text = "\n".join(script["page_lines"](stores, tmp_path, "##"))
    assert "**Basic Pitch** on demo: 12 recordings (3.0 min), 3 draws" in text
    assert "**Timbre-Trap** on demo: 11 recordings" in text
    assert "Not run (no store in `profile`)" in text
    assert text.count("not of the published model") == 2  # with the study, with the doses
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {"forest.svg", "dose_p.svg"}
    assert all(f"images/{tmp_path.name}/{name}" in text for name in drawn)


def test_sentences_of_the_readme_follow_the_rows(
    script: dict[str, Any], stores: Path, tmp_path: Path
) -> None:
    readme = tmp_path / "README.md"
    begin, end = script["README_MARKS"]
    readme.write_text(f"before\n{begin}\nstale\n{end}\nafter\n", encoding="utf-8")
    importance = script["read_importance"](stores / "study")
    for _ in range(2):  # again and again
        script["put_into_readme"](readme, importance)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{begin}\n- Basic Pitch")
    assert text.endswith(f"{end}\nafter\n")
    assert "stale" not in text
    assert all(sentence in text for sentence in importance.headline())
    assert "**Timbre-Trap.** Synthetic-trained reproduction" in text
    assert "timbre_trap: these rows were computed with weights aaaaaaaaaaaa" in text
    assert "basic_pitch: these rows" not in text
    readme.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="no place for the findings"):
        script["put_into_readme"](readme, importance)


def test_the_readme_says_what_the_findings_say(script: dict[str, Any]) -> None:
    begin, end = script["README_MARKS"]
    (block,) = re.findall(f"{begin}\n(.*?){end}", README.read_text(encoding="utf-8"), re.DOTALL)
    page = (ROOT / "docs" / "generated" / "findings.md").read_text(encoding="utf-8")
    sentences = [line for line in block.splitlines() if line.startswith("- ")]
    assert len(sentences) == len(MODELS)
    assert all(f"{sentence}\n" in page for sentence in sentences)
