"""The published Basic Pitch model as its authors ship it, which cannot be opened, with the windows
and the decoder of :mod:`pi_amt.models.basic_pitch`, which are the published ones."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import torch

from pi_amt.core.audio import content_hash
from pi_amt.core.errors import NotReady
from pi_amt.core.notes import Notes
from pi_amt.core.units import Samples
from pi_amt.models.basic_pitch.decoder import DecoderOptions, NoteDecoder
from pi_amt.models.basic_pitch.windows import (
    KEPT_FRAMES,
    SAMPLE_RATE,
    TRIMMED_FRAMES,
    cut_windows,
    n_frames,
    n_windows,
)
from pi_amt.models.black_box.black_box import BlackBox
from pi_amt.models.transcriber import FrameStitcher, ModelIdentity

_PACKAGE, _FILE = "basic-pitch", "basic_pitch/saved_models/icassp_2022/nmp.onnx"
_INSTALL = "pip install onnxruntime, and pip install --no-deps basic-pitch==0.4.0"
_INPUT = "serving_default_input_2:0"
_OUTPUTS = {"note": "StatefulPartitionedCall:1", "onset": "StatefulPartitionedCall:2"}
_KEPT = slice(TRIMMED_FRAMES, TRIMMED_FRAMES + KEPT_FRAMES)


class BasicPitchOnnx(BlackBox):
    """``nmp.onnx`` of the package basic-pitch 0.4.0.

    Args:
        weights: the file; ``None``: that of the installed package.
        gain_db, late_ms: see :class:`BlackBox`.

    Raises:
        NotReady: if onnxruntime or the file is not there.
    """

    def __init__(self, weights: str | None = None, gain_db: float = 0, late_ms: float = 0) -> None:
        super().__init__("basic_pitch_onnx", SAMPLE_RATE, gain_db, late_ms)
        path = _installed() if weights is None else Path(weights).expanduser()
        try:
            from onnxruntime import InferenceSession, SessionOptions
        except ImportError:
            raise NotReady(f"model {self.name}: onnxruntime is missing: {_INSTALL}") from None
        options = SessionOptions()
        options.intra_op_num_threads = 1  # so that the number of cores changes no result
        self._session = InferenceSession(str(path), options, ["CPUExecutionProvider"])
        self.identity = ModelIdentity(
            self.name, content_hash(path), "published model (onnxruntime)", self.settings
        )

    def answer(self, samples: Samples, sample_rate: int) -> Notes:
        """The notes of a recording at 22,050 Hz."""
        stitcher = FrameStitcher(n_frames(len(samples), "published"))
        decoder = NoteDecoder(DecoderOptions())
        for number in range(n_windows(len(samples), "published")):
            window = cut_windows(samples, number, 1)[..., None]
            found = self._session.run(list(_OUTPUTS.values()), {_INPUT: window})
            kept = {k: torch.from_numpy(v[:, _KEPT]) for k, v in zip(_OUTPUTS, found, strict=True)}
            decoder.push(stitcher.push(kept))
        return decoder.finish()


def _installed() -> Path:
    """The file in the installed package, which is not imported: it would want TensorFlow."""
    try:
        path = Path(str(metadata.distribution(_PACKAGE).locate_file(_FILE)))
    except metadata.PackageNotFoundError:
        path = Path(_FILE)
    if not path.is_file():
        raise NotReady(f"model basic_pitch_onnx: its package is missing: {_INSTALL}")
    return path
