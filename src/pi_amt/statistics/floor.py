"""Whether the unperturbed input is transcribed well enough for a drop to be seen.

Where a model finds next to nothing in the clean recordings, or no more than in the input of the
control ``floor``, it has nothing to lose: a drop of 0 then says nothing about the model. A panel of
which this is true gets no p-values, and every report says why.

The same holds of a matched control: where it leaves next to nothing, no condition can fall below
it, and the excess over it says nothing.

The threshold is for scores that lie in [0, 1]. A score of a plug-in has a scale of its own, so
nothing is said about it.
"""

from __future__ import annotations

import numpy as np

from pi_amt.core.units import Floats
from pi_amt.statistics.inference import ROUNDING, Inference, interval_over, mean
from pi_amt.statistics.panels import Panel

#: A mean score without perturbation that is lower leaves no room for a drop. Neither does one that
#: exceeds the score under the control ``floor`` by less than this, if it does not do so
#: significantly.
LEAST_SCORE = 0.10


def why_at_floor(panel: Panel, inference: Inference) -> str:
    """Why nothing can be learnt from the drops of a panel, as a clause; empty if something can.

    An excess over the control ``floor`` must be small, too, and not only uncertain: two or three
    recordings give a wide interval around any excess.
    """
    if not inference.bounded:
        return ""
    score = mean(panel.baseline_values(inference.score))
    clause = f"the mean score without perturbation is {score:.3f}"
    if score < LEAST_SCORE:
        return f"{clause}, under {LEAST_SCORE:.2f}"
    floor = panel.lone_control("floor")
    if floor is None:
        return ""
    left = panel.piece_means(inference.score)[floor]
    excess = panel.baseline_values(inference.score) - left
    if not mean(excess) < LEAST_SCORE:
        return ""
    if interval_over(excess, panel.compositions, inference).low > 0:
        return ""
    left_over = mean(np.where(np.isnan(excess), np.nan, left))
    return f"{clause}, not significantly above the {left_over:.3f} under the control floor"


def recordings_at_floor(panel: Panel, inference: Inference) -> list[str]:
    """The recordings that are transcribed too badly, one by one, for a drop to be seen."""
    if not inference.bounded:
        return []
    scores = panel.baseline_values(inference.score)
    return [panel.pieces[i] for i in np.flatnonzero(scores < LEAST_SCORE)]


def is_at_floor(scores: Floats, inference: Inference) -> bool:
    """Whether ``(pieces,)`` scores under a matched control leave no room for an excess over it."""
    return inference.bounded and mean(scores) < LEAST_SCORE - ROUNDING
