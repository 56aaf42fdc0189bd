"""``pi-amt doctor``: is the installation sound? Versions, the score, a known answer per model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from pi_amt.cli.messages import one_line
from pi_amt.cli.plugins import REGISTRIES
from pi_amt.core.errors import NotReady
from pi_amt.core.units import Samples
from pi_amt.models import loading as models
from pi_amt.scoring.notes import check_pitch_units
from pi_amt.store.opening import about_place
from pi_amt.study.executors.processes import available_cores
from pi_amt.study.manifest import environment

_RATE = 22_050


def examine() -> bool:
    """Print what was found; false if something is wrong."""
    for name, version in environment()["versions"].items():
        print(f"{name:12} {version}")
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"
    print(f"{'cores':12} {available_cores()}\n{'GPU':12} {gpu}")
    print(f"{'results':12} {about_place(Path('results'))}")
    check_pitch_units()
    print("scoring      ok: one semitone off scores 0, 49 cents 1, 51 cents 0")
    sound = [_hears(name) for name in models.available_models()]
    for kind, registry in REGISTRIES.items():
        for entry in registry.look():
            # what is broken is of another package: this installation is sound all the same
            if entry.problem and kind != "model":
                print(f"{kind:12} BROKEN: {entry.problem}")
    healthy = all(sound)
    print("all is well" if healthy else "something is wrong: reinstall pi_amt")
    return healthy


def _hears(name: str) -> bool:
    """Whether a model hears a synthetic A4; prints it. Of one that does not ship it is enough that
    it runs."""
    try:
        model = models.load_model(name)
        found = model.transcribe(_a4(), _RATE)
    except NotReady as error:  # of other people; this installation is sound without them
        print(f"{name:12} not ready: {one_line(error)}")
        return True
    except Exception as error:  # of a plug-in, say; the other models are checked all the same
        print(f"{name:12} WRONG: {one_line(error)}")
        return False
    good = 69.0 in found.pitches
    heard = "ok: hears a synthetic A4" if good else f"WRONG: hears {found.pitches}, expected 69"
    if not good and name not in models.SHIPPED:  # one that knows nothing but pianos may be right
        good, heard = True, f"runs, and hears {found.pitches.tolist()} in a synthetic A4"
    print(f"{name:12} {heard} · {model.identity.weights_label}")
    print(f"{'':12} weights sha256 {model.identity.weights_sha256}")
    return good


def _a4() -> Samples:
    """A pause of 0.4 s, then a decaying tone of 1 s with five partials."""
    times = np.arange(_RATE) / _RATE
    tone = sum(0.3 / k * np.sin(2 * np.pi * 440 * k * times) for k in range(1, 6))
    decaying = np.asarray(tone) * np.exp(-3 * times)
    return np.concatenate([np.zeros(int(0.4 * _RATE)), decaying]).astype(np.float32)
