"""What recordings cost to compute, and how much of a study is done.

Models differ thirtyfold in what they cost, and recordings in length, so that counts of recordings
tell little. A table of measured costs is the first guess; what is measured in the study itself (on
another machine, on a GPU, with other options) corrects it, model by model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

#: Computing seconds per second of audio on one core, measured by benchmarks/ (docs/benchmarks.md):
#: (front end once, each condition).
COST_PER_SECOND = {"basic_pitch": (0.004, 0.0037), "timbre_trap": (0.02, 0.125)}
_COST_OF_OTHERS = (0.01, 0.1)
_UNKNOWN_LENGTH_SECONDS = 60.0
# A job tells how long it will take once this share is done: before, it may only have looked
# through the whole recording.
_SHARE_THAT_TELLS = 0.05


def core_seconds(model: str, audio_seconds: float, conditions: int) -> float:
    """Computing seconds of one core for some audio under so many conditions."""
    front_end, each = COST_PER_SECOND.get(model, _COST_OF_OTHERS)
    return audio_seconds * (front_end + each * conditions)


@dataclass(frozen=True)
class UnderWay:
    """How far a job in flight is: the share that is done, and the seconds that it took."""

    share: float
    took_seconds: float


@dataclass(slots=True)
class _Item:
    """One job: what it costs per second of audio where the table was measured, and how much audio
    that is, ``None`` where it is not known yet."""

    model: str
    dataset: str
    per_second: float
    audio_seconds: float | None
    finished: bool = False


@dataclass
class _Sum:
    """Two numbers that are added up for many jobs."""

    first: float = 0.0
    second: float = 0.0

    def add(self, first: float, second: float) -> None:
        self.first += first
        self.second += second

    def ratio(self, otherwise: float) -> float:
        """The first over the second."""
        return self.first / self.second if self.second > 0 else otherwise


class Workload:
    """The jobs of a study, and what is known of their costs.

    Sums are kept, so that asking takes no longer where jobs are many.
    """

    def __init__(self) -> None:
        self._items: list[_Item] = []
        self._spent = 0.0
        # of unfinished jobs: cost where the length is known, cost per second where it is not
        self._left: dict[tuple[str, str], _Sum] = {}
        self._told: dict[str, _Sum] = {}  # by model: seconds that were taken and expected
        self._lengths: dict[str, _Sum] = {}  # by dataset: seconds of audio and recordings

    def __len__(self) -> int:
        return len(self._items)

    def add(self, model: str, dataset: str, conditions: int, audio_seconds: float | None) -> int:
        """One more job; returns its number."""
        item = _Item(model, dataset, core_seconds(model, 1.0, conditions), audio_seconds)
        self._items.append(item)
        self._told.setdefault(model, _Sum())
        lengths = self._lengths.setdefault(dataset, _Sum())
        if audio_seconds is not None:
            lengths.add(audio_seconds, 1)
        self._change_left(item, 1)
        return len(self._items) - 1

    def finish(
        self, number: int, took_seconds: float, audio_seconds: float | None, *, failed: bool = False
    ) -> None:
        """Count a job as over.

        Args:
            number: of the job.
            took_seconds: computing time.
            audio_seconds: length of the recording, where it is known.
            failed: it was not computed to its end: its time tells nothing about others.
        """
        item = self._items[number]
        self._change_left(item, -1)
        item.finished = True
        self._spent += took_seconds
        if item.audio_seconds is None and audio_seconds is not None:
            self._lengths[item.dataset].add(audio_seconds, 1)
            item.audio_seconds = audio_seconds
        if item.audio_seconds is not None and not failed:
            self._told[item.model].add(took_seconds, item.per_second * item.audio_seconds)

    def _change_left(self, item: _Item, sign: int) -> None:
        left = self._left.setdefault((item.model, item.dataset), _Sum())
        if item.audio_seconds is None:
            left.add(0, sign * item.per_second)
        else:
            left.add(sign * item.per_second * item.audio_seconds, 0)

    def done_and_left(self, under_way: Mapping[int, UnderWay]) -> tuple[float, float]:
        """Seconds of one worker that were spent, and that are still to be spent.

        Args:
            under_way: number of the job → how far it is, for jobs in flight.
        """
        flight = [(self._items[n], u) for n, u in under_way.items() if not self._items[n].finished]
        lengths = self._mean_lengths()
        rates = self._rates(flight, lengths)
        left = sum(
            rates[model] * (known.first + known.second * lengths[dataset])
            for (model, dataset), known in self._left.items()
        )
        for item, told in flight:
            left -= rates[item.model] * told.share * _cost(item, lengths)
        done = self._spent + sum(told.took_seconds for _, told in flight)
        return done, max(left, 0.0)  # sums of many numbers end near zero, on either side

    def _mean_lengths(self) -> dict[str, float]:
        """Seconds of a recording of each dataset, as far as they are known."""
        overall = _total(self._lengths.values()).ratio(_UNKNOWN_LENGTH_SECONDS)
        return {name: known.ratio(overall) for name, known in self._lengths.items()}

    def _rates(
        self, flight: Sequence[tuple[_Item, UnderWay]], lengths: Mapping[str, float]
    ) -> dict[str, float]:
        """For each model, how many times as long as expected its recordings take here."""
        told = {model: replace(known) for model, known in self._told.items()}
        for item, one in flight:
            if one.share >= _SHARE_THAT_TELLS:
                told[item.model].add(one.took_seconds, one.share * _cost(item, lengths))
        overall = _total(told.values()).ratio(1.0)
        return {model: known.ratio(overall) for model, known in told.items()}


def _cost(item: _Item, lengths: Mapping[str, float]) -> float:
    """What a job would cost where the table was measured."""
    known = item.audio_seconds
    return item.per_second * (lengths[item.dataset] if known is None else known)


def _total(sums: Iterable[_Sum]) -> _Sum:
    total = _Sum()
    for one in sums:
        total.add(one.first, one.second)
    return total
