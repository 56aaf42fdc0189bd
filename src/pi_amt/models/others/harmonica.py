"""Harmonica (Ou, Martel, Hennessy-Priest, Cho 2026) in the package ``harmonica-amt``.

Opened at the output of its front end, log10(1 + constant-Q magnitude). Its own program runs around
it, as it is: one spectrogram of the whole recording, in chunks through the network.
"""

from __future__ import annotations

import numpy as np

from pi_amt.core.notes import Notes
from pi_amt.core.units import Samples, midi_to_hz
from pi_amt.models.devices import pick_device
from pi_amt.models.hooked.opening import Opening, log_scale
from pi_amt.models.hooked.program import OpenedProgram
from pi_amt.models.others.package import package_of


class Harmonica(OpenedProgram):
    """Harmonica in five sizes (pip install 'pi_amt[harmonica]', Python 3.12 or newer).

    Args:
        size: ``nano``, ``small``, ``medium``, ``large`` or ``x-large``.
        weights: another checkpoint in place of a size. It is unpickled, which runs what is in it.
        device: ``auto``, ``cpu`` or ``cuda[:n]``.
        onset_threshold: least onset activation of a note; ``None`` is that of the checkpoint.
        frame_threshold: least activation of a sounding note; ``None`` is that of the checkpoint.
    """

    def __init__(
        self,
        size: str = "medium",
        *,
        weights: str | None = None,
        device: str = "auto",
        onset_threshold: float | None = None,
        frame_threshold: float | None = None,
    ) -> None:
        with package_of("harmonica"):
            from harmonica import Harmonica as Program
            from harmonica.data import resample

        thresholds = {"onset_threshold": onset_threshold, "frame_threshold": frame_threshold}
        program = Program(weights or size, device=pick_device(device), **thresholds)
        front_end = program.model.cqt
        rate, per_semitone = program.sample_rate, front_end.bins_per_semitone
        windows = front_end.cqt.lenghts.double().cpu().numpy() / rate  # the name is nnAudio's
        below = (per_semitone - 1) // 2  # the middle one of a key's bins is on the note

        def transcribe(samples: Samples) -> Notes:
            found = program.transcribe(samples, rate)
            pitches = found.pitches.astype(float)
            return Notes.from_arrays(found.onsets, found.offsets, pitches, found.velocities)

        super().__init__(
            Opening(
                program.model,
                "cqt",
                axes="b1ft",
                frequencies=midi_to_hz(21 + (np.arange(len(windows)) - below) / per_semitone),
                window_seconds=windows,
                frame_rate=program.frames_per_second,
                scale=log_scale(1.0, base=10.0),
            ),
            transcribe,
            name="harmonica",
            sample_rate=rate,
            resample=resample,
            label=f"harmonica-amt {weights or size}",
            settings={"size": size} | {name: getattr(program, name) for name in thresholds},
        )
