"""Rows of conditions that touched nothing: they are empty, not drops of 0.

Where the axis of a model's input ends below a cutoff, or no bin lies in the reach of a mask, the
model hears the clean input and its score stays as it is. That says nothing about the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pi_amt.permutations.ablate_channel import AblateChannel
from pi_amt.permutations.controls import Identity, Leak, NoPermutation
from pi_amt.store.rows import AUDIO_WITH_ONLY, AUDIO_WITHOUT, Row, condition_of, heard_of

#: why such a row is empty
UNTOUCHED = "it touches no bin of this model's input, so the unchanged score says nothing"
# What is meant to change nothing, acts inside the network, or has another sound.
_NOT_ON_THE_INPUT = (
    *(NoPermutation.name, Identity.name, Leak.name, AblateChannel.name),
    *(AUDIO_WITHOUT, AUDIO_WITH_ONLY),
)
_ROLES = ("condition", "control")


def untouched_are_empty(rows: Sequence[Row]) -> list[Row]:
    """The same rows; those of a condition none of whose draws touched a recording are empty.

    A draw that failed or was empty itself says nothing of the others.
    """
    touched = {_draws(row) for row in rows if row.status == "ok" and not _is_untouched(row)}
    return [
        replace(row, status="empty", error=UNTOUCHED)
        if _is_untouched(row) and _draws(row) not in touched
        else row
        for row in rows
    ]


def _draws(row: Row) -> tuple[object, ...]:
    """What all draws of a condition on one recording share."""
    return heard_of(row), condition_of(row)


def _is_untouched(row: Row) -> bool:
    """Whether neither the input nor any note changed."""
    return (
        row.status == "ok"
        and row.role in _ROLES
        and row.permutation not in _NOT_ON_THE_INPUT
        and row.effects.get("touched_share") == 0
        and not (row.counts.get("lost") or row.counts.get("gained"))
    )
