"""Results pages of the documentation from stored rows: nothing here runs a model.

``python scripts/make_findings.py RESULTS [--page PAGE] [--demo DEMO]`` reads the stores ``study``,
``shapley``, ``profile``, ``truth`` (by ``scripts/true_profile.py``) and ``dose`` in the folder
``RESULTS``. They are apart so that Holm's correction counts each study's own conditions. One that
is missing is said to be missing, but for ``short``, a study of more conditions on shorter excerpts.
It writes ``docs/generated/PAGE.md`` with figures in
``docs/images/PAGE``. A model that was run on other recordings, or on other excerpts, has stores of
its own beside them, such as ``shapley_timbre_trap``; with ``--model timbre_trap`` a page
``PAGE_timbre_trap`` of these is written. The pages:

* ``findings`` is of the demo, as are the profiles and dose curves of ``findings_profiles``;
* ``findings_real``, of MAPS recordings, sets those of the demo (``DEMO``) beside them;
* ``real_study`` is the page of MAPS and MAESTRO.

With ``--page readme`` it writes the README's sentences and its picture of where F comes from, from
the store of ``make demo``. ``--cost`` alone writes the table of computing times.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from pi_amt.core.text import duration, plural, rough_duration
from pi_amt.models.loading import SHIPPED
from pi_amt.models.timbre_trap.weights import SHIPPED_RECORD
from pi_amt.permutation_importance import Importance
from pi_amt.report.figures.profile import profile_figure
from pi_amt.report.figures.style import paper_style
from pi_amt.report.names import BANNER, dataset_title, model_title
from pi_amt.report.page.context import reproductions
from pi_amt.report.tables.cells import format_value
from pi_amt.report.tables.dose import dose_table
from pi_amt.report.tables.profile import agreement_table, profile_sentences, profile_table
from pi_amt.report.tables.shapley import interaction_table, shapley_table
from pi_amt.report.tables.table import Table
from pi_amt.scoring.notes import F_MEASURE
from pi_amt.statistics.dose import dose_curves
from pi_amt.statistics.estimates import ConditionResult
from pi_amt.statistics.inference import mean
from pi_amt.statistics.panels import Panel
from pi_amt.statistics.profile import WAYS, rank_correlation
from pi_amt.store.renamed import read_results
from pi_amt.store.rows import Row
from pi_amt.store.store import store_path
from pi_amt.study.cost import COST_PER_SECOND
from pi_amt.study.truth import as_conditions

DOCS = Path(__file__).resolve().parents[1] / "docs"
COLUMNS = (
    "model", "dataset", "label", "baseline", "drop", "drop_low", "drop_high", "known_bias",
    "p_holm", "excess_drop", "excess_low", "excess_high", "leaks", "precision_drop",
    "recall_drop",
)  # fmt: skip
DOSES = (
    "model", "curve", "parameter", "lowest", "highest", "area", "area_low", "area_high", "d50",
    "d50_low", "d50_high", "d50_bound",
)  # fmt: skip
CONTRASTS = (
    "dataset", "label", "a", "b", "drop_a", "drop_b", "difference", "difference_low",
    "difference_high", "p_holm",
)  # fmt: skip
#: what stands beside the drops of a profile
MEASURES = ("ratio_error", "binary_error", "channel_error", "own_share", "collateral_db")
#: columns of the scores of each piano, and what they are called
SCORES = {
    "F, 50 ms": F_MEASURE,
    "F, 100 ms": f"{F_MEASURE}_100ms",
    "F, 150 ms": f"{F_MEASURE}_150ms",
    "F, octaves folded": f"{F_MEASURE}_chroma",
    "precision": "Precision_no_offset",
    "recall": "Recall_no_offset",
}
#: (dataset, hours) of the real study (Hawthorne et al. 2019); of MAPS no paper tells the hours
HOURS = (("MAESTRO v3 test, 177 performances", 20.0),)
CONDITIONS = 8
#: of F: two shares that are closer are not told apart in words
SMALLEST_SHARE = 0.01
#: stores without which a page is complete
OPTIONAL = ("short",)
#: the README's result stands between these
README_MARKS = ("<!-- made by make readme -->", "<!-- end -->")


def main() -> None:
    """Write one page."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("results", nargs="?", type=Path, help="folder of the stores")
    parser.add_argument("--page", default="findings", choices=[*PAGES, "readme"])
    parser.add_argument("--demo", type=Path, help="folder of the demo's stores")
    parser.add_argument("--model", choices=SHIPPED, help="the page of a model's own stores")
    parser.add_argument("--cost", action="store_true", help="only the table of computing times")
    options = parser.parse_args()
    generated = DOCS / "generated"
    if options.cost:
        path, text = generated / "real_study_cost.md", "\n".join(cost_lines())
    elif options.results is None:
        parser.error("got no RESULTS folder, expected one")
    elif options.page == "readme":
        fill_readme(DOCS.parent / "README.md", read_importance(options.results))
        return
    else:
        page = options.page + (f"_{options.model}" if options.model else "")
        images = DOCS / "images" / page
        images.mkdir(parents=True, exist_ok=True)
        path = generated / f"{page}.md"
        stores = Stores(options.results, options.demo, options.model)
        text = "\n".join(page_lines(stores, images, options.page))
    path.write_text(text.rstrip() + "\n", encoding="utf-8")
    print(path)


@dataclass(frozen=True)
class Stores:
    """Where the rows of a page are: a folder of stores, and another one of the demo's; of a model,
    the stores that are its own."""

    results: Path
    demo: Path | None = None
    model: str | None = None

    def __call__(self, *names: str, of_demo: bool = False) -> list[Path]:
        """Those of these names that are there; with ``of_demo`` those of the demo first."""
        folders = [self.demo] if of_demo and self.demo else []
        own = f"_{self.model}" if self.model else ""
        found = [folder / f"{name}{own}" for folder in [*folders, self.results] for name in names]
        return [store for store in found if store_path(store).is_file()]

    def apart(self, model: str) -> bool:
        """Whether a model has stores of its own."""
        return any(store_path(folder).is_file() for folder in self.results.glob(f"*_{model}"))


def page_lines(stores: Stores, images: Path, page: str = "findings") -> Iterator[str]:
    """Markdown of a results page."""
    level = "##" if page in ("findings", "findings_profiles") else "###"
    level += "#" if stores.model else ""  # below a heading that names the model
    for name, title, lines in PAGES[page]:
        found = list(lines(stores, images)) if stores(name) else []
        if not found and stores.model is None and name not in OPTIONAL:
            found = [f"Not run (no store in `{name}`).\n"]
        if found:  # the page of one model has the sections of what it was run on, and no more
            yield f"{level} {title}\n"
            yield from found


def read_importance(*stores: Path) -> Importance:
    """The importances of stores; of the truth set, the sounds made without a partial count as
    conditions."""
    rows: list[Row] = []
    messages: list[str] = []
    for store in stores:
        found, said = read_results(store)
        rows += found
        messages += said
    return Importance.from_rows(as_conditions(rows), messages=messages)


def scope_lines(importance: Importance, stores: Stores) -> Iterator[str]:
    """What was run, from the rows; a reproduction is named as one wherever its numbers stand."""
    for panel in importance.panels:
        seconds = duration(sum(panel.seconds))
        yield (
            f"- **{model_title(panel.model)}** on {panel.dataset}: "
            f"{plural(len(panel.pieces), 'recording')} ({seconds}), "
            f"{plural(panel.n_repeats, 'draw')} where stochastic; {panel.rows[0].weights_label} "
            f"`{panel.rows[0].weights[:12]}`."
        )
    expected = SHIPPED if stores.model is None else ()
    for model in expected:
        if model not in importance.models:
            where = "in a part of its own" if stores.apart(model) else "not run for this page"
            yield f"- **{model_title(model)}**: {where}."
    yield ""
    for model in reproductions(importance):
        yield f"```{{important}}\n**{model}.** {BANNER}\n```\n"
    yield from other_weights(importance)


def fill_readme(readme: Path, importance: Importance) -> None:
    """The README's sentences, and its picture."""
    images = DOCS / "images" / "readme"
    images.mkdir(parents=True, exist_ok=True)
    _figure(importance.shapley().plot, images / "shapley.svg", "Where F comes from")
    put_into_readme(readme, importance)


def put_into_readme(readme: Path, importance: Importance) -> None:
    """Replace what stands between the two marks of the README by the headline sentences, with what
    must be known about the weights behind them."""
    before, begin, rest = readme.read_text(encoding="utf-8").partition(README_MARKS[0])
    _, end, after = rest.partition(README_MARKS[1])
    if not end:
        raise ValueError(f"{readme}: got no place for the findings, expected {README_MARKS}")
    lines = [f"- {sentence}" for sentence in importance.headline()]
    lines += [f"\n**{model}.** {BANNER}" for model in reproductions(importance)]
    lines += [f"\n{note.strip()}" for note in other_weights(importance)]
    text = "\n".join(lines)
    readme.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def other_weights(importance: Importance) -> Iterator[str]:
    """Says where rows come from other Timbre-Trap weights than those that ship now."""
    shipped = json.loads(SHIPPED_RECORD.read_text(encoding="utf-8"))["sha256"]
    for panel in importance.panels:
        used = panel.rows[0].weights
        if panel.model == "timbre_trap" and used != shipped:
            yield (
                f"*timbre_trap: these rows were computed with weights {used[:12]}, an earlier "
                f"state of the training; the package ships {shipped[:12]}.*\n"
            )


def study_lines(stores: Stores, images: Path) -> Iterator[str]:
    """Headlines, forest plot, table, contrasts."""
    importance = read_importance(*stores("study"))
    yield from scope_lines(importance, stores)
    yield from (f"- {sentence}" for sentence in importance.headline())
    yield ""
    yield _figure(importance.plot_forest, images / "forest.svg", "Drop in F per condition")
    yield from condition_lines(importance)


def short_lines(stores: Stores, images: Path) -> Iterator[str]:
    """Forest plot and table of a study of more conditions on shorter excerpts."""
    importance = read_importance(*stores("short"))
    yield from scope_lines(importance, stores)
    yield _figure(importance.plot_forest, images / "forest_short.svg", "Drop in F per condition")
    yield from condition_lines(importance)


def condition_lines(importance: Importance) -> Iterator[str]:
    """The tables of a study."""
    yield from _folded("All conditions and controls", importance.table().to_markdown(None, COLUMNS))
    contrasts = importance.contrasts()
    if len(contrasts):
        yield from _folded("Differences between the models", contrasts.to_markdown(None, CONTRASTS))


def shapley_lines(stores: Stores, images: Path) -> Iterator[str]:
    """A bar per model, what it is put together of in words, and the values."""
    importance = read_importance(*stores("shapley"))
    yield from scope_lines(importance, stores)
    yield _figure(importance.shapley().plot, images / "shapley.svg", "Where F comes from")
    yield from (f"- {sentence}" for sentence in importance.headline())
    yield ""
    columns = (
        *("model", "player", "n_pieces", "shapley", "shapley_low", "shapley_high", "share"),
        *("bass", "middle", "treble"),
    )
    yield from _folded("Shapley values", shapley_table(importance).to_markdown(None, columns))
    yield from _folded("Interactions", interaction_table(importance).to_markdown())


def profile_lines(stores: Stores, images: Path) -> Iterator[str]:
    """Per model a figure of all datasets; what agrees, in words and numbers; the drops."""
    importance = read_importance(*stores("profile", "truth", of_demo=True))
    yield from scope_lines(importance, stores)
    for model in importance.models:
        path = images / f"profile_{model}.svg"
        figure = profile_figure(importance, model)
        with paper_style():
            figure.savefig(path, metadata={"Date": None})
        yield _image(path, f"Drop in F per harmonic, {model_title(model)}")
    yield from (f"- {sentence}" for sentence in profile_sentences(importance))
    yield ""
    yield from _folded("Which ways agree", agreement_table(importance).to_markdown())
    table = profile_table(importance)
    yield "**Drops with their intervals**\n"
    yield "| model | dataset | partial k | k | " + " | ".join((*WAYS, *MEASURES)) + " |"
    yield "|---|---|---|---:" + "|---:" * len((*WAYS, *MEASURES)) + "|"
    for record in table.records:
        drops = [_interval(table, record, way) for way in WAYS]
        cells = [str(record[name]) for name in ("model", "dataset", "partials", "k")]
        cells += [*drops, *(table.cell(record, name) for name in MEASURES)]
        yield f"| {' | '.join(cells)} |"
    yield ""
    shown = (note for note in table.footers if not note.startswith("by_polyphony"))
    yield from (f"- {note}" for note in shown)
    yield ""


def dose_lines(stores: Stores, images: Path) -> Iterator[str]:
    """One figure per option that was varied, then area and D50."""
    importance = read_importance(*stores("dose"))
    yield from scope_lines(importance, stores)
    for parameter in dict.fromkeys(curve.parameter for curve in dose_curves(importance)):

        def plot(ax: Axes | None = None, parameter: str = parameter) -> Axes:
            return importance.plot_dose(ax=ax, parameter=parameter)

        yield _figure(plot, images / f"dose_{parameter}.svg", f"Dose curves over {parameter}")
    yield dose_table(importance).to_markdown(columns=DOSES)


def score_lines(stores: Stores, images: Path) -> Iterator[str]:
    """How well the models do without any perturbation: each piano, all of them, and the demo."""
    importance = read_importance(*stores("study", of_demo=True))
    yield "| model | recordings of | n | length | " + " | ".join(SCORES) + " |"
    yield "|---|---|---:|---:" + "|---:" * len(SCORES) + "|"
    for panel in importance.panels:
        values = {name: panel.baseline_values(key) for name, key in SCORES.items()}
        for place, chosen in _pianos(panel).items():
            means = [mean(found[chosen]) for found in values.values()]
            cells = (format_value(number, ".3f") for number in means)
            length = duration(sum(np.array(panel.seconds)[chosen]))
            yield f"| {panel.model} | {place} | {len(chosen)} | {length} | {' | '.join(cells)} |"
    yield ""
    yield "Means over recordings, without any perturbation; precision and recall at 50 ms.\n"


def beside_lines(stores: Stores, images: Path) -> Iterator[str]:
    """The same conditions on the demo and on the real recordings, in numbers and in words."""
    importance = read_importance(*stores("study", of_demo=True))
    if len(importance.datasets) < 2:
        if stores.model is None:
            yield "Not run (no store of the demo in `study`).\n"
        return
    pairs = {model: _pairs(importance, model) for model in importance.models}
    pairs = {model: found for model, found in pairs.items() if found}
    demo, real = map(dataset_title, importance.datasets)
    for model, found in pairs.items():
        yield from (f"- {model_title(model)}: {said}" for said in _differences(found, demo, real))
    yield ""
    yield f"| model | condition | drop: {demo} | drop: {real} | excess: {demo} | excess: {real} |"
    yield "|---|---|---:|---:|---:|---:|"
    for model, found in pairs.items():
        for one, other in found:
            drops = [_with_bounds(r.drop, r.drop_low, r.drop_high) for r in (one, other)]
            excess = [
                _with_bounds(r.excess_drop, r.excess_low, r.excess_high) for r in (one, other)
            ]
            yield f"| {model} | {one.label} | {' | '.join((*drops, *excess))} |"
    yield ""


def _pianos(panel: Panel) -> dict[str, list[int]]:
    """What recordings are of → their numbers: each MAPS setting, and all."""
    found: dict[str, list[int]] = {}
    if panel.dataset == "maps":
        for number, piece in enumerate(panel.pieces):
            found.setdefault(piece.rsplit("_", 1)[-1], []).append(number)
    return (found if len(found) > 1 else {}) | {panel.dataset: list(range(len(panel.pieces)))}


def _pairs(importance: Importance, model: str) -> list[tuple[ConditionResult, ConditionResult]]:
    """Results of the conditions that both datasets have."""
    ones, others = (
        {
            (r.permutation, r.parameters): r
            for r in importance.results
            if (r.model, r.dataset, r.role) == (model, dataset, "condition")
        }
        for dataset in importance.datasets
    )
    return [(one, others[key]) for key, one in ones.items() if key in others]


def _percent(share: float) -> str:
    """Whole percents; never a zero with a sign."""
    return f"{round(100 * share) + 0:.0f}%"


def _differences(
    pairs: Sequence[tuple[ConditionResult, ConditionResult]], demo: str, real: str
) -> Iterator[str]:
    """In words: the baselines, whether conditions rank alike, which drops and excesses differ."""
    one, other = pairs[0]
    yield (
        f"F without a perturbation is {one.baseline:.2f} on {demo} and {other.baseline:.2f} on "
        f"{real}."
    )
    drops = (np.array([pair[side].relative_drop for pair in pairs]) for side in (0, 1))
    rank = rank_correlation(*drops)
    if not isnan(rank):
        yield (
            f"over {plural(len(pairs), 'condition')}, the rank correlation of the share of F that "
            f"is lost on the one and on the other is {rank:.2f}."
        )
    apart = [
        f"`{a.label}` ({_percent(a.relative_drop)} and {_percent(b.relative_drop)})"
        for a, b in pairs
        if (a.relative_high < b.relative_low or b.relative_high < a.relative_low)
        and abs(a.relative_drop - b.relative_drop) >= SMALLEST_SHARE
    ]
    if apart:
        yield (
            f"the share of F that is lost on {demo} and on {real} differs by more than the "
            f"intervals under {', '.join(apart)}."
        )
    else:
        yield "under no condition do the intervals of the share of F that is lost lie apart."
    turned = [
        f"`{a.label}` ({a.excess_drop:+.2f} and {b.excess_drop:+.2f})"
        for a, b in pairs
        if (a.excess_low > 0 and b.excess_high < 0) or (a.excess_high < 0 and b.excess_low > 0)
    ]
    if turned:
        yield f"the excess changes its sign with confidence under {', '.join(turned)}."
    else:
        yield "under no condition does the excess change its sign with confidence."


def _interval(table: Table, record: Mapping[str, Any], name: str) -> str:
    low, high = table.intervals[name]
    return _with_bounds(record[name], record[low], record[high])


def _with_bounds(number: float, low: float, high: float) -> str:
    texts = [format_value(value, ".2f") for value in (number, low, high)]
    return texts[0] if isnan(low) else f"{texts[0]} [{texts[1]}, {texts[2]}]"


def _figure(plot: Callable[..., Axes], path: Path, title: str) -> str:
    """Draw and save; Markdown that shows it (pages that include this are in docs/)."""
    with paper_style():
        figure = plot().get_figure(root=True)
        assert figure is not None
        figure.savefig(path, metadata={"Date": None})
    plt.close("all")
    return _image(path, title)


def _image(path: Path, title: str) -> str:
    return f"```{{image}} images/{path.parent.name}/{path.name}\n:alt: {title}\n```\n"


def _folded(title: str, markdown: str) -> Iterator[str]:
    """A table behind a heading of its own level, its notes as a list."""
    yield f"**{title}**\n"
    yield markdown


def cost_lines() -> Iterator[str]:
    """Computing time of the 32 runs from the costs that ``dry_run`` uses."""
    yield (
        "Computing time of eight conditions per hour of audio, from the costs per core that "
        "`dry_run=true` uses, which were measured on a machine of two cores (see "
        "[benchmarks](benchmarks.md)). **16 cores and the cluster are extrapolated** from that "
        "linearly: recordings are independent and rows are small. One [GPU](gpu.md) "
        "was not measured.\n"
    )
    yield "| model | one core | 2 cores | 16 cores | cluster of 100 workers |"
    yield "|---|---:|---:|---:|---:|"
    total = 0.0
    for model, (front_end, each) in COST_PER_SECOND.items():
        hour = 3600 * (front_end + CONDITIONS * each)
        total += hour
        cells = (rough_duration(hour / cores) for cores in (1, 2, 16, 100))
        yield f"| `{model}` | {' | '.join(cells)} |"
    yield ""
    for name, hours in HOURS:
        machines = ((2, "2 cores"), (16, "16 cores"), (100, "100 workers"))
        times = [f"{rough_duration(total * hours / n)} on {machine}" for n, machine in machines]
        yield f"Both models, {name} ({hours:.0f} h): about {', '.join(times)}.\n"
    yield (
        "MAPS' two Disklavier settings (60 recordings) come to their own hours times the same "
        "rates. With controls and five repeats, as in the commands above, there are about ten "
        "times as many passes through the network; `dry_run=true` counts them exactly."
    )


#: page → store, title and lines of each section
PAGES: dict[str, tuple[tuple[str, str, Callable[[Stores, Path], Iterator[str]]], ...]] = {
    "findings": (
        ("shapley", "Where F comes from", shapley_lines),
        ("study", "The conditions and their controls", study_lines),
    ),
    "findings_profiles": (
        ("profile", "Harmonic profile", profile_lines),
        ("dose", "Dose curves", dose_lines),
    ),
    "findings_real": (
        ("study", "How well the models do", score_lines),
        ("shapley", "Where F comes from", shapley_lines),
        ("study", "The conditions and their controls", study_lines),
        ("short", "All conditions, on shorter excerpts", short_lines),
        ("study", "How the demo and real recordings differ", beside_lines),
        ("profile", "The harmonic profile of real recordings", profile_lines),
    ),
    "real_study": (
        ("study", "The conditions and their controls", study_lines),
        ("profile", "Harmonic profile", profile_lines),
        ("dose", "Dose curves", dose_lines),
    ),
}


if __name__ == "__main__":
    main()
