"""The published model under onnxruntime with the published windowing: the oracle."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

ONNX_FILE = Path(__file__).parent / "data/nmp.onnx"
Samples = NDArray[np.float32]


@cache
def session(threads: int = 1) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(ONNX_FILE), options, ["CPUExecutionProvider"])


def activations(samples: Samples, threads: int = 1) -> dict[str, NDArray[np.float32]]:
    """Whole-recording activations of samples at 22,050 Hz, as the published program joins them."""
    padded = np.concatenate([np.zeros(15 * 256, np.float32), samples])
    outputs: dict[str, list[NDArray[np.float32]]] = {"note": [], "onset": [], "contour": []}
    for start in range(0, len(padded), 36_164):
        window = padded[start : start + 43_844]
        window = np.pad(window, (0, 43_844 - len(window)))[None, :, None]
        names = [f"StatefulPartitionedCall:{i}" for i in (1, 2, 0)]
        parts = session(threads).run(names, {"serving_default_input_2:0": window})
        for name, part in zip(outputs, parts, strict=True):
            outputs[name].append(part[0, 15:157])
    n_frames = int(np.floor(len(samples) * (86 / 22_050)))
    return {name: np.concatenate(parts)[:n_frames] for name, parts in outputs.items()}
