"""``make findings``: the page and the README's sentences come from the rows."""

from __future__ import annotations

import re
import runpy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.rows import make_dose_rows, make_rows

from pi_amt.store.rows import Row
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
    text = "\n".join(
        line
        for page in ("findings", "findings_profiles")
        for line in script["page_lines"](script["Stores"](stores), tmp_path, page)
    )
    assert "**Basic Pitch** on demo: 12 recordings (3.0 min), 3 draws" in text
    assert "**Timbre-Trap** on demo: 11 recordings" in text
    assert "Not run (no store in `shapley`)" in text
    assert "Not run (no store in `profile`)" in text
    assert text.count("not of the published model") == 2  # with the study, with the doses
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == {"forest.svg", "dose_p.svg"}
    assert all(f"images/{tmp_path.name}/{name}" in text for name in drawn)


def test_a_model_with_stores_of_its_own_has_a_page_of_them(
    script: dict[str, Any], tmp_path: Path
) -> None:
    for model, store, n_pieces in (
        ("basic_pitch", "study", 12),
        ("timbre_trap", "study_timbre_trap", 7),
    ):
        with Store(tmp_path / store) as opened:
            opened.write(make_rows({"fund_mask": 0.4}, model=model, n_pieces=n_pieces))

    def page(model: str | None) -> str:
        stores = script["Stores"](tmp_path, None, model)
        return "\n".join(script["page_lines"](stores, tmp_path, "findings"))

    assert "on demo: 12 recordings" in page(None)
    assert "- **Timbre-Trap**: in a part of its own." in page(None)
    own = page("timbre_trap")
    assert "on demo: 7 recordings" in own
    assert "not run" not in own.lower()
    assert "Basic Pitch" not in own


@pytest.fixture(scope="module")
def real_stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study and a profile of Basic Pitch on recordings of two pianos, in a folder of their own;
    a demo study and a profile of the truth set beside it."""
    folder = tmp_path_factory.mktemp("real")
    pianos = ("ENSTDkCl", "ENSTDkAm")

    def renamed(rows: list[Row]) -> list[Row]:
        return [
            replace(
                row,
                track=f"MAPS_MUS-{row.track}_{pianos[int(row.track[-2:]) % 2]}",
                key=f"{row.key} real",
            )
            for row in rows
        ]

    def profile(drops: dict[float, float], permutation: str, **options: Any) -> list[Row]:
        constant = options.pop("constant", {})
        return make_dose_rows(
            drops, permutation=permutation, parameter="harmonic", constant=constant, noise=0.0,
            n_pieces=8, **options,
        )  # fmt: skip

    binary, ratio = {1.0: 0.6, 2.0: 0.6, 3.0: 0.5}, {1.0: 0.4, 2.0: 0.0, 3.0: 0.1}
    with Store(folder / "demo" / "study") as store:
        drops = {"fund_mask": 0.4, "harm_mask": 0.1, "microtonal": 0.0}
        store.write(make_rows(drops, baseline=0.8, n_pieces=8))
    with Store(folder / "real" / "study") as store:
        drops = {"fund_mask": 0.1, "harm_mask": 0.3, "microtonal": 0.0, "random": 0.2}
        store.write(renamed(make_rows(drops, baseline=0.6, n_pieces=8, dataset="maps")))
    with Store(folder / "real" / "profile") as store:
        rows = profile(binary, "remove_harmonic", dataset="maps")
        rows += profile(ratio, "remove_harmonic", dataset="maps", constant={"kind": "ratio"})
        store.write(renamed(list({row.key: row for row in rows}.values())))
    with Store(folder / "demo" / "truth") as store:
        store.write(profile(binary, "remove_harmonic", dataset="known_partials"))
        for k, drop in ratio.items():
            made = make_rows(
                {}, baseline=0.7 - drop, n_pieces=8,
                dataset=f"known_partials without partial {k:.0f}",
            )  # fmt: skip
            store.write(made)
    return folder


def test_the_page_of_real_recordings_sets_the_demo_beside_them(
    script: dict[str, Any], real_stores: Path, tmp_path: Path
) -> None:
    stores = script["Stores"](real_stores / "real", real_stores / "demo")
    text = "\n".join(script["page_lines"](stores, tmp_path, "findings_real"))
    for place, length in (("demo", "2.0 min"), ("ENSTDkCl", "1.0 min"), ("maps", "2.0 min")):
        assert re.search(rf"\| basic_pitch \| {place} \| \d \| {length} \| 0\.[5-8]\d\d ", text)
    assert "Basic Pitch: F without a perturbation is 0.8" in text
    assert "over 3 conditions, the rank correlation" in text  # those that both have
    apart = re.search("differs by more than the intervals under (.*)", text)
    assert apart is not None
    assert "`fund_mask`" in apart[1]
    assert "`microtonal`" not in apart[1]
    assert "under no condition does the excess change its sign" in text
    assert {path.name for path in tmp_path.iterdir()} == {"forest.svg", "profile_basic_pitch.svg"}


def test_the_profile_has_the_truth_beside_the_masks(
    script: dict[str, Any], real_stores: Path, tmp_path: Path
) -> None:
    stores = script["Stores"](real_stores / "real", real_stores / "demo")
    text = "\n".join(script["profile_lines"](stores, tmp_path))
    assert "Basic Pitch on Truth set: binary masks do not agree with the missing sound" in text
    assert "Basic Pitch on MAPS: binary masks do not agree with ratio masks" in text
    (line,) = re.findall(r"\| basic_pitch \| known_partials \| removed \| 2 \| .*", text)
    assert re.match(r".*\| 2 \| 0\.\d\d \[.*\] \| – \| 0\.60 \[.*\] \| – \|", line)


def test_a_page_without_the_demo_says_so(
    script: dict[str, Any], real_stores: Path, tmp_path: Path
) -> None:
    stores = script["Stores"](real_stores / "real")
    text = "\n".join(script["page_lines"](stores, tmp_path, "findings_real"))
    assert "Not run (no store of the demo in `study`)." in text
    assert "known_partials" not in text


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


def test_the_readme_has_an_answer_per_model_and_the_picture(script: dict[str, Any]) -> None:
    begin, end = script["README_MARKS"]
    text = README.read_text(encoding="utf-8")
    (block,) = re.findall(f"{begin}\n(.*?){end}", text, re.DOTALL)
    sentences = [line for line in block.splitlines() if line.startswith("- ")]
    assert len(sentences) == len(MODELS)
    for model, sentence in zip(("Basic Pitch", "Timbre-Trap"), sentences, strict=True):
        assert sentence.startswith(f"- {model}")
        assert "is the sum of" in sentence
    assert "docs/images/readme/shapley.svg" in text
    assert (ROOT / "docs" / "images" / "readme" / "shapley.svg").is_file()
