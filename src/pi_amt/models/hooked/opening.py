"""Where a torch model's spectrogram is, and what its numbers are.

An :class:`Opening` names a module that gives the spectrogram (``at="output"``) or is given it
(``"input"``), says which dimension is which, which frequencies and how fast the frames, and how
magnitudes are written down (:class:`Scale`). It hears what stands there, and puts something else in
its place.

The hooks stand only while a run lasts, act on the calls of their own thread only, and leave those
of other people where they are.
"""

from __future__ import annotations

import hashlib
import math
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from pi_amt.core.checks import check_choice, check_fingerprint
from pi_amt.core.contents import contents_digest, readable, texts_of_function
from pi_amt.core.hashing import digest, stable_text
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.text import plural
from pi_amt.core.units import Floats, frames_to_seconds
from pi_amt.models.transcriber import ModelIdentity

#: what the letters of ``axes`` stand for
AXES = {"b": "blocks", "c": "channels", "f": "frequencies", "t": "times", "1": "a single entry"}
_ORDER = "bcft"
# Largest error of a scale that is read and written again, as a share of the values' range.
_SCALE_ERROR = 1e-4
# By how much magnitudes may be rounded, as a share of each.
_ROUNDING = 1e-6

Convert = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Scale:
    """How a front end writes magnitudes down.

    Attributes:
        write: linear magnitudes (or complex coefficients) → the module's numbers.
        read: the inverse of ``write``.
    """

    write: Convert
    read: Convert


def _as_it_is(values: torch.Tensor) -> torch.Tensor:
    return values


LINEAR = Scale(_as_it_is, _as_it_is)


def log_scale(add: float, *, base: float = math.e, gain: float = 1.0, power: float = 1.0) -> Scale:
    """``log_base(add + gain · magnitude ** power)``, for example ``log_scale(1.0, base=10)`` for
    log10(1 + x) and ``log_scale(1e-5)`` for log(x + 1e-5).

    Both directions are computed in float64, so that only rounding to the module's own type is lost.
    """

    write = partial(_write_log, add=add, base=base, gain=gain, power=power)
    return Scale(write, partial(_read_log, **write.keywords))


def _write_log(
    magnitude: torch.Tensor, *, add: float, base: float, gain: float, power: float
) -> torch.Tensor:
    x = gain * magnitude.double() ** power
    y = (math.log(add) + torch.log1p(x / add)) / math.log(base)
    return y.to(magnitude.dtype)


def _read_log(
    y: torch.Tensor, *, add: float, base: float, gain: float, power: float
) -> torch.Tensor:
    if y.is_complex():
        raise ValueError(
            "scale: got complex coefficients, expected the logarithm of magnitudes: a module "
            "that gives complex coefficients needs no scale"
        )
    x = add * torch.expm1(y.double() * math.log(base) - math.log(add))
    return ((x / gain).clamp(min=0.0) ** (1.0 / power)).to(y.dtype)


def filterbank_response(
    windows: NDArray[Any], filters: NDArray[Any], sample_rate: float, *, of_power: bool
) -> Callable[[Floats], Floats]:
    """How a filterbank on a Fourier transform hears steady tones: a ``response`` for mel bands and
    the like.

    Args:
        windows: ``(samples,)``, or ``(channels, samples)`` where there are several; the response is
            then their mean, each with its own peak as 1.
        filters: ``(samples // 2 + 1, bins)`` weights of the bands.
        sample_rate: Hz.
        of_power: whether the filters add up powers, or magnitudes.
    """
    fine, far = 16, 128  # points per bin of the transform, and how far from the tone it is computed
    windows = np.atleast_2d(np.asarray(windows, dtype=np.float64))
    length = windows.shape[1]
    spectra = np.abs(np.fft.rfft(windows, fine * length, axis=1))[:, : fine * far]
    spectra /= windows.sum(axis=1, keepdims=True)
    distances = np.arange(fine * far) / fine

    def response(hz: Floats) -> Floats:
        away = np.abs(np.arange(len(filters)) - hz[:, None] * length / sample_rate)
        power = np.zeros((len(hz), filters.shape[1]))
        for spectrum in spectra:
            magnitude = np.interp(away, distances, spectrum, right=0.0)
            power += magnitude**2 @ filters if of_power else (magnitude @ filters) ** 2
        return power / len(spectra)

    return response


def _is_ours(function: Any) -> bool:
    """Whether a function is part of pi_amt."""
    return (getattr(function, "__module__", None) or "").startswith("pi_amt.")


def _answers_otherwise_in_training(part: torch.nn.Module) -> bool:
    """Whether a module, but for what is inside of it, draws or learns while it is trained."""
    if isinstance(part, _BatchNorm):
        return bool(part.track_running_stats)
    if isinstance(part, _DropoutNd):
        return bool(part.p > 0)
    if isinstance(part, torch.nn.RNNBase):  # its dropout is between layers
        return bool(part.dropout > 0 and part.num_layers > 1)
    if isinstance(part, torch.nn.MultiheadAttention):
        return bool(part.dropout > 0)
    return isinstance(part, torch.nn.RReLU)


class _AsWritten:
    """While anybody is within, what ``torch.compile`` has made runs as it was written.

    A model that ran before it was opened would go on with the code that was compiled then, which
    knows of no hook. The setting is one of the whole process: the first one sets it, and the last
    one puts it back. torch has it from version 2.6 on.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._before: Any = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        # until something is compiled nobody need wait for the compiler to be imported
        stance = getattr(torch.compiler, "set_stance", None)
        if stance is None or "torch._dynamo" not in sys.modules:
            yield
            return
        with self._lock:
            if not self._inside:
                self._before = stance("force_eager")
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside:
                    self._before.__exit__(None, None, None)


_as_written = _AsWritten()


class _Heard(BaseException):
    """Ends a run from inside a hook; no ``except Exception`` on the way takes it."""


@dataclass(frozen=True, eq=False)
class Opening:
    """Where a model's spectrogram is, and what its numbers are.

    Attributes:
        network: the torch model; its weights are part of what identifies it in a store.
        module: dotted name of the module in it (``named_modules``).
        axes: a letter for each dimension of the module's tensor: ``b`` blocks, ``c`` channels,
            ``f`` frequencies, ``t`` times, ``1`` a single entry, such as ``"b1ft"``.
        frequencies: ``(bins,)`` Hz, ascending.
        window_seconds: analysis window of each bin ``(bins,)``, or of all.
        frame_rate: frames per second.
        at: ``output`` of the module, or its first ``input``.
        scale: how magnitudes are written down.
        response: of a steady tone, where it is known; see :class:`~pi_amt.Spectrogram`.
        linear_input: whether what follows the module hears magnitudes as they are, and takes no
            logarithm of them; see :class:`~pi_amt.Spectrogram`.
    """

    network: torch.nn.Module
    module: str
    axes: str
    frequencies: Floats
    window_seconds: ArrayLike
    frame_rate: float
    at: str = "output"
    scale: Scale = LINEAR
    response: Callable[[Floats], Floats] | None = None
    linear_input: bool = False
    _place: torch.nn.Module = field(init=False, repr=False)
    _is_copy: bool = field(init=False, repr=False, default=False)

    def __post_init__(self) -> None:
        check_choice("at", self.at, ("output", "input"))
        letters = self.axes.replace("1", "")
        if (
            set(letters) - set(AXES)
            or len(set(letters)) != len(letters)
            or not set(letters) >= {"f", "t"}
        ):
            raise ValueError(
                f"axes: got {self.axes!r}, expected f and t, b and c where there are blocks and "
                "channels, each once, and 1 for dimensions of one entry, such as 'b1ft'"
            )
        if not isinstance(self.network, torch.nn.Module):
            inside = getattr(self.network, "__dict__", {}).items()
            held = [name for name, one in inside if isinstance(one, torch.nn.Module)]
            raise TypeError(
                f"network: got {type(self.network).__name__}, expected a torch module"
                f"{f', such as what it holds as {held[0]}' if held else ''}"
            )
        if not isinstance(self.module, str):
            raise TypeError(
                f"module: got {type(self.module).__name__}, expected the dotted name of one in the "
                "network, a text as named_modules gives it"
            )
        try:
            object.__setattr__(self, "_place", self.network.get_submodule(self.module))
        except AttributeError as error:
            names = [name for name, _ in self.network.named_modules() if name]
            raise ValueError(
                f"module: got {self.module!r} ({error}), expected one of {', '.join(names[:20])}"
            ) from None
        try:
            self._place.register_forward_pre_hook(lambda *_: None).remove()
        except RuntimeError:
            raise ValueError(
                f"module: got {self.module!r}, which torch.jit.script made, expected one that "
                "takes hooks: open a module before or after it, or the model as it was before it "
                "was scripted"
            ) from None

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _is_copy=True)

    def identity(
        self,
        name: str,
        label: str,
        settings: Mapping[str, Any],
        functions: Sequence[Callable[..., Any]],
        numbers: Sequence[float],
        fingerprint: str | None,
    ) -> ModelIdentity:
        """By what rows of an opened model are found again.

        That is the contents of the network's weights, what this opening says of its numbers, and
        the functions around the network with what they take from outside. Of models that are part
        of pi_amt only the weights count: their functions change with the method's version.

        Args:
            name, label, settings: of the model.
            functions: the first one is the program, or the network, as it is called.
            numbers: rates and times by which they are called.
            fingerprint: takes the place of what cannot be read.

        Raises:
            ValueError: if the fingerprint is no text.
        """
        if fingerprint is not None:
            check_fingerprint("fingerprint", fingerprint)
        sha256 = hashlib.sha256(stable_text(self.network.state_dict()).encode()).hexdigest()
        identity = ModelIdentity(
            name, sha256, label, dict(settings), linear_input=self.linear_input
        )
        if _is_ours(functions[0]):
            return identity
        texts, unreadable = readable(self._texts(name, functions, numbers))
        told = digest([sha256, texts, fingerprint])
        unreadable = unreadable if fingerprint is None else ""
        return replace(identity, weights_sha256=told, unreadable=unreadable)

    def _texts(
        self, name: str, functions: Sequence[Callable[..., Any]], numbers: Sequence[float]
    ) -> Iterator[str]:
        """What of an opened model counts beside its weights; see :meth:`identity`."""
        geometry = (self.frequencies, self.window_seconds, self.frame_rate, numbers)
        yield stable_text([np.asarray(values, dtype=np.float64) for values in geometry])
        yield stable_text([self.module, self.axes, self.at])
        for function in (self.scale.write, self.scale.read, self.response, *functions):
            own = function.func if isinstance(function, partial) else function
            if _is_ours(own):
                yield contents_digest(function, name)
            elif own is not None:
                yield from texts_of_function(function, name)

    def hear(self, run: Callable[[], object], *, first_only: bool = False) -> list[torch.Tensor]:
        """What stands there while something runs: values ``(blocks, bins, frames)``, or with
        channels ``(blocks, channels, bins, frames)``, of every call of the module.

        Args:
            run: calls the module.
            first_only: end the run with the module's first call.

        Raises:
            ValueError: if the module is not called, or its tensor does not fit the opening.
        """
        found: list[torch.Tensor] = []

        def listen(raw: torch.Tensor) -> None:
            ordered = self._in_order(raw)
            # numpy knows nothing of bfloat16, and powers of large values do not fit into float16
            if ordered.dtype in (torch.bfloat16, torch.float16):
                ordered = ordered.float()
            values = self.scale.read(ordered)
            self._check_scale(ordered, values)
            with torch.inference_mode(False):  # a model's own mode would leave tensors of its own
                # what comes next in the model may compute in place
                found.append(values.clone(memory_format=torch.contiguous_format))
            if first_only:
                raise _Heard

        try:
            with torch.no_grad(), self._hooked(listen):
                run()
        except _Heard:
            pass
        if not found:
            raise ValueError(
                f"module: {self.module!r} was not called (in this thread), expected a module that "
                f"the model uses{self._why_not_called()}"
            )
        return found

    def put(self, run: Callable[[], Any], values: torch.Tensor) -> Any:
        """What something returns with other values in that place.

        Args:
            run: calls the module, once or for one piece after the other.
            values: as of :meth:`hear`, the blocks of all calls.

        Raises:
            ValueError: if the calls take more or fewer blocks than there are, or other shapes.
        """
        taken = 0

        def written(raw: torch.Tensor) -> torch.Tensor:
            nonlocal taken
            own = self._in_order(raw)
            if taken and taken == len(values):
                raise ValueError(
                    f"module: {self.module!r} was called again in a run on silence, after it had "
                    f"taken all of the sound ({plural(taken, 'block')}), expected no further call: "
                    "a program that calls it for one segment after the other needs step_seconds; "
                    "where it is called several times for one moment, open a module that is called "
                    "once"
                )
            part = values[taken : taken + len(own)]
            taken += len(own)
            if part.shape != own.shape:
                raise ValueError(
                    f"module: {self.module!r} gave {tuple(own.shape)} in a run on silence, "
                    f"expected {tuple(part.shape)} as of the sound: what it gives must not depend "
                    "on what is heard"
                )
            return self._as_found(self.scale.write(part.to(raw.device)), raw)

        with torch.no_grad(), self._hooked(written):
            result = run()
        if taken != len(values):
            why = "" if taken else ": the model must not answer silence before it calls the module"
            raise ValueError(
                f"module: {self.module!r} took {taken} blocks in a run on silence, expected "
                f"{len(values)} as of the sound{why}"
            )
        return result

    def spectrogram(
        self, values: torch.Tensor, starts: Floats, n_samples: int, rate: int, tuning_cents: float
    ) -> Spectrogram:
        """Values with their geometry.

        Args:
            values: as of :meth:`hear`.
            starts: ``(blocks,)`` time of each block's first frame, seconds.
            n_samples: of the whole recording.
            rate: of the samples, Hz.
            tuning_cents: of the recording.
        """
        hz = np.asarray(self.frequencies, dtype=np.float64)
        frames = frames_to_seconds(np.arange(values.shape[-1]), self.frame_rate)
        return Spectrogram(
            values=values,
            frequencies=hz,
            times=np.asarray(starts)[:, None] + frames,
            window_seconds=np.broadcast_to(np.asarray(self.window_seconds, float), hz.shape).copy(),
            frame_rate=self.frame_rate,
            n_samples=n_samples,
            sample_rate=rate,
            tuning_cents=tuning_cents,
            response=self.response,
            linear_input=self.linear_input,
        )

    @contextmanager
    def _hooked(self, act: Callable[[torch.Tensor], torch.Tensor | None]) -> Iterator[None]:
        """``act`` on the tensor of every call of this thread; what it returns takes its place."""
        own = threading.get_ident()

        def on_input(
            _: torch.nn.Module, given: tuple[Any, ...], named: dict[str, Any]
        ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
            if threading.get_ident() != own:
                return None
            key = "" if given else next(iter(named), "")  # the first of those given by name
            new = act(self._tensor(named[key] if key else next(iter(given), None)))
            if new is None:
                return None
            return (given, {**named, key: new}) if key else ((new, *given[1:]), named)

        def on_output(_: torch.nn.Module, __: Any, found: Any) -> torch.Tensor | None:
            return act(self._tensor(found)) if threading.get_ident() == own else None

        if self.at == "input":
            handle = self._place.register_forward_pre_hook(on_input, with_kwargs=True)
        else:
            handle = self._place.register_forward_hook(on_output)
        try:
            with _as_written():
                yield
        finally:
            handle.remove()

    def _tensor(self, found: Any) -> torch.Tensor:
        """What the module gives or is given, if it is what the opening says.

        Raises:
            ValueError: if it is no tensor, or of other dimensions, or the network is being trained.
        """
        self._check_mode()
        what = f"the {self.at} of {self.module!r}"
        if not isinstance(found, torch.Tensor):
            raise ValueError(
                f"module: {what} is {type(found).__name__}, expected one tensor: open a module "
                'inside of it that gives the spectrogram, or with at="input" one that is given it'
            )
        shape = tuple(found.shape)
        if len(shape) != len(self.axes):
            raise ValueError(
                f"axes: got {self.axes!r} for {what} of shape {shape}, expected a letter for each "
                f"of its {len(shape)} dimensions"
            )
        for letter, size in zip(self.axes, shape, strict=True):
            wanted = {"f": len(self.frequencies), "1": 1}.get(letter, size)
            if size != wanted:
                raise ValueError(
                    f"axes: got {self.axes!r} for {what} of shape {shape}, which makes {size} "
                    f"{AXES[letter]}, expected {wanted}{self._hint(shape)}"
                )
        return found

    def _why_not_called(self) -> str:
        """Why a module may be used and not be called."""
        if isinstance(self.network, torch.jit.ScriptModule):
            return (
                ": the parts of a torch.jit module are not called as modules, open the model itself"
            )
        if self._is_copy:
            return (
                ": this model was copied, as for another process, and what runs it has a network "
                "of its own from its module; hand the network to it (functools.partial), give the "
                'model by name ("module:function" that makes it), or use n_jobs=1'
            )
        return ""

    def _hint(self, shape: tuple[int, ...]) -> str:
        """Where the frequencies may be instead."""
        fitting = [i for i, size in enumerate(shape) if size == len(self.frequencies)]
        return f": dimension {fitting[0]} has as many as frequencies" if len(fitting) == 1 else ""

    def _in_order(self, raw: torch.Tensor) -> torch.Tensor:
        """The module's tensor as ``(blocks, bins, frames)`` or with channels."""
        letters = self.axes.replace("1", "")
        ones = [i for i, letter in enumerate(self.axes) if letter == "1"]
        values = raw.squeeze(ones) if ones else raw
        values = values.permute([letters.index(letter) for letter in _ORDER if letter in letters])
        return values if "b" in letters else values[None]

    def _as_found(self, values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """The inverse of :meth:`_in_order`."""
        letters = self.axes.replace("1", "")
        values = values if "b" in letters else values[0]
        order = [letter for letter in _ORDER if letter in letters]
        values = values.permute([order.index(letter) for letter in letters])
        return values.reshape(like.shape).to(like.dtype)

    def _check_mode(self) -> None:
        """Raise ``ValueError`` where parts answer otherwise while a network is trained.

        It is asked while the model runs, as its program may change the mode itself.
        """
        for name, part in self.network.named_modules():
            if part.training and _answers_otherwise_in_training(part):
                raise ValueError(
                    f"network: got {name or type(part).__name__} ({type(part).__name__}) in "
                    "training mode, where notes are drawn at random or depend on what else is in "
                    "the batch, expected evaluation mode: call .eval() on the network"
                )

    def _check_scale(self, raw: torch.Tensor, values: torch.Tensor) -> None:
        """Raise ``ValueError`` where a scale does not give back what it read."""
        if self.scale is LINEAR or not raw.numel() or not torch.isfinite(raw).all():
            return
        written = self.scale.write(values)
        error = float((written - raw).abs().max())
        size = raw.abs() if raw.is_complex() else raw
        # of decibels below the peak of silence, which are all 0, any rounding is a larger share
        rounding = float((self.scale.write(values * (1 + _ROUNDING)) - written).abs().max())
        if not error <= max(_SCALE_ERROR * max(float(raw.abs().max()), 1e-6), rounding):
            raise ValueError(
                f"scale: got values up to {error:.3g} away after read and write of the "
                f"{self.at} of {self.module!r}, which go from {float(size.min()):.3g} to "
                f"{float(size.max()):.3g}, expected the same: give the front end's own logarithm"
            )
