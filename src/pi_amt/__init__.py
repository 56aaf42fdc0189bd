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

if TYPE_CHECKING:
    from pi_amt.audio import read_audio
    from pi_amt.conditions import Condition
    from pi_amt.datasets import load_dataset
    from pi_amt.models import load_model
    from pi_amt.models.transcriber import Transcriber
    from pi_amt.note_files import read_notes, write_midi
    from pi_amt.notes import Notes
    from pi_amt.permutation_importance import importance
    from pi_amt.permutations import Permutation, load_permutation
    from pi_amt.scoring import score_notes
    from pi_amt.spectrogram import Spectrogram
    from pi_amt.statistics import Importance
    from pi_amt.store import read_rows

__version__ = "0.1.0"

__all__ = [
    "Condition",
    "Importance",
    "Notes",
    "Permutation",
    "Spectrogram",
    "Transcriber",
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
    "Condition": "conditions",
    "Importance": "statistics",
    "Notes": "notes",
    "Permutation": "permutations",
    "Spectrogram": "spectrogram",
    "Transcriber": "models.transcriber",
    "importance": "permutation_importance",
    "load_dataset": "datasets",
    "load_model": "models",
    "load_permutation": "permutations",
    "read_audio": "audio",
    "read_notes": "note_files",
    "read_rows": "store",
    "score_notes": "scoring",
    "write_midi": "note_files",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
