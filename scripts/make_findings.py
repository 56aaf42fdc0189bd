"""Results pages of the documentation from stored rows: nothing here runs a model.

``python scripts/make_findings.py RESULTS [--page findings]`` reads the stores ``RESULTS/study``,
``RESULTS/profile`` and ``RESULTS/dose`` (apart, so that Holm's correction counts each study's own
conditions; one that is missing is said to be missing) and writes ``docs/generated/PAGE.md`` with
figures in ``docs/images/PAGE``, and the README's sentences about the result. ``--page real_study``
does the same for MAPS and MAESTRO, without the README.
``python scripts/make_findings.py --cost`` writes the table of computing times.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from pi_amt.core.text import duration, in_words, plural
from pi_amt.models.timbre_trap.weights import SHIPPED_RECORD
from pi_amt.permutation_importance import Importance
from pi_amt.report.figures.style import paper_style
from pi_amt.report.names import BANNER, model_title
from pi_amt.report.page.context import reproductions
from pi_amt.report.tables.dose import dose_table
from pi_amt.statistics.dose import dose_curves
from pi_amt.statistics.estimates import ConditionResult
from pi_amt.store.renamed import read_results
from pi_amt.store.store import store_path
from pi_amt.study.cost import COST_PER_SECOND

DOCS = Path(__file__).resolve().parents[1] / "docs"
COLUMNS = (
    "model", "dataset", "label", "baseline", "drop", "drop_low", "drop_high", "p_holm",
    "excess_drop", "excess_low", "excess_high", "precision_drop", "recall_drop",
)  # fmt: skip
DOSES = (
    "model", "curve", "parameter", "lowest", "highest", "area", "area_low", "area_high", "d50",
    "d50_low", "d50_high", "d50_bound",
)  # fmt: skip
CONTRASTS = (
    "dataset", "label", "a", "b", "drop_a", "drop_b", "difference", "difference_low",
    "difference_high", "p_holm",
)  # fmt: skip
#: (dataset, hours) of the real study (Hawthorne et al. 2019); of MAPS no paper tells the hours
HOURS = (("MAESTRO v3 test, 177 performances", 20.0),)
CONDITIONS = 8
#: the README's result stands between these
README_MARKS = ("<!-- made by make findings -->", "<!-- end -->")
MODELS = ("basic_pitch", "timbre_trap")


def main() -> None:
    """Write one page."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("results", nargs="?", type=Path, help="folder of the stores")
    parser.add_argument("--page", default="findings", choices=("findings", "real_study"))
    parser.add_argument("--cost", action="store_true", help="only the table of computing times")
    options = parser.parse_args()
    generated = DOCS / "generated"
    if options.cost:
        path, text = generated / "real_study_cost.md", "\n".join(cost_lines())
    elif options.results is None:
        parser.error("got no RESULTS folder, expected one")
    else:
        images = DOCS / "images" / options.page
        images.mkdir(parents=True, exist_ok=True)
        path = generated / f"{options.page}.md"
        level = "##" if options.page == "findings" else "###"
        text = "\n".join(page_lines(options.results, images, level))
        if options.page == "findings":
            put_into_readme(DOCS.parent / "README.md", read_importance(options.results / "study"))
    path.write_text(text.rstrip() + "\n", encoding="utf-8")
    print(path)


def page_lines(results: Path, images: Path, level: str) -> Iterator[str]:
    """Markdown of a results page."""
    sections: tuple[tuple[str, str, Callable[[Importance, Path], Iterator[str]]], ...] = (
        ("study", "The conditions and their controls", study_lines),
        ("profile", "Harmonic profile", profile_lines),
        ("dose", "Dose curves", dose_lines),
    )
    for name, title, lines in sections:
        yield f"{level} {title}\n"
        if store_path(results / name).is_file():
            importance = read_importance(results / name)
            yield from scope_lines(importance)
            yield from other_weights(importance)
            yield from lines(importance, images)
        else:
            yield f"Not run (no store in `{name}`).\n"


def read_importance(store: Path) -> Importance:
    """The importances of a store."""
    rows, said = read_results(store)
    return Importance.from_rows(rows, messages=said)


def scope_lines(importance: Importance) -> Iterator[str]:
    """What was run, from the rows; a reproduction is named as one wherever its numbers stand."""
    for panel in importance.panels:
        seconds = duration(sum(panel.seconds))
        yield (
            f"- **{model_title(panel.model)}** on {panel.dataset}: "
            f"{plural(len(panel.pieces), 'recording')} ({seconds}), "
            f"{plural(panel.n_repeats, 'draw')} where stochastic; {panel.rows[0].weights_label} "
            f"`{panel.rows[0].weights[:12]}`."
        )
    missing = [model for model in MODELS if model not in importance.models]
    yield from (f"- **{model_title(model)}**: not run for this page." for model in missing)
    yield ""
    for model in reproductions(importance):
        yield f"```{{important}}\n**{model}.** {BANNER}\n```\n"


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


def study_lines(importance: Importance, images: Path) -> Iterator[str]:
    """Headlines, forest plot, table, contrasts."""
    yield from (f"- {sentence}" for sentence in importance.headline())
    yield ""
    yield _figure(importance.plot_forest, images / "forest.svg", "Drop in F per condition")
    yield from _folded("All conditions and controls", importance.table().to_markdown(None, COLUMNS))
    contrasts = importance.contrasts()
    if len(contrasts):
        yield from _folded("Differences between the models", contrasts.to_markdown(None, CONTRASTS))


def profile_lines(importance: Importance, images: Path) -> Iterator[str]:
    """Profile figure and table."""
    yield _figure(importance.plot_profile, images / "profile.svg", "Drop in F per harmonic")
    yield (
        "Drop in F with its interval. *removed*, *kept*: harmonic k alone, by a hard mask. "
        "*channel off*: channel h = k of Basic Pitch's harmonic stack set to zero inside the "
        "network, which no mask's edge can disturb.\n"
    )
    for panel in importance.panels:
        drops = {result.label: result for result in importance.results_of(panel)}
        yield f"**{panel.model}**, baseline {drops['floor'].baseline:.2f}\n"
        yield "| k | removed | kept | channel off |\n|---:|---:|---:|---:|"
        for k in range(1, 11):
            labels = (f"remove_harmonic(harmonic={k})", f"keep_harmonic(harmonic={k})")
            cells = [_drop(drops.get(label)) for label in (*labels, f"ablate_channel(channel={k})")]
            yield f"| {k} | {' | '.join(cells)} |"
        yield ""


def dose_lines(importance: Importance, images: Path) -> Iterator[str]:
    """One figure per option that was varied, then area and D50."""
    for parameter in dict.fromkeys(curve.parameter for curve in dose_curves(importance)):

        def plot(ax: Axes | None = None, parameter: str = parameter) -> Axes:
            return importance.plot_dose(ax=ax, parameter=parameter)

        yield _figure(plot, images / f"dose_{parameter}.svg", f"Dose curves over {parameter}")
    yield dose_table(importance).to_markdown(columns=DOSES)


def _drop(result: ConditionResult | None) -> str:
    if result is None:
        return "–"
    return f"{result.drop:.2f} [{result.drop_low:.2f}, {result.drop_high:.2f}]"


def _figure(plot: Callable[..., Axes], path: Path, title: str) -> str:
    """Draw and save; Markdown that shows it (pages that include this are in docs/)."""
    with paper_style():
        figure = plot().get_figure(root=True)
        assert figure is not None
        figure.savefig(path, metadata={"Date": None})
    plt.close("all")
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
        cells = (in_words(hour / cores) for cores in (1, 2, 16, 100))
        yield f"| `{model}` | {' | '.join(cells)} |"
    yield ""
    for name, hours in HOURS:
        machines = ((2, "2 cores"), (16, "16 cores"), (100, "100 workers"))
        times = [f"{in_words(total * hours / n)} on {machine}" for n, machine in machines]
        yield f"Both models, {name} ({hours:.0f} h): about {', '.join(times)}.\n"
    yield (
        "MAPS' two Disklavier settings (60 recordings) come to their own hours times the same "
        "rates. With controls and five repeats there are about ten times as many passes through "
        "the network; `dry_run=true` counts them exactly."
    )


if __name__ == "__main__":
    main()
