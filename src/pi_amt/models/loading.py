"""Models: ``load_model(name, …)`` and the registry behind it.

A model of one's own joins through the entry-point group ``pi_amt.models`` or as a dotted
``_target_`` (see docs/extending.md).
"""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pi_amt.core.checks import check_choice, check_known
from pi_amt.core.hashing import canonical_json
from pi_amt.core.registry import Registry
from pi_amt.models.adapter import as_transcriber
from pi_amt.models.audio_domain import DOMAINS, heard_by
from pi_amt.models.devices import is_full
from pi_amt.models.transcriber import Transcriber

ENTRY_POINTS = "pi_amt.models"
BUILT_IN = {
    "basic_pitch": "pi_amt.models.basic_pitch.model:BasicPitch",
    "timbre_trap": "pi_amt.models.timbre_trap.model:TimbreTrap",
    "callable": "pi_amt.models.black_box.function:Function",
    "command": "pi_amt.models.black_box.command:Command",
    "basic_pitch_onnx": "pi_amt.models.black_box.basic_pitch_onnx:BasicPitchOnnx",
    "waon": "pi_amt.models.black_box.ready_made:waon",
    "aubio": "pi_amt.models.black_box.ready_made:aubio",
    "harmonica": "pi_amt.models.others.harmonica:Harmonica",
    "transkun": "pi_amt.models.others.transkun:Transkun",
    "madmom": "pi_amt.models.others.madmom:Madmom",
}
#: those whose weights are in the package
SHIPPED = ("basic_pitch", "timbre_trap")
MODELS = Registry("model", ENTRY_POINTS, BUILT_IN, "a class or function that makes a model")


@dataclass(frozen=True)
class ModelSpec:
    """A recipe for a model that travels to a worker instead of the model.

    Attributes:
        name: registered name or dotted path ``package.module:Class``.
        options: JSON of the keyword options; kept canonical, so that equal recipes are equal and
            their model is made once.

    Raises:
        ValueError: if the options are no JSON.
    """

    name: str
    options: str = "{}"

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", canonical_json(json.loads(self.options)))

    def on_cpu(self) -> ModelSpec | None:
        """The same model on the CPU, if the device was left open; its results count as equal."""
        options = json.loads(self.options)
        if options.get("device", "auto") != "auto":
            return None
        return replace(self, options=canonical_json({**options, "device": "cpu"}))

    def build(self) -> Transcriber:
        """Make the model; on the CPU if the device was left open and the GPU is full.

        Raises:
            ValueError: if the GPU that was asked for is full; otherwise see :func:`load_model`.
        """
        try:
            return load_model(self.name, **json.loads(self.options))
        except RuntimeError as error:
            if not is_full(error):
                raise
            on_cpu, reason = self.on_cpu(), str(error).splitlines()[0]
        if on_cpu is None:
            raise ValueError(f"device: the GPU is full ({reason}): free it, or use device=cpu")
        warnings.warn(f"the GPU is full ({reason}): going on with the CPU", stacklevel=2)
        return on_cpu.build()


def available_models() -> list[str]:
    """Names that :func:`load_model` takes."""
    return MODELS.names()


def model_class(name: str) -> Callable[..., object]:
    """The class behind a registered name or a dotted path.

    Raises:
        ValueError: for an unknown name, with near matches.
    """
    if name not in MODELS.names() and ":" not in name and "." in name:
        name = ":".join(name.rsplit(".", 1))
    found: Callable[..., object] = MODELS.load(name)
    return found


def load_model(
    name: str,
    *,
    weights: str | None = None,
    device: str = "auto",
    precision: str = "fp32",
    domain: str = "input",
    **options: Any,
) -> Transcriber:
    """Load a transcription model.

    Args:
        name: ``basic_pitch``, ``timbre_trap``, an entry point's name or ``package.module:Class``.
        weights: path to other weights than those that ship.
        device: ``auto``, ``cpu`` or ``cuda[:n]``.
        precision: ``fp32`` or ``bf16``.
        domain: what is perturbed: the model's own ``input``, or the ``audio`` that it hears
            (:mod:`pi_amt.models.audio_domain`).
        options: the model's own options, see its class; unknown ones are refused.

    Raises:
        ValueError: for an unknown model or option, a missing one, or weights that do not fit.
        FileNotFoundError: if the weights file is missing.
        NotReady: if the model's package or program is not installed.
    """
    check_choice("domain", domain, DOMAINS)
    factory = model_class(name)
    known = inspect.signature(factory).parameters
    common = {"weights": weights, "device": device, "precision": precision}
    # A model of somebody else may lack the common options, as long as no more is asked for than
    # what it does anyway.
    anyway = {"weights": (None,), "device": ("auto", "cpu"), "precision": ("fp32",)}
    asked = {k: v for k, v in common.items() if k in known or v not in anyway[k]}
    given = {**asked, **options}
    check_known(f"option of model {name}", given, known)
    _check_required(name, given, known)
    model = as_transcriber(factory(**given))
    return heard_by(model) if domain == "audio" else model


def _check_required(
    name: str, given: Iterable[str], known: Mapping[str, inspect.Parameter]
) -> None:
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    lacking = [
        option
        for option, parameter in known.items()
        if parameter.default is parameter.empty
        and parameter.kind not in variable
        and option not in given
    ]
    if lacking:
        raise ValueError(
            f"model {name}: got no {', '.join(lacking)}, expected options of these names; a "
            f"function that makes notes of samples is the model callable with function={name}"
        )


@lru_cache(maxsize=2)
def cached_model(spec: ModelSpec) -> Transcriber:
    """The model of a spec, made once per process."""
    return spec.build()


def built(model: ModelSpec | Transcriber) -> Transcriber:
    """The model itself, of a spec once per process."""
    return cached_model(model) if isinstance(model, ModelSpec) else model
