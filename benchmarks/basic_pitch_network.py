"""Basic Pitch against the published ONNX model: one thread each, interleaved in one run.

``python benchmarks/basic_pitch_network.py [--rounds 5]`` prints CPU seconds (other programs on the
machine disturb them least) and ratios for the demo recordings:

* plain: audio to activations, once;
* eight conditions: our front end once and our network eight times, against eight full passes of
  the published model (what a study without fusing would run). Perturbing, decoding and scoring are
  not part of it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tests.models.basic_pitch import published

from pi_amt import datasets
from pi_amt.audio import read_audio, resample
from pi_amt.models.basic_pitch import BasicPitch

CONDITIONS = 8
Samples = NDArray[np.float32]


def demo_recordings() -> list[Samples]:
    """The demo recordings at 22,050 Hz."""
    folder = Path(datasets.__file__).parent / "demo_data"
    return [resample(*read_audio(path), 22_050) for path in sorted(folder.glob("*.ogg"))]


def cpu_seconds(function: Callable[[], object]) -> float:
    """CPU time of one call, seconds."""
    started = time.process_time()
    function()
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    recordings = demo_recordings()
    models = {name: BasicPitch(device="cpu", precision=name) for name in ("fp32", "bf16")}
    spectrograms = [models["fp32"].analyze(samples, 22_050) for samples in recordings]

    def conditions(model: BasicPitch) -> None:
        for samples in recordings:
            for part in model.stream(samples, 22_050):
                model.outputs([part] * CONDITIONS)

    tasks: dict[str, Callable[[], object]] = {
        "published model (onnxruntime)": lambda: [published.activations(x) for x in recordings],
        "front end": lambda: [models["fp32"].analyze(x, 22_050) for x in recordings],
        "network": lambda: [models["fp32"].activations(s) for s in spectrograms],
        "network bf16": lambda: [models["bf16"].activations(s) for s in spectrograms],
        "8 conditions": lambda: conditions(models["fp32"]),
        "8 conditions bf16": lambda: conditions(models["bf16"]),
    }
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(rounds + 1):
        for name, task in tasks.items():
            seconds = cpu_seconds(task)
            if turn:  # the first turn warms up
                times[name].append(seconds)
    median = {name: float(np.median(values)) for name, values in times.items()}
    windows = sum(len(s.times) for s in spectrograms)
    print(f"{len(recordings)} recordings, {windows} windows; medians of {rounds} rounds")
    for name, seconds in median.items():
        print(f"{name:32s} {seconds:7.3f} s   {1000 * seconds / windows:7.2f} ms a window")
    onnx = median["published model (onnxruntime)"]
    plain = median["front end"] + median["network"]
    print(f"plain / published                {plain / onnx:.2f}")
    for name in ("8 conditions", "8 conditions bf16"):
        print(f"{name:22s} / 8 published  {median[name] / (CONDITIONS * onnx):.2f}")


if __name__ == "__main__":
    main()
