"""pi_amt: permutation importance in automatic music transcription (AMT).

Which harmonic features of its input does a transcription model rely on? Perturb the model's own
time–frequency input, transcribe again, and see how far the note F-measure falls::

    import pi_amt

    model = pi_amt.load_model("basic_pitch")
    tracks = pi_amt.load_dataset("demo")
    result = pi_amt.importance(model, tracks, permutations=["random", "fund_mask", "harm_mask"])
    print(result.table())

The chain from audio to report, and where each link lives:

=====================================  =====================================================
link                                   module
=====================================  =====================================================
recording → samples and notes          :mod:`pi_amt.datasets`, read by :mod:`pi_amt.core.audio`
samples → the model's spectrogram      :mod:`pi_amt.models` (a :class:`Transcriber`)
spectrogram → perturbed spectrogram    :mod:`pi_amt.permutations`
spectrogram → activations → notes      :mod:`pi_amt.models`
notes → scores and fate of each note   :mod:`pi_amt.scoring`
all of these for one recording → rows  :mod:`pi_amt.study.evaluate`
recordings × conditions → rows         :mod:`pi_amt.study.driver`, on :mod:`pi_amt.study.executors`
rows ⇄ disk, and which rows count      :mod:`pi_amt.store`
rows → results with uncertainty        :mod:`pi_amt.statistics`
results → tables, figures, page        :mod:`pi_amt.report`
all of it as one call                  :mod:`pi_amt.permutation_importance`
a condition, for captum                :mod:`pi_amt.captum_bridge`
rules for what you write yourself      :mod:`pi_amt.testing`
all of it as a program                 :mod:`pi_amt.cli`
=====================================  =====================================================

:mod:`pi_amt.core` is what all of them speak. A package imports only what stands before it in
``core < datasets, models, permutations, scoring < store < statistics, study < report <
permutation_importance, captum_bridge, testing < cli``.

Names are imported when they are first used, so that ``import pi_amt`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pi_amt.core.version import __version__

if TYPE_CHECKING:
    from pi_amt.captum_bridge import CaptumBridge
    from pi_amt.core.audio import read_audio
    from pi_amt.core.note_files import read_notes, write_midi
    from pi_amt.core.notes import Notes
    from pi_amt.core.partials import partial_frequencies
    from pi_amt.core.spectrogram import Spectrogram
    from pi_amt.core.units import db_to_amplitude, midi_to_hz
    from pi_amt.datasets.loading import load_dataset
    from pi_amt.datasets.track import Dataset, FileTrack, Track
    from pi_amt.models.audio_domain import AudioDomain
    from pi_amt.models.hooked.network import OpenedNetwork
    from pi_amt.models.hooked.opening import Opening, log_scale
    from pi_amt.models.hooked.program import OpenedProgram
    from pi_amt.models.loading import load_model
    from pi_amt.models.transcriber import BatchedTranscriber, ModelIdentity, Transcriber
    from pi_amt.permutation_importance import Importance, importance
    from pi_amt.permutations.coalition import coalitions
    from pi_amt.permutations.loading import load_permutation
    from pi_amt.permutations.permutation import Change, Neighbour, Permutation, Scene
    from pi_amt.permutations.regions import partial_mask
    from pi_amt.report.tables.table import Table
    from pi_amt.scoring.agreement import Agreement, agreement
    from pi_amt.scoring.notes import score_notes
    from pi_amt.statistics.estimates import ConditionResult
    from pi_amt.store.rows import Row
    from pi_amt.store.store import read_rows
    from pi_amt.study.conditions import Condition

__all__ = [
    "Agreement",
    "AudioDomain",
    "BatchedTranscriber",
    "CaptumBridge",
    "Change",
    "Condition",
    "ConditionResult",
    "Dataset",
    "FileTrack",
    "Importance",
    "ModelIdentity",
    "Neighbour",
    "Notes",
    "OpenedNetwork",
    "OpenedProgram",
    "Opening",
    "Permutation",
    "Row",
    "Scene",
    "Spectrogram",
    "Table",
    "Track",
    "Transcriber",
    "__version__",
    "agreement",
    "coalitions",
    "db_to_amplitude",
    "importance",
    "load_dataset",
    "load_model",
    "load_permutation",
    "log_scale",
    "midi_to_hz",
    "partial_frequencies",
    "partial_mask",
    "read_audio",
    "read_notes",
    "read_rows",
    "score_notes",
    "write_midi",
]

_HOMES = {
    "Agreement": "scoring.agreement",
    "AudioDomain": "models.audio_domain",
    "BatchedTranscriber": "models.transcriber",
    "CaptumBridge": "captum_bridge",
    "Change": "permutations.permutation",
    "Condition": "study.conditions",
    "ConditionResult": "statistics.estimates",
    "Dataset": "datasets.track",
    "FileTrack": "datasets.track",
    "Importance": "permutation_importance",
    "ModelIdentity": "models.transcriber",
    "Neighbour": "permutations.permutation",
    "Notes": "core.notes",
    "OpenedNetwork": "models.hooked.network",
    "OpenedProgram": "models.hooked.program",
    "Opening": "models.hooked.opening",
    "Permutation": "permutations.permutation",
    "Row": "store.rows",
    "Scene": "permutations.permutation",
    "Spectrogram": "core.spectrogram",
    "Table": "report.tables.table",
    "Track": "datasets.track",
    "Transcriber": "models.transcriber",
    "agreement": "scoring.agreement",
    "coalitions": "permutations.coalition",
    "db_to_amplitude": "core.units",
    "importance": "permutation_importance",
    "load_dataset": "datasets.loading",
    "load_model": "models.loading",
    "load_permutation": "permutations.loading",
    "log_scale": "models.hooked.opening",
    "midi_to_hz": "core.units",
    "partial_frequencies": "core.partials",
    "partial_mask": "permutations.regions",
    "read_audio": "core.audio",
    "read_notes": "core.note_files",
    "read_rows": "store.store",
    "score_notes": "scoring.notes",
    "write_midi": "core.note_files",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
