"""Torch models of other people, opened at their spectrogram.

Nearly every transcription model holds its spectrogram at some moment: a module gives it (``at =
"output"``) or is given it (``"input"``). An :class:`Opening` names that module and says what its
numbers are: which dimension is which, which frequencies and how fast the frames, and how magnitudes
are written down (:class:`Scale`). From there on everything that perturbs a spectrogram acts on it.

Two kinds of code stand around such a module:

* :class:`OpenedProgram`: a program from samples to notes, whatever it does in between. It sees each
  recording whole, and calls the module once or in segments of its own.
* :class:`OpenedNetwork`: a network from blocks of samples to activations. It streams, and takes the
  blocks of all conditions as one batch.

Both run twice. First on the sound, to hear what the spectrogram is; this run ends at the module
where nothing else is wanted. Then on *silence* of the same length, with the perturbed spectrogram
put in its place. So nothing of the sound can pass by: where a model has another way in, even the
spectrogram as it was gives other notes than the model alone.

The hooks stand only while a run lasts, act on the calls of their own thread only, and leave those
of other people where they are.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from pi_amt.core.audio import resample
from pi_amt.core.checks import check_choice
from pi_amt.core.hashing import stable_text
from pi_amt.core.notes import LOWEST_PITCH, N_PITCHES, Notes
from pi_amt.core.spectrogram import Spectrogram
from pi_amt.core.units import Floats, Samples, frames_to_seconds
from pi_amt.models.devices import map_on_threads
from pi_amt.models.transcriber import Activations, BatchedTranscriber, ModelIdentity

#: what the letters of ``axes`` stand for
AXES = {"b": "blocks", "c": "channels", "f": "frequencies", "t": "times", "1": "a single entry"}
_ORDER = "bcft"
# Largest error of a scale that is read and written again, as a share of the values' range.
_SCALE_ERROR = 1e-4

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


LINEAR = Scale(lambda values: values, lambda values: values)


def log_scale(add: float, *, base: float = math.e, gain: float = 1.0, power: float = 1.0) -> Scale:
    """``log_base(add + gain · magnitude ** power)``, for example ``log_scale(1.0, base=10)`` for
    log10(1 + x) and ``log_scale(1e-5)`` for log(x + 1e-5).

    Both directions are computed in float64, so that only rounding to the module's own type is lost.
    """

    def write(magnitude: torch.Tensor) -> torch.Tensor:
        x = gain * magnitude.double() ** power
        y = (math.log(add) + torch.log1p(x / add)) / math.log(base)
        return y.to(magnitude.dtype)

    def read(y: torch.Tensor) -> torch.Tensor:
        x = add * torch.expm1(y.double() * math.log(base) - math.log(add))
        return ((x / gain).clamp(min=0.0) ** (1.0 / power)).to(y.dtype)

    return Scale(write, read)


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


class _Heard(BaseException):
    """Ends a run from inside a hook; no ``except Exception`` on the way takes it."""


@dataclass(frozen=True, eq=False)
class Opening:
    """Where a model's spectrogram is, and what its numbers are.

    Attributes:
        network: the torch model; its weights identify it in a store.
        module: dotted name of the module in it (``named_modules``).
        axes: a letter for each dimension of the module's tensor: ``b`` blocks, ``c`` channels,
            ``f`` frequencies, ``t`` times, ``1`` a single entry, such as ``"b1ft"``.
        frequencies: ``(bins,)`` Hz, ascending.
        window_seconds: analysis window of each bin ``(bins,)``, or of all.
        frame_rate: frames per second.
        at: ``output`` of the module, or its first ``input``.
        scale: how magnitudes are written down.
        response: of a steady tone, where it is known; see :class:`~pi_amt.Spectrogram`.
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
    _place: torch.nn.Module = field(init=False, repr=False)

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
        try:
            object.__setattr__(self, "_place", self.network.get_submodule(self.module))
        except AttributeError as error:
            names = [name for name, _ in self.network.named_modules() if name]
            raise ValueError(
                f"module: got {self.module!r} ({error}), expected one of {', '.join(names[:20])}"
            ) from None

    def identity(self, name: str, label: str, settings: Mapping[str, Any]) -> ModelIdentity:
        """The network by the contents of its weights, beside the options of whoever runs it."""
        sha256 = hashlib.sha256(stable_text(self.network.state_dict()).encode()).hexdigest()
        return ModelIdentity(name, sha256, label, dict(settings))

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
                "the model uses"
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

        def replace(raw: torch.Tensor) -> torch.Tensor:
            nonlocal taken
            own = self._in_order(raw)
            part = values[taken : taken + len(own)]
            taken += len(own)
            if part.shape != own.shape:
                raise ValueError(
                    f"module: {self.module!r} gave {tuple(own.shape)} in a run on silence, "
                    f"expected {tuple(part.shape)} as of the sound: what it gives must not depend "
                    "on what is heard"
                )
            return self._as_found(self.scale.write(part.to(raw.device)), raw)

        with torch.no_grad(), self._hooked(replace):
            result = run()
        if taken != len(values):
            raise ValueError(
                f"module: {self.module!r} took {taken} blocks in a run on silence, expected "
                f"{len(values)} as of the sound"
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
        )

    @contextmanager
    def _hooked(self, act: Callable[[torch.Tensor], torch.Tensor | None]) -> Iterator[None]:
        """``act`` on the tensor of every call of this thread; what it returns takes its place."""
        own = threading.get_ident()

        def on_input(_: torch.nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...] | None:
            if threading.get_ident() != own:
                return None
            new = act(self._tensor(given[0] if given else None))
            return None if new is None else (new, *given[1:])

        def on_output(_: torch.nn.Module, __: Any, found: Any) -> torch.Tensor | None:
            return act(self._tensor(found)) if threading.get_ident() == own else None

        if self.at == "input":
            handle = self._place.register_forward_pre_hook(on_input)
        else:
            handle = self._place.register_forward_hook(on_output)
        try:
            yield
        finally:
            handle.remove()

    def _tensor(self, found: Any) -> torch.Tensor:
        """What the module gives or is given, if it is what the opening says.

        Raises:
            ValueError: if it is no tensor, or of other dimensions.
        """
        what = f"the {self.at} of {self.module!r}"
        if not isinstance(found, torch.Tensor):
            raise ValueError(f"module: {what} is {type(found).__name__}, expected one tensor")
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

    def _check_scale(self, raw: torch.Tensor, values: torch.Tensor) -> None:
        """Raise ``ValueError`` where a scale does not give back what it read."""
        if self.scale is LINEAR or not raw.numel() or not torch.isfinite(raw).all():
            return
        error = float((self.scale.write(values) - raw).abs().max())
        if not error <= _SCALE_ERROR * max(float(raw.abs().max()), 1e-6):
            raise ValueError(
                f"scale: got values up to {error:.3g} away after read and write of the "
                f"{self.at} of {self.module!r}, which go from {float(raw.min()):.3g} to "
                f"{float(raw.max()):.3g}, expected the same: give the front end's own logarithm"
            )


class OpenedProgram:
    """A program from samples to notes, opened at its spectrogram: a model of three methods.

    The program may call the module once for the whole recording, or in segments of one length. A
    program that calls it once runs no further than that to hear a spectrogram.

    Args:
        opening: where its spectrogram is.
        program: samples ``(samples,)`` float32 at ``sample_rate`` → notes.
        name: in rows and tables.
        sample_rate: of the program, Hz.
        front_end: samples → anything, calling the module as the program does; where it is cheaper.
        first_seconds: time of the first frame of the first segment.
        step_seconds: from one segment to the next; 0: the program calls the module once.
        resample: samples, their rate and another → samples; where the program has a way of its own.
        label: of the weights, for people.
        settings: options of the program that change a result.
    """

    def __init__(
        self,
        opening: Opening,
        program: Callable[[Samples], Notes],
        *,
        name: str,
        sample_rate: int,
        front_end: Callable[[Samples], object] | None = None,
        first_seconds: float = 0.0,
        step_seconds: float = 0.0,
        resample: Callable[[Samples, int, int], Samples] = resample,
        label: str = "user model",
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.sample_rate = sample_rate
        self.identity = opening.identity(name, label, settings or {})
        self._opening, self._program, self._front_end = opening, program, front_end or program
        self._first, self._step, self._resample = first_seconds, step_seconds, resample

    def analyze(
        self, samples: Samples, sample_rate: int, *, tuning_cents: float = 0.0
    ) -> Spectrogram:
        """The spectrogram of the whole recording; a segment of the program is a block."""
        samples = self._resample(samples, sample_rate, self.sample_rate)
        calls = self._opening.hear(lambda: self._front_end(samples), first_only=not self._step)
        if len({call.shape[1:] for call in calls}) > 1:
            shapes = sorted({tuple(call.shape) for call in calls})
            raise ValueError(
                f"module: got calls of shapes {shapes}, expected segments of one length"
            )
        values = torch.cat(calls)
        starts: Floats = self._first + self._step * np.arange(len(values), dtype=np.float64)
        return self._opening.spectrogram(
            values, starts, len(samples), self.sample_rate, tuning_cents
        )

    def activations(self, spectrogram: Spectrogram) -> dict[str, NDArray[Any]]:
        """``events (frames, 88, 5)`` of the program's notes, see :func:`events_of`."""
        silence = np.zeros(spectrogram.n_samples, dtype=np.float32)
        notes = self._opening.put(lambda: self._program(silence), spectrogram.tensor)
        seconds = spectrogram.n_samples / spectrogram.sample_rate
        return {"events": events_of(notes, seconds, spectrogram.frame_rate)}

    def decode(self, activations: Mapping[str, NDArray[Any]]) -> Notes:
        """The program's notes."""
        return notes_of(activations["events"])

    def pitch_activity(self, activations: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """``(frames, 88)``: 1 where one of the program's notes sounds."""
        return np.asarray(activations["events"][..., 0], dtype=np.float32)


def events_of(notes: Notes, seconds: float, frame_rate: float) -> NDArray[np.float64]:
    """Notes as frames ``(frames, 88, 5)``, from which :func:`notes_of` has them back to the bit.

    The five are: whether the pitch sounds, whether a note is entered here, and its onset, offset
    and velocity. A note is entered in the frame of its onset, or in the next free one of its pitch.

    Raises:
        ValueError: for a pitch that no piano has.
    """
    keys = np.rint(notes.pitches).astype(np.int64) - LOWEST_PITCH
    if len(keys) and (keys.min() < 0 or keys.max() >= N_PITCHES):
        raise ValueError(
            f"notes: got pitches {notes.pitches.min():g} to {notes.pitches.max():g}, expected the "
            f"keys of a piano, {LOWEST_PITCH} to {LOWEST_PITCH + N_PITCHES - 1}"
        )
    most = int(np.bincount(keys, minlength=1).max())
    frames = max(1, math.ceil(seconds * frame_rate), most)
    events = np.zeros((frames, N_PITCHES, 5))
    first = np.clip((notes.onsets * frame_rate).astype(np.int64), 0, frames - 1)
    end = np.maximum(np.ceil(notes.offsets * frame_rate).astype(np.int64), first + 1)
    entries = np.stack([notes.onsets, notes.offsets, notes.velocities], axis=1)
    for key, begin, stop, entry in zip(keys, first, end, entries, strict=True):
        events[begin:stop, key, 0] = 1.0
        free = np.flatnonzero(events[:, key, 1] == 0.0)
        place = free[np.searchsorted(free, begin) % len(free)]
        events[place, key, 1:] = 1.0, *entry
    return events


def notes_of(events: NDArray[np.float64]) -> Notes:
    """The notes of :func:`events_of`."""
    frame, key = np.nonzero(events[..., 1])
    onsets, offsets, velocities = events[frame, key, 2:].T
    return Notes.from_arrays(onsets, offsets, key + float(LOWEST_PITCH), velocities)


class OpenedNetwork(BatchedTranscriber):
    """A network from blocks of samples to activations, opened at its spectrogram.

    Blocks overlap by twice ``margin_frames``; what the network says of a block's margins is left to
    its neighbours. The network is one whose blocks know nothing of each other.

    Args:
        opening: where its spectrogram is. Its frames stand on multiples of the hop, the first one
            at ``first_seconds`` of the block.
        network: samples ``(blocks, samples)`` → activations by name, ``(blocks, frames, …)`` with
            the spectrogram's frames.
        decode: activations of a recording, ``(frames, …)`` by name → notes.
        pitch_activity: activations → ``(frames, 88)`` in [0, 1], for frame-level scores.
        name: in rows and tables.
        sample_rate: of the network, Hz.
        block_frames: length of a block.
        margin_frames: at both ends of a block.
        first_seconds: time of a block's first frame after its first sample.
        frame_threshold: on the pitch activity.
        label: of the weights, for people.
        settings: options that change a result.
    """

    def __init__(
        self,
        opening: Opening,
        network: Callable[[torch.Tensor], Mapping[str, torch.Tensor]],
        decode: Callable[[Activations], Notes],
        pitch_activity: Callable[[Mapping[str, NDArray[Any]]], NDArray[np.float32]],
        *,
        name: str,
        sample_rate: int,
        block_frames: int,
        margin_frames: int = 0,
        first_seconds: float = 0.0,
        frame_threshold: float = 0.5,
        label: str = "user model",
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        hop = sample_rate / opening.frame_rate
        if abs(hop - round(hop)) > 1e-6:
            raise ValueError(
                f"frame_rate: got {opening.frame_rate:g} at {sample_rate} Hz, expected a whole "
                "number of samples from frame to frame"
            )
        if not 0 <= 2 * margin_frames < block_frames:
            raise ValueError(
                f"got margin_frames {margin_frames} of block_frames {block_frames}, expected less "
                "than half of it"
            )
        self.sample_rate, self.frame_rate = sample_rate, opening.frame_rate
        self.core_frames = slice(margin_frames, block_frames - margin_frames)
        self.frame_threshold = frame_threshold
        about = {"block_frames": block_frames, "margin_frames": margin_frames}
        self.identity = opening.identity(name, label, about | dict(settings or {}))
        weights = next(opening.network.parameters(), next(opening.network.buffers(), None))
        self.device = torch.device("cpu") if weights is None else weights.device
        self._opening, self._network, self._decode = opening, network, decode
        self._activity, self._hop = pitch_activity, round(hop)
        self._block, self._margin, self._first = block_frames, margin_frames, first_seconds

    def resampled(self, samples: Samples, sample_rate: int) -> tuple[Samples, int]:
        """Audio at the network's rate; see the base class."""
        return resample(samples, sample_rate, self.sample_rate), self.sample_rate

    def stream(
        self, samples: Samples, sample_rate: int, *, tuning_cents: float = 0.0
    ) -> Iterator[Spectrogram]:
        """Audio → spectrograms of ``stream_blocks`` blocks; see the base class."""
        samples = resample(samples, sample_rate, self.sample_rate)
        step, margin = self._block - 2 * self._margin, self._margin
        count = -(-self._frames(len(samples)) // step)
        length = (count * step + 2 * margin) * self._hop
        padded = np.zeros(length, dtype=np.float32)
        padded[margin * self._hop : margin * self._hop + len(samples)] = samples
        blocks = np.lib.stride_tricks.sliding_window_view(padded, self._block * self._hop)
        blocks = blocks[:: step * self._hop]
        for first in range(0, count, self.stream_blocks):
            part = blocks[first : min(first + self.stream_blocks, count)]
            numbers = np.arange(first, first + len(part))
            starts = (numbers * step - margin) / self.frame_rate + self._first
            yield self._opening.spectrogram(
                self._heard(part), starts, len(samples), self.sample_rate, tuning_cents
            )

    def _heard(self, blocks: NDArray[np.float32]) -> torch.Tensor:
        """What the front end makes of blocks, in batches of one fixed size."""

        def hear(start: int) -> torch.Tensor:
            batch = np.zeros((self.micro_batch, blocks.shape[1]), dtype=np.float32)
            part = blocks[start : start + self.micro_batch]
            batch[: len(part)] = part
            sound = torch.from_numpy(batch).to(self.device)
            return self._opening.hear(lambda: self._network(sound), first_only=True)[0]

        parts = map_on_threads(hear, range(0, len(blocks), self.micro_batch), self.device)
        return torch.cat(parts)[: len(blocks)]

    def network(self, values: torch.Tensor, reference: Any) -> dict[str, torch.Tensor]:
        """Values of some blocks → the network's activations of their kept frames."""
        silence = torch.zeros(len(values), self._block * self._hop, device=self.device)
        outputs = self._opening.put(lambda: self._network(silence), values)
        for name, output in outputs.items():
            if output.shape[:2] != (len(values), values.shape[-1]):
                raise ValueError(
                    f"network: got {name!r} of shape {tuple(output.shape)}, expected (blocks, "
                    f"frames, …) with {len(values)} blocks and {values.shape[-1]} frames"
                )
        return {name: output[:, self.core_frames] for name, output in outputs.items()}

    def stitcher(self, n_samples: int) -> _Joined:
        """Joins the kept frames of blocks and ends with the recording."""
        return _Joined(self._frames(n_samples))

    def decoder(self) -> _Collected:
        """Collects the activations of a recording for ``decode``."""
        return _Collected(self._decode)

    def frame_times(self, n: int, start: int = 0) -> Floats:
        """Times ``(n,)`` of frames from number ``start`` on; see the base class."""
        return self._first + frames_to_seconds(np.arange(start, start + n), self.frame_rate)

    def pitch_activity(self, activations: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """As given; see the base class."""
        return self._activity(activations)

    def _frames(self, n_samples: int) -> int:
        return max(1, -(-n_samples // self._hop))


class _Joined:
    def __init__(self, frames: int) -> None:
        self._missing = frames
        self._none: Activations = {}

    def push(self, outputs: Mapping[str, torch.Tensor]) -> Activations:
        joined = {
            name: output.flatten(0, 1)[: self._missing].float().cpu().numpy()
            for name, output in outputs.items()
        }
        self._missing -= len(next(iter(joined.values())))
        self._none = {name: values[:0] for name, values in joined.items()}
        return joined

    def finish(self) -> Activations:
        return self._none


class _Collected:
    def __init__(self, decode: Callable[[Activations], Notes]) -> None:
        self._decode = decode
        self._parts: list[Mapping[str, NDArray[np.float32]]] = []

    def push(self, activations: Mapping[str, NDArray[np.float32]]) -> None:
        self._parts.append(activations)

    def finish(self) -> Notes:
        parts = self._parts
        return self._decode({n: np.concatenate([part[n] for part in parts]) for n in parts[0]})
