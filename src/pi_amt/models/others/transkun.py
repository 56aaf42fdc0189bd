"""Transkun 2 (Yan and Duan 2024) in the package ``transkun``.

Opened at the output of its mel spectrogram: 229 bands of power, seen through a Hann window and five
learnt ones (the channels), as a logarithm that is 0 in silence. Its own program runs around it, as
it is, in segments of 16 s every 8 s; each one is a block.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from pi_amt.core.notes import Notes
from pi_amt.core.units import Samples
from pi_amt.models.hooked import OpenedProgram, Opening, filterbank_response, log_scale
from pi_amt.models.others.package import package_of


class Transkun(OpenedProgram):
    """Transkun 2, opened at its six mel spectrograms; ``weights`` is another checkpoint."""

    def __init__(self, *, weights: str | None = None, device: str = "auto") -> None:
        with package_of("transkun"):
            import transkun
            from transkun.ModelTransformer import ModelConfig, TransKun

        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        folder = Path(transkun.__file__).parent / "pretrained"
        config = ModelConfig()
        vars(config).update(json.loads((folder / "2.0.conf").read_text())["Model"]["config"])
        model = TransKun(config).to(device).eval()
        stored = torch.load(weights or folder / "2.0.pt", map_location=device, weights_only=True)
        model.load_state_dict(stored.get("best_state_dict", stored.get("state_dict")), strict=False)
        mel = model.framewiseFeatureExtractor
        low, high = (2595 * math.log10(1 + hz / 700) for hz in (config.f_min, config.f_max))
        with torch.no_grad():
            learnt = mel.spectrogramExtractor.winGen.get().t()
            windows = torch.vstack([mel.spectrogramExtractor.win, learnt]).cpu().numpy()
        filters, rate = mel.freq2mels.cpu().numpy(), config.fs

        def transcribe(samples: Samples) -> Notes:
            found = model.transcribe(torch.from_numpy(samples)[:, None].to(device))
            found = [note for note in found if note.pitch > 0]  # the others are pedals
            columns = (
                [getattr(n, a) for n in found] for a in ("start", "end", "pitch", "velocity")
            )
            return Notes.from_arrays(*columns)

        def front_end(samples: Samples) -> None:  # the transformer takes nearly all the time
            def hear(frames: torch.Tensor, **_: object) -> tuple[Any, list[int]]:
                mean, deviation = (
                    f(frames, [1, 2, 3], keepdim=True) for f in (torch.mean, torch.std)
                )
                mel((frames - mean) / (deviation + 1e-8))
                return [[]], [0] * len(model.targetMIDIPitch)

            with mock.patch.object(model, "transcribeFrames", hear):
                transcribe(samples)

        step = math.ceil(config.segmentHopSizeInSecond * rate / config.hopSize) * config.hopSize
        super().__init__(
            Opening(
                model,
                "framewiseFeatureExtractor",
                axes="b1tfc",
                frequencies=700
                * (10 ** (np.linspace(low, high, config.n_mels + 2)[1:-1] / 2595) - 1),
                window_seconds=config.windowSize / rate,
                frame_rate=rate / config.hopSize,
                scale=log_scale(1.0, base=1 / mel.eps, gain=1 / mel.eps, power=2.0),
                response=filterbank_response(windows, filters, rate, of_power=True),
            ),
            transcribe,
            name="transkun",
            sample_rate=rate,
            front_end=front_end,
            first_seconds=float(config.segmentHopSizeInSecond - config.segmentSizeInSecond),
            step_seconds=step / rate,
            label=f"transkun {Path(weights).name if weights else '2.0'}",
        )
