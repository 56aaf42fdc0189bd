"""``dry_run=true``: what a study would compute, how long it would take and what it would store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pi_amt.core.audio import audio_seconds
from pi_amt.core.text import plural, rough_duration
from pi_amt.datasets.track import FileTrack, Track
from pi_amt.models.loading import built
from pi_amt.study.cost import core_seconds
from pi_amt.study.executors.processes import available_cores
from pi_amt.study.groups import Group, askable

_ROW_BYTES = 3_000
_BYTES_PER_SECOND_OF_AUDIO = 68  # note tables of piano, compressed


def print_plan(groups: Sequence[Group], results_dir: str) -> None:
    """Print a few lines per group and the totals.

    Args:
        groups: those that a study would compute.
        results_dir: where rows would go.
    """
    work = size = 0.0
    for group in groups:
        lengths = [_seconds(track) for track in group.tracks]
        known = [s for s in lengths if s is not None]
        seconds = sum(known) * len(lengths) / max(len(known), 1)
        name = built(group.model).identity.name
        conditions, skipped = askable(group)
        work += core_seconds(name, seconds, len(conditions))
        rows = len(lengths) * len(conditions)
        size += rows * _ROW_BYTES + seconds * len(conditions) * _BYTES_PER_SECOND_OF_AUDIO
        unread = (
            f", {len(lengths) - len(known)} of unknown length" if len(known) < len(lengths) else ""
        )
        print(
            f"{name} × {group.dataset}: {plural(len(lengths), 'recording')} "
            f"({seconds / 3600:.2f} h{unread}) × {plural(len(conditions), 'condition')} "
            f"= {plural(rows, 'row')}"
        )
        print("".join(f"    skipped {reason}\n" for reason in skipped), end="")
        print(f"    {', '.join(dict.fromkeys(c.label for c in conditions))}")
    cores = available_cores()
    print(
        f"about {rough_duration(work / cores)} on this machine's {plural(cores, 'core')} "
        f"({rough_duration(work)} of one core), {size / 1e6:.1f} MB in "
        f"{Path(results_dir).absolute()}; rows that are there already are not computed again"
    )


def _seconds(track: Track) -> float | None:
    """Length of a recording in seconds, from its index or header; None if neither has it."""
    seconds = track.duration_seconds
    if not isinstance(track, FileTrack):
        return seconds
    if seconds is None:
        try:
            seconds = audio_seconds(track.audio_path)
        except (OSError, ValueError):
            return None
    return seconds if track.max_seconds is None else min(seconds, track.max_seconds)
