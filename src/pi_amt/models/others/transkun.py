"""Transkun 2 (Yan and Duan 2024) in the package ``transkun``.

Opened at the output of its mel spectrogram: 229 bands of power, seen through a Hann window and five
learnt ones (the channels), as a logarithm that is 0 in silence. Its own program runs in segments of
16 s every 8 s; each one is a block.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch

from pi_amt.core.notes import Notes
from pi_amt.core.units import Samples, hz_to_mel, mel_to_hz
from pi_amt.models.devices import pick_device
from pi_amt.models.hooked.opening import Opening, filterbank_response, log_scale
from pi_amt.models.hooked.program import OpenedProgram
from pi_amt.models.others.package import package_of


class Transkun(OpenedProgram):
    """Transkun 2 (pip install 'pi_amt[transkun]').

    Args:
        weights: another checkpoint in place of the one in the package; only tensors are read.
        device: ``auto``, ``cpu`` or ``cuda[:n]``.
    """

    def __init__(self, *, weights: str | None = None, device: str = "auto") -> None:
        with package_of("transkun"):
            import moduleconf
            import transkun

            folder = Path(transkun.__file__).parent / "pretrained"
            made = moduleconf.parseFromFile(str(folder / "2.0.conf"))["Model"]
        warnings.filterwarnings("ignore", ".*(use_reentrant|have requires_grad)")  # of training
        on, config = pick_device(device), made.config
        model = made.module.TransKun(conf=config).to(on).eval()
        stored = torch.load(weights or folder / "2.0.pt", map_location=on, weights_only=True)
        # both names and strict=False are those of Transkun's own program
        model.load_state_dict(stored.get("best_state_dict", stored.get("state_dict")), strict=False)
        mel, frame_rate = model.framewiseFeatureExtractor, config.fs / config.hopSize
        edges = np.linspace(hz_to_mel(config.f_min), hz_to_mel(config.f_max), config.n_mels + 2)
        seen = mel.spectrogramExtractor
        windows = torch.vstack([seen.win, seen.winGen.get().t()]).numpy(force=True)
        filters = mel.freq2mels.numpy(force=True)

        def transcribe(samples: Samples) -> Notes:
            found = model.transcribe(torch.from_numpy(samples)[:, None].to(on))
            keys = [(n.start, n.end, n.pitch, n.velocity) for n in found if n.pitch > 0]  # no pedal
            return Notes.from_arrays(*np.reshape(keys, (-1, 4)).T)

        # The transformer takes nearly all the time, and is not needed for the spectrogram: each
        # segment ends where it would begin.
        def front_end(samples: Samples) -> None:
            def no_notes(frames: torch.Tensor, **_: Any) -> tuple[list[Any], list[int]]:
                with suppress(NotImplementedError):
                    model.processFramesBatch(frames)
                return [[]], [0] * len(model.targetMIDIPitch)

            halt = mock.patch.object(model.backbone, "forward", side_effect=NotImplementedError)
            with halt, mock.patch.object(model, "transcribeFrames", no_notes):
                transcribe(samples)

        super().__init__(
            Opening(
                model,
                "framewiseFeatureExtractor",
                axes="b1tfc",
                frequencies=mel_to_hz(edges[1:-1]),
                window_seconds=config.windowSize / config.fs,
                frame_rate=frame_rate,
                scale=log_scale(1.0, base=1 / mel.eps, gain=1 / mel.eps, power=2.0),
                response=filterbank_response(windows, filters, config.fs, of_power=True),
            ),
            transcribe,
            name="transkun",
            sample_rate=config.fs,
            front_end=front_end,
            first_seconds=float(config.segmentHopSizeInSecond - config.segmentSizeInSecond),
            step_seconds=np.ceil(config.segmentHopSizeInSecond * frame_rate) / frame_rate,
            label=f"transkun {Path(weights).name if weights else '2.0'}",
        )
