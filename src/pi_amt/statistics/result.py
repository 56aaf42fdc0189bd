"""From stored rows to importances with uncertainty; nothing here runs a model.

Conventions:

* The score is mir_eval's ``F-measure_no_offset`` unless another key of ``Row.scores`` is asked
  for; a drop is baseline minus perturbed, so that a harmful perturbation is positive.
* The recording is the unit. Repeats are averaged inside it first; means are over recordings
  (macro). Pooled counts (micro) stand beside them.
* Everything is paired: baseline and perturbed are means over the recordings that have both.
* Intervals are studentised-bootstrap 95 % intervals over recordings, clustered by composition;
  p-values are sign-flip permutation tests; Holm corrects over all rows with the role
  ``condition`` of one report (controls have a p-value, but no corrected one).
* *Excess* drop is the drop minus that of the condition's ``matched_tracks`` control. A claim that
  a model relies on something rests on the excess; a drop alone says that its F is sensitive.
* *Leak* is the score of a condition on noise, or on another recording beyond what that one scores
  by chance. Above a tenth of the condition's score the condition *leaks*, and no claim that what it
  keeps suffices rests on it.
* A panel whose baseline is at the floor (:mod:`pi_amt.statistics.floor`) keeps its drops and gets
  no p-values: its conditions are not among those that Holm corrects over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np

from pi_amt.core.checks import unknown
from pi_amt.core.text import plural
from pi_amt.core.units import Floats
from pi_amt.scoring.notes import F_MEASURE
from pi_amt.statistics.bootstrap import N_RESAMPLES
from pi_amt.statistics.cautions import cautions
from pi_amt.statistics.estimates import (
    ConditionResult,
    baseline_result,
    holm_corrected,
    panel_results,
)
from pi_amt.statistics.inference import EQUIVALENCE_MARGIN, Inference
from pi_amt.statistics.panels import Panel, panels_of
from pi_amt.statistics.shapley import Attribution, attributions, cautions_of
from pi_amt.store.rows import BASELINE, ConditionKey, Row, is_baseline
from pi_amt.store.variants import select_rows


@dataclass(frozen=True)
class Result:
    """Importances of one or several models and datasets, with the rows they come from.

    Attributes:
        panels: raw matrices, one per model and dataset.
        results: one :class:`~pi_amt.statistics.estimates.ConditionResult` per panel and condition.
        inference: score, resamples, seed and level of everything in ``results``.
        warnings: plain sentences, also printed under the tables.
        messages: which rows were taken where the store holds several versions.
    """

    panels: tuple[Panel, ...] = field(repr=False)
    results: tuple[ConditionResult, ...]
    inference: Inference
    warnings: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()

    def __repr__(self) -> str:
        places = ", ".join(f"{panel.model} × {panel.dataset}" for panel in self.panels)
        conditions = len({(result.condition, result.role) for result in self.results})
        pieces = max((len(panel.pieces) for panel in self.panels), default=0)
        return (
            f"{type(self).__name__}({places}: {plural(conditions, 'condition')} with controls × "
            f"{plural(pieces, 'recording')}, score {self.score})"
        )

    def __iter__(self) -> Iterator[str]:
        """Names that ``result[name]`` takes, as those of a dict."""
        return iter(dict.fromkeys(result.condition for result in self.results))

    def __getitem__(self, name: str) -> ConditionResult:
        """The result of one condition, control or of the baseline (one model and dataset).

        Args:
            name: of the condition as tables write it, or its label if only one has it.

        Raises:
            KeyError: if there is none of this name, with the nearest ones, or if several
                conditions have this label.
            ValueError: if there are several models or datasets: ``.select(…)["fund_mask"]``.
        """
        panel = self.panel
        if name == next(iter(panel.baseline.values())).label:
            return baseline_result(panel, self.inference)
        named = {result.condition: result for result in self.results}
        if name in named:
            return named[name]
        alike = [result for result in self.results if result.label == name]
        if len(alike) == 1:
            return alike[0]
        if alike:
            conditions = ", ".join(result.condition for result in alike)
            raise KeyError(
                f"got {name!r}, which several conditions are, expected one: {conditions}"
            )
        raise KeyError(unknown("condition", str(name), named))

    @property
    def score(self) -> str:
        """Key of the score that drops are of."""
        return self.inference.score

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows that were used."""
        return tuple(row for panel in self.panels for row in panel.rows)

    @property
    def models(self) -> tuple[str, ...]:
        """Models in the order in which they were stored."""
        return tuple(dict.fromkeys(panel.model for panel in self.panels))

    @property
    def datasets(self) -> tuple[str, ...]:
        """Datasets in the order in which they were stored."""
        return tuple(dict.fromkeys(panel.dataset for panel in self.panels))

    @property
    def panel(self) -> Panel:
        """The panel, if there is only one.

        Raises:
            ValueError: if there are several.
        """
        if len(self.panels) != 1:
            names = ", ".join(f"{panel.model} × {panel.dataset}" for panel in self.panels)
            raise ValueError(f"got {names}; choose one: .select(model=…, dataset=…)")
        return self.panels[0]

    @property
    def conditions(self) -> tuple[ConditionKey, ...]:
        """Labels of the first axis of :attr:`importances` (one model and dataset)."""
        return self.panel.conditions

    @property
    def pieces(self) -> tuple[str, ...]:
        """Labels of the second axis of :attr:`importances` (one model and dataset)."""
        return self.panel.pieces

    @property
    def importances(self) -> Floats:
        """Drops ``(conditions, pieces, repeats)``, NaN where missing (one model and dataset)."""
        return self.panel.drops(self.score)

    @property
    def importances_mean(self) -> Floats:
        """Mean drop ``(conditions,)`` over recordings, repeats averaged inside each."""
        return np.array([result.drop for result in self.results_of(self.panel)])

    @property
    def importances_std(self) -> Floats:
        """Standard deviation ``(conditions,)`` between recordings (n − 1) of their mean drops."""
        return np.array([result.drop_std for result in self.results_of(self.panel)])

    @cached_property
    def attributions(self) -> tuple[Attribution, ...]:
        """Shapley values: one per panel and set of players of which any coalition was run."""
        return attributions(self.panels, self.inference)

    def results_of(self, panel: Panel) -> tuple[ConditionResult, ...]:
        """Results of one panel, in the order of its conditions."""
        place = (panel.model, panel.dataset)
        return tuple(result for result in self.results if (result.model, result.dataset) == place)

    def select(self, model: str | None = None, dataset: str | None = None) -> Self:
        """The part with this model and dataset; corrected p-values stay those of the whole.

        Raises:
            ValueError: if nothing is left.
        """
        panels = tuple(
            panel
            for panel in self.panels
            if model in (None, panel.model) and dataset in (None, panel.dataset)
        )
        if not panels:
            raise ValueError(
                f"got model={model!r}, dataset={dataset!r}, expected models {self.models} "
                f"and datasets {self.datasets}"
            )
        kept = tuple(result for panel in panels for result in self.results_of(panel))
        return replace(self, panels=panels, results=kept)

    @classmethod
    def from_rows(
        cls,
        rows: Sequence[Row],
        *,
        score: str = F_MEASURE,
        baseline: str = BASELINE,
        n_resamples: int = N_RESAMPLES,
        seed: int = 0,
        equivalence_margin: float = EQUIVALENCE_MARGIN,
        variants: str = "newest",
        messages: Sequence[str] = (),
    ) -> Self:
        """Importances with uncertainty from stored rows.

        Args:
            rows: as read from a store, oldest first.
            score: key of ``Row.scores`` that drops are of.
            baseline: label of the unperturbed condition.
            n_resamples, seed: of bootstrap and permutation tests.
            equivalence_margin: an excess that lies within ± this with confidence is none: "does not
                rely".
            variants: what to do where the rows of one model and dataset differ in weights,
                precision, settings or version: ``newest``, ``separate`` or ``refuse``, see
                :func:`pi_amt.store.variants.select_rows`.
            messages: what was said when the rows were read, for the table.

        Raises:
            ValueError: for no rows, an unknown baseline or score, or variants that are refused.
        """
        if not rows:
            raise ValueError("got no rows, expected the rows of a results store, run a study first")
        chosen, choices = select_rows(rows, variants=variants, baseline=baseline)
        panels = panels_of(chosen, baseline)
        if not panels:
            labels = ", ".join(sorted({row.label for row in rows}))
            raise ValueError(
                f"got no rows of the baseline {baseline!r}, expected one per recording; "
                f"compute it first, there are: {labels}"
            )
        _check_score(chosen, score)
        inference = Inference(
            score, n_resamples=n_resamples, seed=seed, equivalence_margin=equivalence_margin
        )
        warnings = _missing_baselines(chosen, baseline)
        results: list[ConditionResult] = []
        for panel in panels:
            found = panel_results(panel, inference)
            results += found
            place = f"{panel.model} × {panel.dataset}"
            warnings += [f"{place}: {said}" for said in cautions(panel, found, inference)]
        warnings += cautions_of(attributions(panels, inference))
        messages = (*messages, *choices)
        return cls(panels, holm_corrected(results), inference, tuple(warnings), messages)


def _check_score(rows: Sequence[Row], score: str) -> None:
    known = sorted({key for row in rows for key in row.scores})
    if known and score not in known:
        raise ValueError(f"got score {score!r}, expected one of {', '.join(known)}")


def _missing_baselines(rows: Sequence[Row], baseline: str) -> list[str]:
    places = dict.fromkeys((row.model, row.dataset) for row in rows)
    have = {(row.model, row.dataset) for row in rows if is_baseline(row, baseline)}
    return [
        f"{model} × {dataset} is left out, because it has no baseline ({baseline})."
        for model, dataset in places
        if (model, dataset) not in have
    ]
