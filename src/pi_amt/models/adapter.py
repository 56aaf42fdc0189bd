"""Models of other people: three methods are enough.

An object with ``analyze(samples, sample_rate) → Spectrogram``, ``activations(spectrogram) → dict``
and ``decode(activations) → Notes`` becomes a :class:`Transcriber` that sees each recording whole.
Sub-class :class:`Transcriber` itself for streaming and batches.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from pi_amt.core.checks import check_fingerprint
from pi_amt.core.contents import (
    Unreadable,
    attributes,
    contents_digest,
    is_sent_whole,
    is_told_by_text,
    readable,
    source_of_class,
    texts_of_class,
)
from pi_amt.core.hashing import stable_text
from pi_amt.core.notes import N_PITCHES, Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, Samples, frames_to_seconds
from pi_amt.models.audio_domain import AudioDomain
from pi_amt.models.black_box.black_box import BlackBox
from pi_amt.models.black_box.function import Function
from pi_amt.models.transcriber import Activations, ModelIdentity, Transcriber

_METHODS = ["analyze", "activations", "decode"]


@runtime_checkable
class Ladder(Protocol):
    """The three methods of a model. Optional attributes: ``identity``, or a ``fingerprint`` in
    place of its contents; ``linear_input``, where it is ``True``; ``frame_threshold``,
    ``steady_from``, ``frame_times(n)``, ``pitch_activity(activations) → (frames, 88)`` for
    frame-level scores."""

    def analyze(self, samples: Samples, sample_rate: int) -> Spectrogram: ...
    def activations(self, spectrogram: Spectrogram) -> Mapping[str, NDArray[Any]]: ...
    def decode(self, activations: Mapping[str, NDArray[Any]]) -> Notes: ...


def as_transcriber(model: object) -> Transcriber:
    """The model as a transcriber; a function ``(samples, sample_rate) → Notes`` hears perturbed
    sound.

    Raises:
        TypeError: if it lacks one of the three methods, or is a class and not an object of it.
        ValueError: if its ``fingerprint`` is no text.
    """
    if isinstance(model, type):
        raise TypeError(
            f"got the class {model.__name__}, expected a model: an object, {model.__name__}(…)"
        )
    if isinstance(model, Transcriber):
        return model
    if not isinstance(model, Ladder):
        missing = [n for n in _METHODS if not hasattr(model, n)]
        if callable(model) and missing == _METHODS and not isinstance(model, torch.nn.Module):
            listener = model if isinstance(model, BlackBox) else Function(model)
            return AudioDomain(listener, listener.identity)
        if isinstance(model, torch.nn.Module) and missing == _METHODS:
            raise TypeError(
                f"{type(model).__name__}: got a torch module, which says neither the rate of its "
                "sound nor what its notes are, expected a function (samples, sample_rate) → "
                "pi_amt.Notes that calls it, or a pi_amt.OpenedProgram around it"
            )
        raise TypeError(
            f"{type(model).__name__}: got no method {missing[0]}, expected a model with analyze, "
            "activations and decode"
        )
    return WholeRecording(model)


class WholeRecording(Transcriber):
    """A three-method model, one whole recording at a time.

    A study computes its conditions one after another and keeps only the notes of each, because the
    perturbed spectrograms of a long recording do not fit into memory together.

    A model whose ``analyze`` does not take ``tuning_cents`` gets the recording's tuning on the
    spectrogram that it returns. One without ``pitch_activity`` has no frame scores. Earlier
    versions did neither, so the identity says both, and their rows are not taken for these.
    """

    conditions_at_once = 1

    def __init__(self, model: Ladder) -> None:
        self.model = model
        self.device = torch.device("cpu")
        self.frame_threshold = float(getattr(model, "frame_threshold", 0.5))
        self.steady_from = float(getattr(model, "steady_from", 0.0))
        self.has_pitch_activity = hasattr(model, "pitch_activity")
        self._takes_tuning = "tuning_cents" in inspect.signature(model.analyze).parameters
        there = {"tuning_cents": self._takes_tuning, "pitch_activity": self.has_pitch_activity}
        self._without = tuple(n for n, has in there.items() if not has)
        identity: ModelIdentity = getattr(model, "identity", None) or _identity_of(model)
        self.identity = self._completed(identity)

    def __repr__(self) -> str:
        return f"WholeRecording({self.identity.name}, {self.identity.weights_label})"

    def identity_here(self) -> ModelIdentity:
        """The identity as this process reads it; see the base class."""
        model: Any = self.model
        if hasattr(model, "identity_here"):
            identity: ModelIdentity = model.identity_here()
        elif getattr(model, "identity", None) or is_sent_whole(model):
            return self.identity
        else:
            identity = _identity_of(model)
        return self._completed(identity)

    def _completed(self, identity: ModelIdentity) -> ModelIdentity:
        own = getattr(self.model, "linear_input", None)  # which may be a layer of that name
        linear = own if isinstance(own, bool) else identity.linear_input
        return replace(identity, without=self._without, linear_input=linear)

    def stream(
        self, samples: Samples, sample_rate: int, *, tuning_cents: float = 0.0
    ) -> Iterator[Spectrogram]:
        """The whole recording as one part, in the recording's tuning unless the model found its
        own."""
        tuning = {"tuning_cents": tuning_cents} if self._takes_tuning else {}
        spectrogram = self.model.analyze(samples, sample_rate, **tuning)
        check_analysis(self.identity.name, spectrogram)
        self._rate = spectrogram.frame_rate
        if not (self._takes_tuning or spectrogram.tuning_cents):
            spectrogram = replace(spectrogram, tuning_cents=tuning_cents)
        linear = self.identity.linear_input
        if spectrogram.linear_input and not linear:
            raise ValueError(
                f"{self.identity.name}.analyze: got a Spectrogram with linear_input=True, expected "
                "it of the model, too: give it the attribute linear_input = True"
            )
        yield replace(spectrogram, linear_input=linear)

    def outputs(self, spectrograms: Sequence[Spectrogram]) -> list[dict[str, Any]]:
        """The model's activations of each condition.

        Each call gets values of its own: conditions that touch nothing share those of the clean
        input, and a model may normalise in place.
        """
        found = []
        for spectrogram in spectrograms:
            own = spectrogram.with_values(spectrogram.tensor.clone())
            activations = self.model.activations(own)
            _check_kind(
                f"{self.identity.name}.activations", activations, Mapping, "a dict of arrays"
            )
            found.append(dict(activations))
        return found

    def activations(self, spectrogram: Spectrogram) -> Activations:
        """The model's own, of the recording as a whole."""
        return self.outputs([spectrogram])[0]

    def stitcher(self, n_samples: int) -> _PassThrough:
        """Nothing to stitch."""
        return _PassThrough()

    def decoder(self) -> _OnceDecoder:
        """Calls the model's ``decode``."""
        return _OnceDecoder(self.model)

    def frame_times(self, n: int, start: int = 0) -> Floats:
        """The model's own frame times, or evenly spaced ones."""
        if hasattr(self.model, "frame_times"):
            return np.asarray(self.model.frame_times(start + n))[start:]
        return frames_to_seconds(np.arange(start, start + n), self._rate)

    def pitch_activity(self, activations: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """The model's own pitch activity.

        Raises:
            ValueError: if it has none.
        """
        if not self.has_pitch_activity:
            raise ValueError(
                f"{self.identity.name}: got a model without pitch_activity, expected one: give it "
                f"a method pitch_activity(activations) → (frames, {N_PITCHES})"
            )
        own: Any = self.model
        return on_host(own.pitch_activity(activations)).astype(np.float32)


class _PassThrough:
    def push(self, outputs: Mapping[str, Any]) -> Activations:
        return dict(outputs)

    def finish(self) -> Activations:
        return {}


class _OnceDecoder:
    """Decodes at once, so that the activations need not be kept."""

    def __init__(self, model: Ladder) -> None:
        self._model = model
        self._notes: Notes | None = None

    def push(self, activations: Mapping[str, NDArray[np.float32]]) -> None:
        notes = self._model.decode(activations)
        _check_kind(f"{type(self._model).__name__}.decode", notes, Notes, "pi_amt.Notes")
        self._notes = notes

    def finish(self) -> Notes:
        if self._notes is None:  # the model gave no activations at all
            self.push({})
        assert self._notes is not None
        return self._notes


def on_host(values: Any) -> NDArray[Any]:
    """Numbers as a numpy array, whatever device they are on."""
    tensor = torch.as_tensor(values).detach().cpu()
    if tensor.dtype == torch.bfloat16:  # of which numpy knows nothing
        tensor = tensor.float()
    return np.asarray(tensor.numpy())


def _check_kind(what: str, got: object, kind: type, expected: str) -> None:
    """Raise ``TypeError`` if a method of the model returned something of another kind."""
    if not isinstance(got, kind):
        raise TypeError(f"{what}: got {type(got).__name__}, expected {expected}")


def check_analysis(name: str, found: Spectrogram) -> None:
    """Refuse what a model's ``analyze`` must not return, since masks would act on it in silence.

    Raises:
        TypeError, ValueError: for anything but a spectrogram with linear values and exact times.
    """
    what = f"{name}.analyze"
    _check_kind(what, found, Spectrogram, "a pi_amt.Spectrogram")
    values = on_host(found.values)
    if found.tensor.dtype == torch.bfloat16:
        raise ValueError(
            f"{what}: got values of type bfloat16, expected float32 or complex64: convert them in "
            "analyze, and back in activations"
        )
    if values.dtype.kind not in "fc":
        raise ValueError(f"{what}: got values of type {values.dtype}, expected float or complex")
    if not values.size:
        raise ValueError(f"{what}: got values of shape {values.shape}, expected at least one frame")
    if not np.isfinite(values).all():
        raise ValueError(f"{what}: got NaN or infinite values, expected finite numbers")
    if values.dtype.kind == "f" and values.min() < 0:
        raise ValueError(
            f"{what}: got values down to {values.min():.3g}, expected linear magnitudes, at least "
            "0 (take the logarithm in activations, or give an Opening its scale), or complex "
            "coefficients"
        )
    if not (np.isfinite(found.times).all() and (np.diff(found.times, axis=1) > 0).all()):
        raise ValueError(f"{what}: got times that do not ascend, expected seconds per frame")


def _identity_of(model: object) -> ModelIdentity:
    """Source and contents stand in for weights that are not known.

    Public attributes that a text tells are settings, by their names. Everything else that the model
    holds is hashed with its source, unless a ``fingerprint`` speaks for it, and so is what its
    methods take from outside.
    """
    kind = type(model)
    held = attributes(model)
    held.pop("fingerprint", None)
    given = getattr(model, "fingerprint", None)
    rest = {n: v for n, v in held.items() if n.startswith("_") or not is_told_by_text(v)}
    label = "user model (hash of its source code)"
    if given is not None:
        check_fingerprint(f"{kind.__name__}.fingerprint", given)
    try:
        source, unreadable = source_of_class(kind, kind.__name__), ""
    except Unreadable as error:
        source, unreadable = kind.__qualname__, str(error)
    texts, left_out = readable(texts_of_class(kind, kind.__name__))
    unreadable = unreadable or left_out
    source = "\n".join([source, *texts])
    if given is not None:
        source, label = f"{source}\n{given}", "user model (hash of its source code and fingerprint)"
        unreadable = ""
    elif rest or isinstance(model, torch.nn.Module):
        label = "user model (hash of its source code and contents)"
        network = model if isinstance(model, torch.nn.Module) else None
        try:
            source = f"{source}\n{contents_digest((network, rest), kind.__name__)}"
        except Unreadable as error:
            unreadable = unreadable or str(error)
    return ModelIdentity(
        name=str(getattr(model, "name", kind.__name__)),
        weights_sha256=hashlib.sha256(source.encode()).hexdigest(),
        weights_label=label,
        settings={n: stable_text(held[n]) for n in sorted(held) if not n.startswith("_")},
        unreadable=unreadable,
    )
