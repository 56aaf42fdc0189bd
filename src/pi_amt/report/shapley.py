"""What ``result.shapley()`` returns: Shapley values with their tables and figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pi_amt.report.figures.shapley import where_from
from pi_amt.report.tables.shapley import coalition_table, interaction_table, shapley_table
from pi_amt.report.tables.table import Table
from pi_amt.statistics.result import Result
from pi_amt.statistics.shapley import Attribution

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Shapley:
    """Where the score comes from, of every model and dataset of a result.

    Raises:
        ValueError: if no coalition was run.
    """

    def __init__(self, result: Result) -> None:
        if not result.attributions:
            raise ValueError(
                "got no coalition, expected rows of all; run experiment=shapley, or "
                "importance(…, permutations=pi_amt.coalitions())"
            )
        self._result = result

    @property
    def attributions(self) -> tuple[Attribution, ...]:
        """The numbers, one per model, dataset and set of players."""
        return self._result.attributions

    def table(self) -> Table:
        """What each player contributes, with intervals, as a share of the score, by register."""
        return shapley_table(self._result)

    def interactions(self) -> Table:
        """Which players stand in for each other, and which need each other."""
        return interaction_table(self._result)

    def coalitions(self) -> Table:
        """The score of every coalition that was run."""
        return coalition_table(self._result)

    def plot(self, ax: Axes | None = None) -> Axes:
        """A stacked bar per model and dataset that adds up to its score."""
        return where_from(self._result, ax=ax)

    def __str__(self) -> str:
        return f"{self.table()}\n\n{self.interactions()}"

    def __repr__(self) -> str:
        told = (
            f"{one.model} × {one.dataset}: {'+'.join(one.players)}" for one in self.attributions
        )
        return f"Shapley({'; '.join(told)})"

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()
