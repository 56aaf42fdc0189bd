"""How many recordings each condition needs, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from math import isnan

from pi_amt.core.text import plural
from pi_amt.report.tables.table import Table
from pi_amt.statistics.planning import FEWEST_FOR_SPREAD, Plan, Wanted, caution, plans
from pi_amt.statistics.result import Result

_NUMBERS = ("for_drop", "for_excess", "to_tell_apart", "to_call_none")
_FORMATS = {
    **dict.fromkeys(("drop", "drop_sd", "excess", "excess_sd"), ".3f"),
    **dict.fromkeys(_NUMBERS, ".0f"),
}
_LEAD = (
    "condition", "drop", "for_drop", "excess", "for_excess", "to_tell_apart", "to_call_none",
    "drop_sd", "excess_sd", "model", "dataset",
)  # fmt: skip


def planning_table(result: Result, wanted: Wanted | None = None) -> Table:
    """One line per model, dataset and condition.

    Raises:
        ValueError: see :func:`pi_amt.statistics.planning.plans`.
    """
    wanted = wanted or Wanted()
    found = plans(result, wanted)
    columns = tuple(field.name for field in fields(Plan))
    return Table(
        title="Recordings that a study needs, by the spread in these results",
        columns=columns,
        records=tuple(map(asdict, found)),
        footers=tuple(_footers(result, found, wanted)),
        formats=_FORMATS,
        main=columns,
        lead=_LEAD,
        groups=("model", "dataset"),
    )


def _footers(result: Result, found: Sequence[Plan], wanted: Wanted) -> Iterator[str]:
    yield (
        f"for_drop, for_excess: so that the 95 % interval reaches "
        f"±{wanted.half_width:g} around the drop, and around the excess over the matched control."
    )
    if all(isnan(plan.excess) for plan in found):
        yield (
            "No matched controls here, so that only the drop can be planned: controls=true "
            "computes them."
        )
    else:
        yield (
            f"to_tell_apart: so that a test tells the drop from that of its control with a chance "
            f"of {wanted.power:.0%}, if they differ as much as here (p corrected for all "
            "conditions with such a control)."
        )
        yield (
            "to_call_none: so that the interval of the excess lies within "
            f"±{wanted.equivalence_margin:g} with the same chance, if the excess is "
            "as small as here (∞: it is not that small)."
        )
    fewest = min(plan.n_compositions for plan in found)
    yield (
        f"The spread between {plural(fewest, 'composition')} is uncertain: at its upper 80 % "
        f"bound {caution(fewest):.1f} times as many recordings are needed."
    )
    if any(plan.n_recordings != plan.n_compositions for plan in found):
        yield "Numbers are of recordings, at the number per composition that there is here."
    planned = {(plan.model, plan.dataset) for plan in found}
    for panel in result.panels:
        if (panel.model, panel.dataset) not in planned:
            yield (
                f"{panel.model} × {panel.dataset} is left out, because it has fewer than "
                f"{FEWEST_FOR_SPREAD} compositions with a drop."
            )
