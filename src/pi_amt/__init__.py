"""pi_amt: permutation importance in automatic music transcription (AMT).

Which harmonic features of its input does a transcription model rely on? Perturb the model's own
time–frequency input, transcribe again, and see how far the note F-measure falls::

    import pi_amt

    model = pi_amt.load_model("basic_pitch")
    tracks = pi_amt.load_dataset("demo")
    result = pi_amt.importance(model, tracks, permutations=["random", "fund_mask", "harm_mask"])
    print(result.table())

Names are imported when they are first used, so that ``import pi_amt`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pi_amt.core.version import __version__

if TYPE_CHECKING:
    from pi_amt.core.audio import read_audio
    from pi_amt.core.note_files import read_notes, write_midi
    from pi_amt.core.notes import Notes
    from pi_amt.core.spectrogram import Spectrogram
    from pi_amt.datasets.loading import load_dataset
    from pi_amt.models.loading import load_model
    from pi_amt.models.transcriber import Transcriber
    from pi_amt.permutation_importance import importance
    from pi_amt.permutations.loading import load_permutation
    from pi_amt.permutations.permutation import Permutation
    from pi_amt.scoring.notes import score_notes
    from pi_amt.statistics.result import Importance
    from pi_amt.store.store import read_rows
    from pi_amt.study.conditions import Condition

__all__ = [
    "Condition",
    "Importance",
    "Notes",
    "Permutation",
    "Spectrogram",
    "Transcriber",
    "__version__",
    "importance",
    "load_dataset",
    "load_model",
    "load_permutation",
    "read_audio",
    "read_notes",
    "read_rows",
    "score_notes",
    "write_midi",
]

_HOMES = {
    "Condition": "study.conditions",
    "Importance": "statistics.result",
    "Notes": "core.notes",
    "Permutation": "permutations.permutation",
    "Spectrogram": "core.spectrogram",
    "Transcriber": "models.transcriber",
    "importance": "permutation_importance",
    "load_dataset": "datasets.loading",
    "load_model": "models.loading",
    "load_permutation": "permutations.loading",
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
