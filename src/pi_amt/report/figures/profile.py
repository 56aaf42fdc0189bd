"""The harmonic profile as a figure: every way to take a partial away, beside each other.

:func:`profile` draws one model on one dataset into given axes, for ``result.plot_profile()``;
:func:`profile_figure` draws all that was run with a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pi_amt.report.figures.style import INK, WIDE, drawable, new_axes, new_figure, paper_style
from pi_amt.report.names import COLOURS, Look, dataset_title, model_title, score_name
from pi_amt.statistics.profile import FEWEST_PIECES, Profile, profiles
from pi_amt.statistics.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: way → its name in the legend, colour, dashes and marker
LINES = {
    "true": ("the sound made so", INK, "-", "o"),
    "ratio": ("ratio mask", COLOURS[0], "-", "s"),
    "binary": ("binary mask", COLOURS[1], "--", "^"),
    "channel": ("channel off", COLOURS[2], ":", "D"),
}
TITLES = {False: "partial k removed", True: "only partial k kept"}


def profile(importance: Result, ax: Axes | None = None, *, keep: bool = False) -> Axes:
    """Drops against k where partial k is removed, one line per way to take it away.

    Args:
        importance: of one model and dataset.
        ax: where to draw.
        keep: draw the drops where partial k alone is kept.

    Raises:
        ValueError: if there are several models or datasets, or no such profile was run.
    """
    panel = importance.panel
    found = [one for one in profiles(importance) if one.keep is keep]
    if not found:
        raise ValueError(
            f"got no harmonic profile of {panel.model} with {TITLES[keep]}, expected rows of "
            f"{'keep' if keep else 'remove'}_harmonic, run experiment=harmonic_profile"
        )
    with paper_style():
        ax = new_axes(ax)
        _draw(ax, found[0])
        ax.set_title(f"{drawable(model_title(panel.model))}, {ax.get_title(loc='left')}")
        _name_axes(importance, ax)
        ax.legend(fontsize=7, handlelength=4)
    return ax


def profile_figure(importance: Result, model: str) -> Figure:
    """Drops of one model against k: datasets side by side, removed above kept.

    Args:
        importance: with profiles of the model, on one dataset or several.
        model: its config name.

    Raises:
        ValueError: if no profile of the model was run.
    """
    found = [profile for profile in profiles(importance) if profile.model == model]
    if not found:
        raise ValueError(
            f"got no harmonic profile of {model}, expected one, run experiment=harmonic_profile"
        )
    datasets = list(dict.fromkeys(profile.dataset for profile in found))
    sides = list(dict.fromkeys(profile.keep for profile in found))
    panel = next(panel for panel in importance.panels if panel.model == model)
    look = Look.of(importance, panel)
    with paper_style():
        figure = new_figure(WIDE, 0.7 + 2.4 * len(sides))
        grid = figure.subplots(len(sides), len(datasets), sharex=True, sharey=True, squeeze=False)
        for axes in grid.flat:
            axes.set_visible(False)
        for profile in found:
            place = sides.index(profile.keep), datasets.index(profile.dataset)
            _draw(grid[place], profile)
        for axes in grid.flat:
            _name_axes(importance, axes)
            axes.label_outer()
        handles = [axes.get_legend_handles_labels() for axes in grid.flat]
        named = {label: line for lines in handles for line, label in zip(*lines, strict=True)}
        figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=len(named))
        figure.suptitle(drawable(look.model) + look.badge, fontsize=9.5)
    return figure


def _name_axes(importance: Result, axes: Axes) -> None:
    axes.set_xlabel("harmonic k")
    axes.set_ylabel(f"drop in {drawable(score_name(importance.score))}")


def _draw(axes: Axes, profile: Profile) -> None:
    axes.set_visible(True)
    axes.set_title(f"{drawable(dataset_title(profile.dataset))}: {TITLES[profile.keep]}")
    axes.axhline(0, color=INK, linewidth=0.9, zorder=1)
    axes.set_xticks(profile.partials)
    for way, curve in profile.curves.items():
        label, colour, dashes, marker = LINES[way]
        axes.plot(
            curve.values, curve.drop, linestyle=dashes, color=colour, marker=marker, ms=4,
            mfc=colour if dashes == "-" else "white", label=label,
        )  # fmt: skip
        if curve.n_pieces >= FEWEST_PIECES:  # the intervals of fewer say nothing
            axes.fill_between(
                curve.values, curve.drop_low, curve.drop_high, color=colour, alpha=0.15, lw=0
            )
