"""Groups: one model on the recordings of one dataset, and which conditions can be asked of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pi_amt.core.checks import check_choice, check_tuning
from pi_amt.datasets.track import Track
from pi_amt.models.loading import ModelSpec, built
from pi_amt.models.transcriber import Transcriber
from pi_amt.study.conditions import Condition
from pi_amt.study.jobs import borrows

ALIGNMENTS = ("off", "median")


@dataclass(frozen=True)
class Group:
    """One model on the recordings of one dataset, with all conditions that are computed together.

    Attributes:
        model: the model, or the recipe that workers make it from.
        dataset: config name.
        tracks: recordings, in any order.
        conditions: what is done to each.
        tuning: ``estimate``, ``off`` or cents.
        align: ``off``, or ``median``: in each recording all transcriptions are shifted by the
            median onset offset of the baseline before they are scored.
    """

    model: ModelSpec | Transcriber
    dataset: str
    tracks: Sequence[Track]
    conditions: Sequence[Condition]
    tuning: str | float = "estimate"
    align: str = "off"

    def __post_init__(self) -> None:
        check_tuning(self.tuning)
        check_choice("align", self.align, ALIGNMENTS)
        counts = Counter(track.name for track in self.tracks)
        if odd := [name for name in counts if name.encode(errors="replace").decode() != name]:
            raise ValueError(f"tracks: got the name {odd[0]!r}, expected text that UTF-8 can hold")
        if doubles := [name for name, count in counts.items() if count > 1]:
            raise ValueError(
                f"tracks: got {counts[doubles[0]]} of the name {doubles[0]!r}, expected names that "
                "differ: rows are found by them"
            )

    @property
    def data(self) -> tuple[Any, ...]:
        """What groups must share to be joined: everything but their conditions."""
        return (self.model, self.dataset, tuple(self.tracks), self.tuning, self.align)


def askable(group: Group) -> tuple[list[Condition], list[str]]:
    """The conditions that model and recordings allow, and why the others are left out."""
    model, n_tracks = built(group.model), len(group.tracks)
    reasons = {c: _why_not(c, model, n_tracks) for c in group.conditions}
    skipped = [f"{c.label}: {reason}" for c, reason in reasons.items() if reason]
    return [c for c, reason in reasons.items() if not reason], skipped


def _why_not(condition: Condition, model: Transcriber, n_tracks: int) -> str:
    """Why a condition cannot be asked for, empty if it can."""
    permutation = condition.permutation
    if borrows(condition) and n_tracks < 2:
        return "needs another recording, there is one"
    if permutation.needs_probe and permutation.needs_probe not in model.probes:
        return f"{model.identity.name} has no {permutation.needs_probe}"
    if permutation.moves_values and model.input_is_sound:
        return "moves values, of which a sound keeps little: use domain=input, or a mask"
    return ""
