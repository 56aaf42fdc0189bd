"""Convert the published Basic Pitch weights (ONNX, Apache-2.0) to safetensors.

``python scripts/convert_basic_pitch.py`` downloads the wheel ``basic-pitch==0.4.0`` from PyPI into
a temporary folder (it is read, never installed: it pins TensorFlow), takes ``nmp.onnx`` out of it,
writes the 14 arrays of the network to ``src/pi_amt/models/basic_pitch/basic_pitch.safetensors``
and checks that

* the CQT kernels and decimation filter that the package computes equal those inside the model;
* the activations of one noisy window equal those of onnxruntime to 1e-4.

It also puts the ONNX file beside the tests, where it is the oracle.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper
from safetensors.numpy import save

REQUIREMENT = "basic-pitch==0.4.0"
ONNX_IN_WHEEL = "basic_pitch/saved_models/icassp_2022/nmp.onnx"
ROOT = Path(__file__).resolve().parent.parent
PACKAGE_FOLDER = ROOT / "src/pi_amt/models/basic_pitch"
ORACLE_FOLDER = ROOT / "tests/models/basic_pitch/data"

Arrays = dict[str, NDArray[np.float32]]

#: our name → (shape of the weight, whether a bias belongs to it)
CONVOLUTIONS = {
    "contour.hidden": (8, 8, 3, 39),
    "contour.output": (1, 8, 5, 5),
    "note.hidden": (32, 1, 7, 7),
    "note.output": (1, 32, 7, 3),
    "onset.hidden": (32, 8, 5, 5),
    "onset.output": (1, 33, 3, 3),
}


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def download_wheel(folder: Path) -> Path:
    """Download the wheel (without dependencies) and return its path."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
    subprocess.run([*command, "--dest", str(folder), REQUIREMENT], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def read_arrays(model: onnx.ModelProto) -> Arrays:
    """Name and pick the network's arrays out of the ONNX graph.

    Convolutions are recognised by the shape of their weight, which is unique; their bias is the
    third input of the node. The exporter folded all batch normalisations but the first.
    """
    values = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    arrays: Arrays = {}
    for node in model.graph.node:
        weight = values.get(node.input[1]) if node.op_type == "Conv" else None
        for name, shape in CONVOLUTIONS.items():
            if weight is not None and weight.shape == shape:
                arrays[f"{name}.weight"] = weight
                arrays[f"{name}.bias"] = values[node.input[2]]
    normalisation = [
        node
        for node in model.graph.node
        if node.op_type in {"Mul", "Add"} and "batch_normalization/" in node.input[1]
    ]
    scale, offset = (values[node.input[1]] for node in normalisation)
    arrays |= {"normalization.scale": scale, "normalization.offset": offset}
    expected = 2 + 2 * len(CONVOLUTIONS)
    if len(arrays) != expected:
        raise ValueError(f"got {sorted(arrays)}, expected {expected} arrays in {ONNX_IN_WHEEL}")
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def write_weights(arrays: Arrays, metadata: dict[str, str], target: Path) -> None:
    """Write a safetensors file, the same bytes each time (its header comes in random order)."""
    data = save(arrays, metadata=metadata)
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8:start]), sort_keys=True).encode()
    header += b" " * (-len(header) % 8)
    target.write_bytes(len(header).to_bytes(8, "little") + header + data[start:])


def check_front_end(model: onnx.ModelProto) -> None:
    """Compare the package's own CQT kernels with the constants of the published graph."""
    from pi_amt.models.basic_pitch.frontend import cqt_kernels, decimation_filter

    values = [numpy_helper.to_array(t) for t in model.graph.initializer]
    real, imaginary = (v[:, 0, 0] for v in values if v.shape == (36, 1, 1, 256))
    if real[:, 128].max() < imaginary[:, 128].max():
        real, imaginary = imaginary, real
    (lowpass,) = (v.ravel() for v in values if v.shape == (1, 1, 1, 256))
    kernels = cqt_kernels()
    np.testing.assert_allclose(kernels.real, real, atol=1e-8)
    np.testing.assert_allclose(kernels.imag, imaginary, atol=1e-8)
    np.testing.assert_allclose(decimation_filter(), lowpass, atol=1e-7)


def check_activations(onnx_path: Path) -> float:
    """Largest difference to onnxruntime on one window of noise bursts."""
    from pi_amt.models.basic_pitch.model import BasicPitch

    rng = np.random.default_rng(0)
    samples = (rng.standard_normal(43_844 - 3_840) * 0.1).astype(np.float32)
    samples *= np.sin(np.arange(len(samples)) / 2_000) ** 2
    window = np.concatenate([np.zeros(3_840, np.float32), samples])
    session = onnxruntime.InferenceSession(str(onnx_path), providers=["CPUExecutionProvider"])
    names = [f"StatefulPartitionedCall:{i}" for i in (1, 2, 0)]
    outputs = session.run(names, {session.get_inputs()[0].name: window[None, :, None]})
    published = dict(zip(("note", "onset", "contour"), outputs, strict=True))
    model = BasicPitch(trim="published")
    ours = model.activations(model.analyze(samples, 22_050))
    return max(
        float(np.abs(ours[name][:142] - published[name][0, 15:157]).max()) for name in published
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheel", type=Path, help="use this wheel instead of downloading it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        wheel = arguments.wheel or download_wheel(Path(temporary))
        with zipfile.ZipFile(wheel) as archive:
            onnx_path = ORACLE_FOLDER / "nmp.onnx"
            onnx_path.parent.mkdir(parents=True, exist_ok=True)
            onnx_path.write_bytes(archive.read(ONNX_IN_WHEEL))
        metadata = {
            "label": "published weights",
            "source": f"PyPI wheel {REQUIREMENT}, {ONNX_IN_WHEEL}",
            "wheel_sha256": sha256(wheel),
            "onnx_sha256": sha256(onnx_path),
            "licence": "Apache-2.0, Copyright 2022 Spotify AB",
        }
    model = onnx.load(onnx_path)
    target = PACKAGE_FOLDER / "basic_pitch.safetensors"
    write_weights(read_arrays(model), metadata, target)
    check_front_end(model)
    difference = check_activations(onnx_path)
    if difference > 1e-4:
        raise ValueError(f"activations differ by {difference:.1e}, expected at most 1e-4")
    print(f"{target}\nsha256 {sha256(target)}\nlargest activation difference {difference:.1e}")
    for name, value in metadata.items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
