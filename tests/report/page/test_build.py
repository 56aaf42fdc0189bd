"""The page as a file: what it holds, what it must never hold, and bad input."""

from __future__ import annotations

import csv
import json
import lzma
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.report.study import AWKWARD
from tests.rows import calibrated_rows, make_dose_rows, make_rows

from pi_amt.permutation_importance import Importance
from pi_amt.report.catalog import catalog, main_conditions
from pi_amt.report.names import BANNER, HARD_BADGE
from pi_amt.report.page import files
from pi_amt.report.page.build import build, make_page
from pi_amt.report.page.columns import columns_of
from pi_amt.report.page.forest import forests, make_axis, ticks_of
from pi_amt.report.page.headings import title_of
from pi_amt.report.page.payload import payload, safe_json
from pi_amt.report.page.render import _csv, render
from pi_amt.report.tables.cells import is_undefined
from pi_amt.report.tables.table import Table
from pi_amt.store.rows import Row
from pi_amt.store.store import Store, StoreError

TEMPLATES = Path(render.__code__.co_filename).parent / "templates"
MODELS = {"basic_pitch": "published weights", "timbre_trap": "synthetic-trained reproduction"}


class Document(HTMLParser):
    """Tags with attributes, and the text outside of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open[-1:]):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def study(n_pieces: int = 6, datasets: tuple[str, ...] = ("maps",)) -> list[Row]:
    """Both models on so many pieces, with a matched control for ``fund_mask``."""
    drops = {"fund_mask": 0.4, "microtonal": 0.0, "matched_tracks(fund_mask)": 0.1}
    return [
        row
        for model, label in MODELS.items()
        for dataset in datasets
        for row in make_rows(
            drops, n_pieces=n_pieces, noise=0.0, model=model, dataset=dataset, weights_label=label
        )
    ]


def page_of(rows: list[Row]) -> str:
    """The page without the files beside it (figures take their time)."""
    return render(make_page(Importance.from_rows(rows)), "x_files", [])


@pytest.fixture(scope="module")
def text() -> str:
    return page_of(study())


def test_page_asks_nothing_of_the_network(toy_report: Path, text: str) -> None:
    for page in (toy_report.read_text(encoding="utf-8"), text):
        for tag, attributes in Document(page).tags:
            assert tag not in ("link", "iframe", "object", "embed", "base"), tag
            for name in ("src", "href", "srcset", "poster", "data"):
                address = attributes.get(name) or ""
                assert not re.match(r"(?i)\s*(https?:|//|file:|javascript:)", address), address
        assert "default-src 'none'" in page
        assert not re.search(r"url\(\s*['\"]?(?!#)", page)


def test_every_id_is_unique_and_every_reference_to_one_is_met(toy_report: Path) -> None:
    tags = Document(toy_report.read_text(encoding="utf-8")).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = ("aria-controls", "aria-labelledby", "for")
    wanted = {a[name] for _, a in tags for name in named if a.get(name)}
    assert wanted <= set(ids)


def test_every_control_has_an_accessible_name(toy_report: Path) -> None:
    page = toy_report.read_text(encoding="utf-8")
    assert '<html lang="en">' in page
    for button in re.findall(r"<button[^>]*>(.*?)</button>", page.split("<script", 1)[0] + page):
        assert button.strip() or "aria-label" in button
    for tag, attributes in Document(page).tags:
        if tag == "input" and attributes.get("type") == "search":
            assert "find" in str(attributes["id"])
        if tag == "img":
            assert "alt" in attributes


def test_names_with_markup_are_text_everywhere(toy_report: Path) -> None:
    page = toy_report.read_text(encoding="utf-8")
    document = Document(page)
    for name in AWKWARD:
        assert name not in page
    # the failed recording stands in the page's own text, whole
    assert AWKWARD[2] in document.text
    assert "truncated audio <5 s of 9 s>" in document.text
    assert not [a for tag, a in document.tags if tag == "img" and a.get("src") == "x"]
    assert not [a for _, a in document.tags if any(name.startswith("on") for name in a)]
    assert "{{ 7 * 7 }}" in document.text  # and not 49: data is no template
    data = re.search(r'id="report-data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    assert set(json.loads(data[1])["panels"][0]["pieces"]) == set(AWKWARD)


def test_scripts_look_behind_nowhere() -> None:
    """Safari before 16.4 reads no script in which a pattern does: no tab of the page would work."""
    scripts = [path for path in TEMPLATES.iterdir() if path.suffix == ".js"]
    assert len(scripts) >= 4
    assert not [path.name for path in scripts if re.search(r"\(\?<[=!]", path.read_text("utf-8"))]


def test_json_cannot_end_its_element() -> None:
    awkward = {"</script><!--": ["<script>", "a&b", "\u2028"]}
    text = safe_json(awkward)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == awkward


def test_banner_stands_on_every_view_of_a_reproduction_and_only_there(text: str) -> None:
    views = re.split(r'(?=<section role="tabpanel")', text)[1:]
    assert len(views) == 6
    assert all('class="banner"' in view and "Timbre-Trap:" in view for view in views)
    assert BANNER.split(":")[0] in Document(text).text
    published = [row for row in study() if row.model == "basic_pitch"]
    assert '<aside class="banner"' not in page_of(published)


def test_hard_masks_are_badged_where_they_make_zeros_and_only_there(text: str) -> None:
    rows = re.findall(r"<tr data-role.*?</tr>", text.replace("<wbr>", ""), re.DOTALL)
    badged = {re.search(r'class="condition"[^>]*>(.*?)</a>', row)[1]: HARD_BADGE in row  # type: ignore[index]
              for row in rows}  # fmt: skip
    assert badged == {"fund_mask": True, "microtonal": False, "matched_tracks(fund_mask)": True}
    options = {
        "fund_mask": '{"fill":"background"}',
        "matched_tracks(fund_mask)": '{"target":{"fill":"background","name":"fund_mask"}}',
    }
    soft = [replace(row, parameters=options.get(row.label, row.parameters)) for row in study()]
    assert 'class="badge hard"' not in page_of(soft)


def test_the_page_says_how_far_a_mask_is_off_where_that_is_known(text: str) -> None:
    planted = {"fund_mask": 0.3, "matched_tracks(fund_mask)": 0.2, "microtonal": 0.1}
    said = Document(page_of(calibrated_rows(planted))).text
    assert said.count("too high on music with known partials; mean error") == 1
    assert "larger than the excess, so no evidence of reliance" in said
    assert "known_bias" in said
    assert "known bias" not in Document(text).text


def test_forest_marks_stand_where_the_planted_drops_are() -> None:
    importance = Importance.from_rows(study())
    plot = forests(importance, catalog(importance))[0]
    mark = next(row for row in plot.rows if row.entry.title == "fund_mask").marks[0]
    assert mark.drop == pytest.approx(plot.axis.place(0.4), abs=0.02)
    assert mark.control == pytest.approx(plot.axis.place(0.1), abs=0.02)
    assert mark.text == "0.400"
    assert mark.excess == "0.300"
    result = importance.results_of(importance.panels[0])[0]
    assert mark.change == f"{result.baseline:.3f} → {result.perturbed:.3f}"
    noisy = Importance.from_rows(make_rows({"fund_mask": 0.4, "matched_tracks(fund_mask)": 0.1}))
    marks = forests(noisy, catalog(noisy))[0].rows[0].marks
    control = noisy.results_of(noisy.panel)[1]
    axis = forests(noisy, catalog(noisy))[0].axis
    assert marks[0].control_low == axis.place(control.drop_low)
    assert marks[0].control_high == axis.place(control.drop_high)


def test_masks_of_one_feature_stand_together_and_controls_by_themselves() -> None:
    drops = {"fund_mask": 0.4, "random": 0.2, "harm_mask": 0.1, "ratio_fund_mask": 0.3,
             "soft_fund_mask": 0.35, "matched_tracks(fund_mask)": 0.1}  # fmt: skip
    options: dict[str, dict[str, object]] = {"soft_fund_mask": {"fill": "background"}}
    options["ratio_fund_mask"] = {"kind": "ratio"}
    importance = Importance.from_rows(make_rows(drops, parameters=options, noise=0.0))
    plot = forests(importance, catalog(importance))[0]
    assert [(f.title, [row.entry.title for row in f.rows]) for f in plot.features] == [
        ("The fundamentals are removed", ["fund_mask", "ratio_fund_mask", "soft_fund_mask"]),
        ("", ["random"]),
        ("", ["harm_mask"]),
        ("", ["matched_tracks(fund_mask)"]),
    ]
    keys = {row.entry.title: row.keys for row in plot.rows}
    assert keys["fund_mask"]["excess"] == pytest.approx(0.3)
    assert keys["random"]["excess"] < -1  # has none, and goes last


def test_columns_keep_together_what_belongs_together(toy_results: Path) -> None:
    importance = Importance.read(toy_results)
    page = make_page(importance)
    columns = columns_of(page.tables["importance"])
    leading = [(c.head, c.names) for c in columns if c.leads]
    assert leading == [
        ("model", ("model",)),
        ("condition", ("condition",)),
        ("F clean → perturbed", ("baseline", "perturbed")),
        ("drop", ("drop", "drop_low", "drop_high")),
        ("excess", ("excess_drop", "excess_low", "excess_high")),
        ("p", ("p_holm",)),
    ]
    shown = {name for column in columns for name in column.names}
    hidden = set(page.tables["importance"].columns) - shown
    assert {"permutation", "parameters", "label"} <= hidden
    for name in hidden - {"permutation", "parameters", "label"}:  # nothing to show
        values = page.tables["importance"].column(name)
        assert all(value == "" or is_undefined(value) for value in values), name
    for table in page.tables.values():
        found = columns_of(table)
        assert sum(column.leads for column in found) <= 8
        for column in found:
            assert column.meaning, (table.title, column.head)


def test_another_score_is_named_wherever_its_values_stand() -> None:
    rows = make_rows({"fund_mask": 0.4})
    other = "F-measure_no_offset_chroma"
    rows = [replace(r, scores={other: r.scores["F-measure_no_offset"]}) for r in rows]
    result = Importance.from_rows(rows, score=other)
    page = make_page(result)
    table, name = page.tables["importance"], "F with octaves folded"
    assert table.title == f"Sensitivity of the model's {name} to each perturbation of its input"
    assert f"No matched controls here: a drop says what {name} is sensitive to" in " ".join(
        str(table).split()
    )
    assert f"{name} clean → perturbed" in [column.head for column in columns_of(table)]
    text = render(page, "x_files", [])
    assert "F clean → perturbed" not in text
    assert f">lowest {name}<" in text


def test_an_infinite_dose_stands_in_the_table_and_not_on_the_curve() -> None:
    """``attenuation_db=inf`` is silence, and no place on an axis."""
    doses = {3.0: 0.1, 6.0: 0.2, 12.0: 0.3, math.inf: 0.4}
    rows = make_dose_rows(doses, permutation="fund_mask", parameter="attenuation_db", noise=0.0)
    page = make_page(Importance.from_rows(rows))
    (curve,) = page.data["curves"]
    assert curve["x"] == [0, 3, 6, 12]
    assert len(page.tables["importance"]) == 1 + len(doses)
    assert page.tables["dose_curves"].column("area") == pytest.approx([0.175])
    assert "fund_mask (attenuation_db=Infinity)" in render(page, "x_files", [])


def test_an_infinite_bound_is_a_number_in_the_saved_file() -> None:
    record = {"d50": 3.0, "d50_low": -math.inf, "d50_high": math.inf}
    table = Table("Dose curves", tuple(record), (record,))
    assert _csv(table, record, tuple(record)) == "3.000,-inf,inf"


def test_a_small_p_value_is_a_number_in_the_saved_file() -> None:
    text = page_of(make_rows({"fund_mask": 0.5}, n_pieces=20, noise=0.02))
    small = re.search(r'data-csv="([^"]*)">&lt;0.0001<', text)
    assert small is not None
    assert 0 < float(small[1]) < 1e-4


def test_a_relative_drop_and_its_interval_have_one_unit(text: str) -> None:
    tile = re.search(r"<span>relative drop</span><b>(\d+) %</b><i>\[(\d+), (\d+)\]</i>", text)
    assert tile is not None
    assert int(tile[2]) <= int(tile[1]) <= int(tile[3])


def test_what_is_hidden_at_first_does_not_squeeze_the_forest() -> None:
    steps = {f"remove_harmonic(harmonic={k})": {"harmonic": k} for k in (1, 2, 3)}
    drops = {"fund_mask": 0.1, "microtonal": -0.05, "floor": 0.7} | dict.fromkeys(steps, 0.6)
    importance = Importance.from_rows(make_rows(drops, parameters=steps, noise=0.0))
    plot = forests(importance, catalog(importance))[0]
    assert plot.near.high < 0.2
    assert plot.axis.high > 0.7
    # a place on the axis of all rows, seen through the frame, is the place on the near axis
    left, width = plot.axis.frame_on(plot.near)
    for value in (-0.05, 0.0, 0.1, *plot.near.ticks):
        seen = left + width / 100 * plot.axis.place(value)
        assert seen == pytest.approx(plot.near.place(value), abs=0.2)
    assert {tick for tick, kind in ticks_of(plot) if kind != "far"} == set(plot.near.ticks)
    assert {tick for tick, kind in ticks_of(plot) if kind != "near"} == set(plot.axis.ticks)


@pytest.mark.parametrize("values", [[0.0], [-0.3, 0.9], [0.001], [1.0], [0.02, 0.04]])
def test_axis_holds_all_values_and_zero(values: list[float]) -> None:
    axis = make_axis(values)
    assert 0.0 in axis.ticks
    assert all(0 < axis.place(v) < 100 for v in (*values, 0.0))
    assert 2 <= len(axis.ticks) <= 9
    assert all(a < b for a, b in zip(axis.ticks, axis.ticks[1:], strict=False))


def test_chart_numbers_are_those_of_the_rows() -> None:
    rows = study(n_pieces=4)
    importance = Importance.from_rows(rows)
    data = payload(importance, catalog(importance))
    base = {row.track: row.scores["F-measure_no_offset"] for row in rows if row.role == "baseline"
            and row.model == "basic_pitch"}  # fmt: skip
    panel, cell = data["panels"][0], data["conditions"]["fund_mask"][0]
    for name, before, after in zip(panel["pieces"], panel["base"], cell["after"], strict=True):
        assert before == pytest.approx(base[name], abs=1e-4)
        assert before - after == pytest.approx(0.4, abs=2e-4)


def test_two_models_two_datasets_eight_conditions_and_200_pieces_stay_small() -> None:
    names = ("random", "microtonal", "high_freq", "fund_mask", "harm_mask", "soft_fund_mask",
             "soft_harm_mask")  # fmt: skip
    drops = {name: 0.05 * i for i, name in enumerate(names)}
    rows = [
        row
        for model, label in MODELS.items()
        for dataset in ("maps", "maestro")
        for row in make_rows(drops, n_pieces=200, model=model, dataset=dataset, weights_label=label)
    ]
    page = page_of(rows)
    assert len(page.encode()) < 1_500_000
    assert page.count('<table class="forest"') == 2


def test_a_thousand_recordings_stay_small(thousand: Importance) -> None:
    page = render(make_page(thousand), "x_files", [])
    assert len(page.encode()) < 1_500_000
    # names stand in the data once per model, and not in the page's own text
    assert page.count('"piece_999"') == 2
    assert "piece_999" not in Document(page).text


def test_steps_stand_in_the_forest_where_nothing_else_was_run() -> None:
    steps = {f"remove_harmonic(harmonic={k})": {"harmonic": k} for k in (1, 2, 3)}
    drops = dict.fromkeys(steps, 0.1)
    profile = Importance.from_rows(make_rows(drops, parameters=steps))
    assert [e.title for e in main_conditions(catalog(profile))] == list(steps)
    assert 'data-role="step"' not in render(make_page(profile), "x_files", [])
    both = Importance.from_rows(make_rows({"fund_mask": 0.4} | drops, parameters=steps))
    assert [e.title for e in main_conditions(catalog(both))] == ["fund_mask"]
    assert len(both.plot_forest().get_yticks()) == 1
    assert render(make_page(both), "x_files", []).count('data-role="step"') == 3


def test_what_no_chart_shows_stands_in_the_forest_whatever_its_label() -> None:
    curve: dict[str, dict[str, object]] = {f"random(p={p})": {"p": p} for p in (0.1, 0.3, 0.5)}
    alone: dict[str, dict[str, object]] = {
        "fund_mask(onset=spare)": {"onset": "spare"},
        "fund_mask(normalization=model)": {"normalization": "model"},
        "fund_mask(attenuation_db=3)": {"attenuation_db": 3.0},  # two doses are no curve
        "fund_mask(attenuation_db=9)": {"attenuation_db": 9.0},
        "donor(harmonic=1)": {"harmonic": 1},
        "donor(harmonic=2)": {"harmonic": 2},
        "ablate_channel(channel=1)": {"channel": 1},
        "ablate_channel(channel=2)": {"channel": 2},
    }
    options = curve | alone
    rows = make_rows(dict.fromkeys(options, 0.1), parameters=options)
    found = Importance.from_rows(rows, n_resamples=100)
    assert [e.title for e in main_conditions(catalog(found))] == list(alone)
    assert len(found.plot_forest().get_yticks()) == len(alone)
    # another model with two of the three doses has no curve: all its figures stay in sight
    rows += [
        replace(row, model="timbre_trap", key=f"t/{row.key}")
        for row in rows
        if row.label in ("no_permutation", "random(p=0.1)", "random(p=0.3)")
    ]
    found = Importance.from_rows(rows, n_resamples=100)
    titles = [e.title for e in main_conditions(catalog(found))]
    assert titles == ["random(p=0.1)", "random(p=0.3)", *alone]


def test_only_a_baseline_says_so(tmp_path: Path) -> None:
    rows = make_rows({}, baseline=0.8, spread=0.0)
    page = Document(build(rows, tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "Only the baseline was run" in page.text
    assert "F 0.800 without any perturbation, mean over 12 recordings" in page.text
    assert not any(a.get("data-view") == "conditions" for _, a in page.tags)


@pytest.mark.parametrize(
    ("drops", "title"),
    [
        ({}, "Basic Pitch, unperturbed"),
        ({"floor": 0.5}, "Basic Pitch, under controls only"),
        ({"fund_mask": 0.3, "floor": 0.5}, "What is Basic Pitch sensitive to?"),
        ({"fund_mask": 0.3, "matched_tracks(fund_mask)": 0.1}, "What does Basic Pitch rely on?"),
    ],
)
def test_the_title_asks_only_what_the_conditions_can_answer(
    drops: dict[str, float], title: str
) -> None:
    page = page_of(make_rows(drops, n_pieces=4))
    assert f"<h1>{title}</h1>" in page
    assert f"<title>{title} · pi_amt</title>" in page


def test_the_title_names_all_models() -> None:
    assert (
        title_of(["A", "B"], catalog(Importance.from_rows(study()))) == "What do A and B rely on?"
    )
    assert title_of(["A", "B"], []) == "A and B, unperturbed"


def test_excess_is_spoken_of_only_where_there_are_matched_controls(text: str) -> None:
    assert "hollow matched control" in Document(text).text
    assert "Excess over control" in Document(text).text
    without = Document(page_of(make_rows({"fund_mask": 0.3}, n_pieces=4))).text
    assert "No matched control was run" in without
    assert "Excess over control" not in without
    assert "hollow matched control" not in without


def test_warnings_of_the_tables_stand_on_the_page() -> None:
    said = "2 recordings are too few for a test: the smallest possible p is 0.5."
    assert said in Document(page_of(make_rows({"fund_mask": 0.2}, n_pieces=2))).text
    assert said not in Document(page_of(make_rows({"fund_mask": 0.2}, n_pieces=20))).text
    curve = make_dose_rows({0.1: 0.1, 0.2: 0.3, 0.5: 0.5})
    assert "without the control floor, d50 takes the floor as 0" in Document(page_of(curve)).text


def test_a_baseline_at_the_floor_stands_on_every_view_and_in_the_headline() -> None:
    drops = {"fund_mask": 0.0, "matched_tracks(fund_mask)": 0.0}
    rows = make_rows({"fund_mask": 0.3}, n_pieces=6, dataset="maps")
    rows += make_rows(
        drops, baseline=0.03, spread=0.0, n_pieces=6, model="timbre_trap", dataset="maps"
    )
    page = page_of(rows)
    shown = Document(page)
    views = sum(tag == "section" and a.get("role") == "tabpanel" for tag, a in shown.tags)
    alert = "Timbre-Trap × MAPS: nothing can be learnt from these drops: the mean score without"
    assert shown.text.count(alert) == views
    assert "Nothing can be learnt from Timbre-Trap's F on MAPS:" in shown.text
    assert "Timbre-Trap's F on MAPS does not fall significantly" not in shown.text
    assert "Nothing can be learnt from the drops of Timbre-Trap × MAPS" in shown.text
    assert "Basic Pitch × MAPS: nothing" not in shown.text
    assert "nothing can be learnt" not in page_of(study()).lower()


def test_a_condition_says_on_which_dataset_it_was_not_run() -> None:
    rows = make_rows({"fund_mask": 0.3, "microtonal": 0.1}, n_pieces=3, dataset="maps")
    rows += make_rows({"fund_mask": 0.3}, n_pieces=3, dataset="maestro")
    assert re.findall(r"Not run on [^<]*", page_of(rows)) == ["Not run on MAESTRO."]


def test_half_the_pieces_of_one_model_say_what_is_missing() -> None:
    rows = [r for r in study(6) if r.model == "basic_pitch" or r.track < "piece_03"]
    rows = [r for r in rows if not (r.model == "timbre_trap" and r.label == "microtonal")]
    page = Document(page_of(rows)).text
    assert "Timbre-Trap × MAPS lacks 3 of 6 recordings that another model has" in page
    assert "Timbre-Trap × MAPS was not run under microtonal" in page


def test_no_store_an_empty_one_and_one_without_baseline_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no results"):
        build(tmp_path / "nothing", tmp_path / "r.html")
    Store(tmp_path / "empty").close()
    with pytest.raises(ValueError, match="got a store without rows"):
        build(tmp_path / "empty", tmp_path / "r.html")
    only = [row for row in make_rows() if row.role != "baseline"]
    with pytest.raises(ValueError, match="baseline"):
        build(only, tmp_path / "r.html")
    with pytest.raises(ValueError, match="examples"):
        build(make_rows(), tmp_path / "r.html", examples=-1)
    with pytest.raises(ValueError, match=r"got the folder .*, expected a file"):
        build(make_rows(), tmp_path / "empty")
    with pytest.raises(ValueError, match=r"a folder that can be written, which .*sqlite is not"):
        build(make_rows(), tmp_path / "empty" / "results.sqlite" / "deep" / "r.html")
    assert {path.name for path in tmp_path.iterdir()} == {"empty"}
    assert not list(tmp_path.glob("*.html"))


def test_a_store_that_is_being_written_can_be_read(tmp_path: Path) -> None:
    rows = make_rows({"fund_mask": 0.2}, n_pieces=4)
    with Store(tmp_path / "results") as store:
        store.write(rows[:-2])
        store._db.execute("BEGIN IMMEDIATE")  # a writer in the middle of its work
        store._db.execute("DELETE FROM rows")
        page = build(tmp_path / "results", tmp_path / "r.html", examples=0)
        store._db.rollback()
    assert "3 recordings" in Document(page.read_text(encoding="utf-8")).text


def test_files_for_papers_are_complete_and_the_same_every_time(tmp_path: Path) -> None:
    rows = [row for row in study(n_pieces=4) if row.model == "basic_pitch"]
    folders = []
    for name in ("a", "b"):
        build(rows, tmp_path / name / "r.html")
        folders.append(tmp_path / name / "r_files")
    names = {path.name for path in folders[0].iterdir()}
    for stem in ("forest_maps", "pieces_basic_pitch_maps", "precision_recall_basic_pitch_maps"):
        assert {f"{stem}.svg", f"{stem}.pdf"} <= names
    assert {"importance.csv", "importance.tex", "methods.md", "references.bib"} <= names
    for path in folders[0].iterdir():
        assert path.read_bytes() == (folders[1] / path.name).read_bytes(), path.name
    lines = list(csv.DictReader((folders[0] / "importance.csv").open(encoding="utf-8")))
    drops = {line["label"]: float(line["drop"]) for line in lines}
    assert drops["fund_mask"] == pytest.approx(0.4)


def test_figures_of_names_in_other_letters_have_files_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stems: list[Path] = []

    def saved(_: object, stem: Path) -> list[tuple[str, str]]:
        stems.append(stem)
        return []

    monkeypatch.setattr(files, "_saved", saved)
    rows = [
        row
        for dataset in ("钢琴", "小提琴")
        for model in ("m [gain=3]", "m [gain=-3]")
        for row in make_rows({"fund_mask": 0.3}, n_pieces=3, model=model, dataset=dataset)
    ]
    page = make_page(Importance.from_rows(rows))
    files.write_files(tmp_path, page.importance, page.entries, page.data, {}, {})
    assert len(stems) >= 2
    assert len(stems) == len(set(stems))


def test_links_to_files_lead_to_files(toy_report: Path) -> None:
    page = Document(toy_report.read_text(encoding="utf-8"))
    links = [a["href"] for tag, a in page.tags if tag == "a" and "_files/" in str(a.get("href"))]
    assert len(links) > 10
    for link in links:
        assert (toy_report.parent / str(link)).stat().st_size > 0


def test_a_condition_that_leaks_wears_a_badge_wherever_it_stands() -> None:
    drops = {
        "harm_mask": 0.1,
        "fund_mask": 0.4,
        "leak_noise(harm_mask)": 0.3,
        "leak_other(harm_mask)": 0.6,
        "leak_other(no_permutation)": 0.65,
    }
    rows = make_rows(drops, noise=0.0, spread=0.0)
    written = page_of(rows)
    page = Document(written)
    assert written.count(">leaks</span>") == 2  # in the plot and above its own detail
    assert (
        "other recording beyond chance 0.400, 0.050 above a tenth of 0.600: it leaks" in page.text
    )
    assert page.text.count("on a sound without the notes: noise") == 1
    assert "no evidence that what is left suffices" in page.text
    clean = Document(page_of(study()))
    assert "leak" not in clean.text


def test_the_stages_of_a_report_are_told_in_their_order(
    toy_build: tuple[Path, list[tuple[str, int]]],
) -> None:
    excerpt = ("excerpts of toy", 1)
    expected = [("statistics", 0), ("excerpts", 2), excerpt, excerpt, ("figures", 0)]
    assert toy_build[1] == expected


def test_a_report_prints_nothing_where_there_is_no_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    build(make_rows({"fund_mask": 0.2}, n_pieces=4), tmp_path / "r.html")
    assert capfd.readouterr() == ("", "")


def test_a_profile_stands_in_one_chart_per_model_and_side_with_all_ways() -> None:
    rows = [
        row
        for model in MODELS
        for permutation, kind in (
            ("remove_harmonic", "binary"), ("remove_harmonic", "ratio"), ("keep_harmonic", "ratio"),
        )
        for row in make_dose_rows(
            {1.0: 0.5, 2.0: 0.2}, permutation=permutation, parameter="harmonic",
            constant={"kind": kind}, model=model,
        )
    ]  # fmt: skip
    page = make_page(
        Importance.from_rows(list({row.key: row for row in rows}.values()), n_resamples=100)
    )
    charts: dict[str, list[str]] = {}
    for curve in page.data["curves"]:
        charts.setdefault(curve["title"], []).append(curve["line"])
    assert charts == {
        f"{model}: {side}": lines
        for side, lines in (
            ("partial k removed", ["ratio mask", "binary mask"]),
            ("only partial k kept", ["ratio mask"]),
        )
        for model in ("Basic Pitch", "Timbre-Trap")
    }
    assert {"profile", "agreement"} <= set(page.tables)
    assert "Basic Pitch on Demo: binary masks" in render(page, "x_files", [])


def test_a_report_of_version_0_1_0_says_what_its_rows_do_not_hold(
    old_importance: Importance,
) -> None:
    page = make_page(old_importance)
    assert "tolerances" not in page.tables
    assert page.explorer.data is None
    assert "fund_mask" in render(page, "x_files", [])


@pytest.fixture
def old_importance(tmp_path: Path) -> Importance:
    """The results that version 0.1.0 stored."""
    packed = Path(__file__).parents[2] / "store" / "data" / "results_0_1_0.sqlite.xz"
    (tmp_path / "results.sqlite").write_bytes(lzma.decompress(packed.read_bytes()))
    return Importance.read(tmp_path, n_resamples=100)
