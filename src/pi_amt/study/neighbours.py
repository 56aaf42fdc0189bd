"""From which recording a condition borrows, and what: its notes, or a pool of sound to take values
from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from pi_amt.core.spectrogram import Spectrogram, concatenate
from pi_amt.datasets.track import Track
from pi_amt.models.transcriber import Transcriber
from pi_amt.permutations.permutation import Neighbour
from pi_amt.study.streaming import Recording

POOL_BLOCKS = 6


def neighbours_of(tracks: Iterable[Track]) -> dict[str, Track | None]:
    """Name of each recording → the one that its conditions may borrow from: the next by name, or
    after the last the first, of another composition.

    One of the same composition may have the same notes at the same times, as the two pianos of MAPS
    do. Where all are of one composition it is the next one, and ``None`` where there is one alone.
    """
    ordered = sorted(tracks, key=lambda track: track.name)
    found: dict[str, Track | None] = {}
    for i, track in enumerate(ordered):
        others = ordered[i + 1 :] + ordered[:i]
        apart = (other for other in others if other.composition != track.composition)
        found[track.name] = next(apart, others[0] if others else None)
    return found


@dataclass
class Lender:
    """Lends a recording's conditions what they borrow; a pool that several share is made once.

    Attributes:
        model: whose front end makes the pools.
        recording: what the conditions perturb.
        other: the recording that they may borrow from.
    """

    model: Transcriber
    recording: Recording
    other: Track | None
    _lent: dict[str, Neighbour] = field(default_factory=dict)

    def lend(self, needs: str) -> Neighbour | None:
        """The neighbour for a permutation with this ``needs_neighbour``.

        Raises:
            DataError: if the other recording cannot be read.
            ValueError: if there is no other recording.
        """
        if needs and needs not in self._lent:
            self._lent[needs] = self._neighbour(needs)
        return self._lent.get(needs)

    def _neighbour(self, needs: str) -> Neighbour:
        own, other = self.recording, self.other
        if needs == "own_spectrogram":
            return Neighbour(
                own.track, own.reference, donor_pool(own.stream(self.model), own.seconds)
            )
        if other is None:
            raise ValueError(
                "got no recording of another composition to borrow from: add one to the data"
            )
        notes = other.notes()
        if needs == "notes":
            length = other.duration_seconds or float(notes.offsets.max(initial=0.0))
            return Neighbour(other.name, notes.looped(length, own.seconds))
        samples, sample_rate = other.audio()
        pool = donor_pool(self.model.stream(samples, sample_rate), len(samples) / sample_rate)
        return Neighbour(other.name, notes, pool)


def donor_pool(stream: Iterable[Spectrogram], seconds: float) -> Spectrogram:
    """Whole blocks spread evenly over a recording, through the model's own front end.

    Taken from the stream of the whole recording, so that levels are those of the recording
    (Timbre-Trap divides by its peak) and no block holds a seam or the padding at its ends.

    Args:
        stream: all blocks of the recording in order.
        seconds: length of the recording.

    Returns:
        2 to ``POOL_BLOCKS`` blocks; of a recording too short for two whole blocks, the block that
        holds most of it, cut to the frames inside the recording, twice.
    """
    chosen: list[Spectrogram] = []
    fullest, most = None, 0
    for part in stream:
        for block in range(len(part.times)):
            single = part.block_slice(block, block + 1)
            begin, end = single.times[0, 0], single.times[0, -1]
            inside = int(np.sum((single.times >= 0.0) & (single.times <= seconds)))
            if inside > most or fullest is None:
                fullest, most = single, inside
            targets = np.linspace(0.0, max(seconds - (end - begin), 0.0), POOL_BLOCKS)
            is_next = len(chosen) < POOL_BLOCKS and begin >= targets[len(chosen)] - (end - begin)
            if is_next and begin >= 0.0 and end <= seconds:
                chosen.append(single)
    if len(chosen) < 2 and fullest is not None:
        chosen = 2 * [_inside(fullest, seconds)]
    return concatenate(chosen)


def _inside(block: Spectrogram, seconds: float) -> Spectrogram:
    """One block without the frames that stand before or after the recording."""
    frames = np.flatnonzero((block.times[0] >= 0.0) & (block.times[0] <= seconds))
    part = slice(frames[0], frames[-1] + 1) if len(frames) else slice(None)
    return replace(block, values=block.values[..., part], times=block.times[:, part])
