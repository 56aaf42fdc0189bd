"""A condition of a study for captum: the functions that ``captum.attr.FeaturePermutation`` takes.

captum perturbs one part of a batch of inputs after the other by ``perm_func(x, mask)`` and says by
how much ``forward_func(x)`` falls. Its own ``perm_func`` exchanges values between the examples of
the batch, here between recordings. :class:`CaptumBridge` gives it a condition of ours instead, with
the score of the transcription as ``forward_func``. If the whole input is one part, the attribution
of a recording is the drop that :func:`pi_amt.importance` finds.

Nothing here imports captum, so that these functions serve any tool that takes functions of tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from pi_amt.core.checks import check_choice
from pi_amt.core.notes import Notes
from pi_amt.core.spectrogram import Spectrogram, concatenate
from pi_amt.datasets.track import Dataset, Track, name_of
from pi_amt.models.adapter import Ladder, as_transcriber
from pi_amt.models.loading import ModelSpec, built
from pi_amt.models.transcriber import Transcriber
from pi_amt.permutations.permutation import Permutation, Scene
from pi_amt.scoring.notes import (
    F_MEASURE,
    NOTE_SCORES,
    TOLERANCE_SCORES,
    score_notes,
    score_tolerances,
)
from pi_amt.study.conditions import Condition, as_condition
from pi_amt.study.evaluate import read_recording, settle
from pi_amt.study.groups import Group, askable
from pi_amt.study.jobs import Job
from pi_amt.study.neighbours import neighbours_of


class CaptumBridge:
    """One condition on a batch of recordings, as captum asks for it::

        bridge = pi_amt.CaptumBridge("basic_pitch", tracks, "ratio_fund_mask")
        permuted = captum.attr.FeaturePermutation(bridge.forward_func, bridge.perm_func)
        drops = permuted.attribute(bridge.inputs, feature_mask=bridge.feature_mask())

    Every example of the batch is a whole recording. The draws are those of the study, so that they
    are the same each time; another ``seed``, or a condition with another ``repeat``, draws anew.
    All recordings are held in memory: use excerpts.

    Args:
        model: a model or its name.
        tracks: at least two recordings with notes, since captum leaves out a batch of one.
        permutation: name, object or condition.
        score: what falls, one of the note scores: ``F-measure_no_offset`` if not given.
        seed: of the draws.
        tuning: ``estimate``, ``off`` or cents.
        dataset: name from which the draws start; default: the dataset's own name, as in a study.

    Attributes:
        inputs: ``(recordings, blocks, [channels,] bins, frames)`` the model's input of all
            recordings, on the model's device. Zeros fill up what is shorter; nobody reads them.
        frequencies: ``(bins,)`` Hz.

    Raises:
        ValueError: for fewer than two recordings, one without notes, an unknown score, or a
            condition that is more than a change of the model's input.
        NotApplicable: if a recording has nothing for the permutation to work on.
    """

    def __init__(
        self,
        model: str | Ladder,
        tracks: Sequence[Track] | Dataset,
        permutation: str | Permutation | Condition,
        *,
        score: str = F_MEASURE,
        seed: int = 0,
        tuning: str | float = "estimate",
        dataset: str | None = None,
    ) -> None:
        check_choice("score", score, (*NOTE_SCORES, *TOLERANCE_SCORES))
        self._model = built(ModelSpec(model)) if isinstance(model, str) else as_transcriber(model)
        self._score = score
        self._condition = as_condition(permutation, seed)
        name = dataset or name_of(tracks)
        group = Group(self._model, name, list(tracks), [self._condition], tuning)
        _check_askable(group)
        self._examples = [_example(self._model, self._condition, job) for job in _jobs(group)]
        values = [example.clean.tensor for example in self._examples]
        longest = np.max([tuple(one.shape) for one in values], axis=0)
        self.inputs = values[0].new_zeros((len(values), *longest.tolist()))
        for row, example in zip(self.inputs, self._examples, strict=True):
            row[example.place] = example.clean.tensor
            # a view from now on, so that no recording is held twice
            example.clean = replace(example.clean, values=row[example.place])
        self.frequencies = self._examples[0].clean.frequencies
        #: the last batch and what was made of it: captum gives the same one for each part
        self._last: tuple[torch.Tensor, torch.Tensor] | None = None

    def __repr__(self) -> str:
        return (
            f"CaptumBridge({self._condition.label} of {self._model.identity.name} on "
            f"{len(self.inputs)} recordings)"
        )

    def perm_func(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The batch under the condition wherever the mask is true, and as it is elsewhere.

        Args:
            x: all recordings in their order, of the shape of ``inputs``.
            mask: bool, broadcasts against ``x``.

        Raises:
            ValueError: for another shape.
        """
        self._check(x, len(self.inputs))
        if self._last is None or not torch.equal(self._last[0], x):
            perturbed = x.clone()
            for row, example in zip(perturbed, self._examples, strict=True):
                # a permutation of a user may work in place
                row[example.place] = example.perturbed(row[example.place].clone())
            self._last = x.clone(), perturbed
        return torch.where(mask.bool(), self._last[1], x)

    def forward_func(self, x: torch.Tensor) -> torch.Tensor:
        """The score of each recording's transcription, ``(recordings,)`` float64.

        Where the condition asks for it, the model normalises ``x`` anew, and otherwise as it does
        the clean input.

        Args:
            x: all recordings in their order; several such batches may follow each other, as with
                captum's ``perturbations_per_eval``.

        Raises:
            ValueError: for another shape.
        """
        self._check(x, len(x) // len(self.inputs) * len(self.inputs))
        anew = self._condition.normalization == "model"
        scores = []
        for i, row in enumerate(x):
            example = self._examples[i % len(self._examples)]
            heard = example.heard(self._model, row[example.place], anew=anew)
            estimate = self._model.decode(self._model.activations(heard))
            found = score_notes(example.notes, estimate) | score_tolerances(example.notes, estimate)
            scores.append(found[self._score])
        return torch.tensor(scores, dtype=torch.float64, device=x.device)

    def feature_mask(self, *edges_hz: float) -> torch.Tensor:
        """``(1, 1, [1,] bins, 1)`` captum's numbers of the parts that are perturbed one by one:
        registers, from the lowest on, whose limits are these frequencies. Without any, the whole
        input is one part."""
        numbers = np.searchsorted(np.sort(edges_hz), self.frequencies, side="right")
        shape = [1] * self.inputs.ndim
        shape[-2] = len(numbers)
        return torch.from_numpy(numbers).reshape(shape).to(self.inputs.device)

    def _check(self, x: torch.Tensor, n: int) -> None:
        """Raise ``ValueError`` if a batch is not that of the recordings."""
        expected = (n or len(self.inputs), *self.inputs.shape[1:])
        if tuple(x.shape) != expected:
            raise ValueError(
                f"x: got shape {tuple(x.shape)}, expected {expected}: all recordings of the bridge "
                "in their order, as in its inputs"
            )


@dataclass
class _Example:
    """A recording of the batch, with all that the condition and the model ask for beside values.

    Attributes:
        clean: the model's input.
        place: of its values in its row of the batch.
        scene: what the permutation looks at.
        permutation: settled on this recording.
        level: what the model divides the clean recording by, 0 if by nothing.
    """

    clean: Spectrogram
    place: tuple[slice, ...]
    scene: Scene
    permutation: Permutation
    level: float

    @property
    def notes(self) -> Notes:
        """The reference."""
        return self.scene.reference

    def perturbed(self, values: torch.Tensor) -> torch.Tensor:
        """Values of this recording under the condition."""
        own = replace(self.clean, values=values)
        return self.permutation.perturb(replace(self.scene, spectrogram=own))[0].tensor

    def heard(self, model: Transcriber, values: torch.Tensor, *, anew: bool) -> Spectrogram:
        """What the network gets, normalised as the clean input is or ``anew``."""
        if not anew:
            return replace(self.clean, values=values)
        own = replace(self.clean, values=values, normalization=None)
        level = _level(model, own)
        return replace(own, values=values * (self.level / level)) if level > 0 else own


def _example(model: Transcriber, condition: Condition, job: Job) -> _Example:
    """Read a recording, and settle the condition on it as a study does."""
    recording = read_recording(job, model)
    if not len(recording.reference):
        raise ValueError(f"{recording.track}: got no notes, expected some: F is undefined there")
    parts = list(recording.stream(model))
    values = torch.cat([part.tensor for part in parts])
    clean = replace(concatenate(parts), values=values)
    settled, lent, overview, refused = settle(model, recording, [condition], job.neighbour)
    for error in refused.values():
        raise error
    key = condition.key_for(recording.dataset, recording.track)
    return _Example(
        clean,
        tuple(slice(n) for n in values.shape),
        Scene(clean.without_blocks(), recording.reference, key, lent[condition], overview),
        settled[condition],
        _level(model, clean),
    )


def _level(model: Transcriber, spectrogram: Spectrogram) -> float:
    """What the model divides a recording by, 0 if by nothing."""
    meter = model.level_meter()
    if meter is None:
        return 0.0
    for first in range(0, len(spectrogram.times), model.stream_blocks):
        meter.push(spectrogram.block_slice(first, first + model.stream_blocks))
    return meter.finish()


def _jobs(group: Group) -> list[Job]:
    """One per recording in the order given."""
    neighbours, asked = neighbours_of(group.tracks), tuple(group.conditions)
    return [
        Job(group.model, group.dataset, track, asked, neighbours[track.name], group.tuning)
        for track in group.tracks
    ]


def _check_askable(group: Group) -> None:
    """Refuse what captum would silently leave out, and conditions that are no function of the
    model's input.

    Raises:
        ValueError: with the reason.
    """
    if len(group.tracks) < 2:
        raise ValueError(
            f"tracks: got {len(group.tracks)}, expected at least two recordings: captum leaves out "
            "a batch of one, and its attribution of 0 would read as robustness"
        )
    (condition,) = group.conditions
    permutation, (_, reasons) = condition.permutation, askable(group)
    reason = reasons[0].removeprefix(f"{condition.label}: ") if reasons else ""
    if permutation.carrier:
        reason = "perturbs another sound in the recording's place"
    elif permutation.needs_probe:
        reason = "acts inside the model"
    if reason:
        raise ValueError(
            f"permutation: got {condition.label}, which {reason}, expected one that changes the "
            "model's input, such as ratio_fund_mask"
        )
