"""Jobs and their rows: what travels to a worker, and what comes back.

A job carries paths and small options. A row's key is a hash of everything that decides it, so two
rows with one key are the same result.
"""

from __future__ import annotations

import traceback
import uuid
from dataclasses import dataclass, replace
from typing import Any

from pi_amt.core.errors import DataError, data_error
from pi_amt.core.hashing import canonical_json, digest
from pi_amt.core.version import __version__
from pi_amt.datasets.track import FileTrack, Track
from pi_amt.models.loading import ModelSpec, built
from pi_amt.models.transcriber import ModelIdentity, Transcriber
from pi_amt.permutations.permutation import NotApplicable, Permutation
from pi_amt.scoring.plugins import scorers
from pi_amt.store.rows import METHOD_VERSION, Row
from pi_amt.study.conditions import Condition
from pi_amt.study.progress import Pulse

#: of this process, by which a job tells that it has travelled to another one
_PROCESS = uuid.uuid4().hex


@dataclass(frozen=True)
class Job:
    """One recording with the conditions that are still missing for it.

    Attributes:
        model: how a worker makes the model (or the model itself).
        dataset: config name.
        track: the recording; it holds paths, not data.
        conditions: what to compute.
        neighbour: the next track of another composition by name, for controls and donors that need
            one.
        tuning: ``estimate``, ``off`` or cents.
        align: ``off``, or ``median``: all notes are shifted by the baseline's onset offset.
        baseline: note table of the baseline where it is not among the conditions;
            ``baseline_aligned_ms``: by how much it was shifted.
        neighbour_fingerprint: where the driver knows it; else the worker finds out.
        pulse: where to tell how far the recording is.
        process: the one in which the job was made.
    """

    model: ModelSpec | Transcriber
    dataset: str
    track: Track
    conditions: tuple[Condition, ...]
    neighbour: Track | None = None
    tuning: str | float = "estimate"
    align: str = "off"
    baseline: bytes = b""
    baseline_aligned_ms: float | None = None
    neighbour_fingerprint: str | None = None
    pulse: Pulse | None = None
    process: str = _PROCESS

    def model_has_changed(self) -> bool:
        """Whether the model that arrived in this process differs from the one that was sent, see
        :meth:`pi_amt.Transcriber.identity_here`."""
        if isinstance(self.model, ModelSpec) or self.process == _PROCESS:
            return False
        here = self.model.identity_here()
        return not here.unreadable and here.weights_sha256 != self.model.identity.weights_sha256

    def with_neighbour(self) -> Job:
        """The job with the neighbour's fingerprint, if a condition borrows from it and it can be
        read; if it cannot, the conditions that borrow fail with their own reason."""
        known = self.neighbour_fingerprint is not None or not any(map(borrows, self.conditions))
        if known or self.neighbour is None:
            return self
        try:
            return replace(self, neighbour_fingerprint=self.neighbour.fingerprint())
        except Exception:
            return self


def borrows(condition: Condition) -> bool:
    """Whether a condition needs another recording."""
    permutation = condition.permutation
    return permutation.needs_neighbour in ("notes", "spectrogram") or permutation.carrier == "other"


@dataclass(frozen=True)
class JobResult:
    """What a worker sends back: rows, the fingerprint that went into their keys, and the time
    that it took."""

    rows: tuple[Row, ...]
    fingerprint: str
    took_seconds: float = 0.0


def row_key(identity: ModelIdentity, job: Job, fingerprint: str, condition: Condition) -> str:
    """Hash of everything that decides a row."""
    needs_seed = condition.permutation.stochastic
    version = _own_version(identity, condition.permutation)
    other = [job.neighbour.name, job.neighbour_fingerprint] if job.neighbour else None
    return digest(
        {
            "method": METHOD_VERSION,
            "model": [identity.name, identity.weights_sha256, identity.precision],
            "settings": identity.settings,
            "dataset": job.dataset,
            "track": job.track.name,
            "data": fingerprint,
            "neighbour": other if borrows(condition) else None,
            "tuning": job.tuning,
            "condition": [condition.name, condition.parameters, condition.label, condition.role],
            "draw": [condition.seed, condition.repeat] if needs_seed else None,
            **({"scorers": list(scorers())} if scorers() else {}),
            **({"permutation": version} if version else {}),
            **_level(identity, condition),
            # rows made before this entry had masks in another tuning, and frame scores of 0
            **({"without": list(identity.without)} if identity.without else {}),
            **_alignment(job),
        }
    )


def _own_version(identity: ModelIdentity, permutation: Permutation) -> str:
    """The version of a permutation's own method; empty for the first one, whose rows were made
    before there were such versions."""
    version = permutation.method_version + permutation.added_version(identity.linear_input)
    return version if version != "1" else ""


def _level(identity: ModelIdentity, condition: Condition) -> dict[str, str]:
    """By which level a recording is scaled anew, where it is. Rows made before it was scaled have
    no such entry."""
    anew = condition.normalization == "model" and identity.level
    return {"level": identity.level} if anew else {}


def blank_row(job: Job, model: Transcriber, condition: Condition, fingerprint: str) -> Row:
    """The row of a condition with everything but its results."""
    identity = model.identity
    return Row(
        key=row_key(identity, job, fingerprint, condition),
        model=identity.name,
        weights=identity.weights_sha256,
        weights_label=identity.weights_label,
        precision=identity.precision,
        dataset=job.dataset,
        track=job.track.name,
        composition=job.track.composition,
        seconds=job.track.duration_seconds or 0.0,
        permutation=condition.name,
        parameters=condition.parameters,
        label=condition.label,
        role=condition.role,
        target=condition.target,
        repeat=condition.repeat,
        seed=condition.seed,
        settings=canonical_json({**identity.settings, **_data_settings(job)}),
        version=__version__,
        method=METHOD_VERSION,
        data=fingerprint,
        varied=canonical_json(list(condition.varied)),
        permutation_version=_own_version(identity, condition.permutation),
    )


def _data_settings(job: Job) -> dict[str, Any]:
    """Settings of a run that are not the model's: rows that differ in them are never averaged."""
    own = {"pedal": "extend", "max_seconds": None}
    track = {name: getattr(job.track, name, value) for name, value in own.items()}
    # left out where it is 0, as in rows made before this option
    shift = getattr(job.track, "onset_shift_ms", 0)
    shifted = {"onset_shift_ms": shift} if shift else {}
    return {"tuning": job.tuning, **track, **shifted, **_alignment(job)}


def _alignment(job: Job) -> dict[str, str]:
    """The setting ``align``; left out where it is off, as in rows made before this option."""
    return {} if job.align == "off" else {"align": job.align}


def error_rows(job: Job, error: BaseException, fingerprint: str | None = None) -> tuple[Row, ...]:
    """The rows of a job that failed as a whole; see :func:`refused_row`."""
    return tuple(refused_row(job, condition, error, fingerprint) for condition in job.conditions)


def refused_row(
    job: Job, condition: Condition, error: BaseException, fingerprint: str | None = None
) -> Row:
    """The row of a condition without a result, with the reason in one plain line.

    It is an error that names the file, or empty where the recording has nothing to work on. The
    row of an error also holds the traceback, for those who look for the cause in the code.

    Args:
        job: whose condition it is.
        condition: what failed.
        error: why.
        fingerprint: of the track; without one the row is keyed by path, size and time.
    """
    row = blank_row(job, built(job.model), condition, fingerprint or job.track.stamp())
    reason = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, NotApplicable):
        return replace(row, status="empty", error=reason)
    if not isinstance(error, OSError | ValueError):
        reason = f"{type(error).__name__}: {reason}"
    if not isinstance(error, DataError) and isinstance(job.track, FileTrack):
        reason = str(data_error(job.track.audio_path, reason))
    told = "".join(traceback.format_exception(error))
    # file names may hold what no database takes
    told = told.encode(errors="backslashreplace").decode().replace("\0", "\\0")
    return replace(row, status="error", error=reason, traceback=told)
