"""The card of a model: what it relies on, as a small file beside a release, and what has changed.

A card keeps what a :class:`~pi_amt.statistics.reliance.Standing` has: every measure with its
interval, the two numbers of every recording that it is made of, and how it was made. So two cards
are compared recording by recording, and no store is needed for that.

A measure **has changed** where the 95 % interval of its paired difference over the recordings of
both cards excludes 0, and the difference is at least the tolerance. Intervals are not corrected for
the number of measures: a gate is to ring rather once too often.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, isnan, nan
from pathlib import Path
from typing import Any, Self

from pi_amt.core.text import plural
from pi_amt.statistics.bootstrap import Interval
from pi_amt.statistics.inference import FEWEST_COMPOSITIONS, Inference
from pi_amt.statistics.reliance import Measure, Standing, difference, measure_in_words

#: version of the file's form; raised when older files cannot be read
FORMAT = 1
#: differences below this are no news
TOLERANCE = 0.01
_DIGITS = 6
#: facts about the rows that must agree for two cards to be compared
_HELD_EQUAL = ("method", "precision")


@dataclass(frozen=True)
class MeasureChange:
    """One measure that differs between two cards by more than intervals explain."""

    measure: str
    old: float
    new: float
    difference: Interval
    n_pieces: int

    def __str__(self) -> str:
        gap = self.difference
        return (
            f"{self.measure} ({measure_in_words(self.measure)}) went from {self.old:.3f} to "
            f"{self.new:.3f}: {gap.estimate:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}] over "
            f"{plural(self.n_pieces, 'recording')}."
        )


@dataclass(frozen=True)
class Card:
    """One model on one dataset, as it is kept in a file.

    Attributes:
        standing: the measures and how they were made.
    """

    standing: Standing

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """The card of a standing, rounded as it is in the file."""
        return cls.from_dict(cls(standing).as_dict())

    def as_dict(self) -> dict[str, Any]:
        """What the file holds, ready for JSON."""
        one = self.standing
        inference = one.inference
        return {
            "format": FORMAT,
            "model": one.model,
            "dataset": one.dataset,
            **one.facts,
            "score": inference.score,
            "intervals": {
                "level": inference.level,
                "resamples": inference.n_resamples,
                "seed": inference.seed,
                "unit": "composition",
            },
            "measures": {
                name: {
                    "means": measure_in_words(name),
                    "value": _rounded(value.estimate),
                    "interval": [_rounded(value.low), _rounded(value.high)],
                    "recordings": {
                        piece: [_rounded(part) for part in parts]
                        for piece, parts in one.measures[name].parts.items()
                    },
                }
                for name, value in one.values.items()
            },
            "missing": dict(one.missing),
            "residual_db": _rounded(one.residual_db),
            "recordings": {
                piece: {"composition": one.compositions[piece], "data": one.data[piece]}
                for piece in one.compositions
                if piece in one.data
            },
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """The card of a file's contents.

        Raises:
            KeyError, TypeError, ValueError: if they are no card of this format.
        """
        if stored["format"] != FORMAT:
            raise ValueError(f"format {stored['format']}, expected {FORMAT}")
        given = stored["intervals"]
        known = {"format", "model", "dataset", "score", "intervals", "measures", "missing"}
        known |= {"residual_db", "recordings"}
        residual = stored["residual_db"]
        return cls(
            Standing(
                model=stored["model"],
                dataset=stored["dataset"],
                compositions={p: r["composition"] for p, r in stored["recordings"].items()},
                data={piece: r["data"] for piece, r in stored["recordings"].items()},
                measures={
                    name: Measure(
                        {p: (float(t), float(b)) for p, (t, b) in m["recordings"].items()}
                    )
                    for name, m in stored["measures"].items()
                },
                inference=Inference(
                    stored["score"],
                    n_resamples=given["resamples"],
                    seed=given["seed"],
                    level=given["level"],
                ),
                missing=stored["missing"],
                residual_db=nan if residual is None else residual,
                facts={name: value for name, value in stored.items() if name not in known},
            )
        )

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """The card in a file.

        Raises:
            FileNotFoundError: if it is not there.
            ValueError: if it holds no card.
        """
        try:
            return cls.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                f"{path}: got a file that holds no card of this version ({error}), expected one "
                "that pi-amt card MODEL -o FILE wrote"
            ) from None

    def write(self, path: Path | str) -> Path:
        """Write the card as JSON."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        path.write_text(text + "\n", encoding="utf-8")
        return path


def changes(new: Card, old: Card, *, tolerance: float = TOLERANCE) -> list[MeasureChange]:
    """Every measure that has changed, see the module; in the order of the new card.

    Raises:
        ValueError: if the two cannot be compared: another dataset or score, another precision or
            version of the method or of a permutation, or fewer than six compositions with the same
            sound and notes.
    """
    ours, theirs = new.standing, old.standing
    for name, a, b in [
        ("dataset", ours.dataset, theirs.dataset),
        ("score", ours.inference.score, theirs.inference.score),
        *((name, ours.facts.get(name), theirs.facts.get(name)) for name in _HELD_EQUAL),
        *_versions(ours, theirs),
    ]:
        if a != b:
            raise ValueError(f"card: got {name} {a} and {b}, expected the same in both cards")
    shared = [piece for piece, data in ours.data.items() if theirs.data.get(piece) == data]
    if len({ours.compositions[piece] for piece in shared}) < FEWEST_COMPOSITIONS:
        raise ValueError(
            f"card: got {plural(len(shared), 'recording')} that both cards have with the same "
            f"sound and notes, expected at least {FEWEST_COMPOSITIONS} compositions; make both "
            "cards on the same recordings"
        )
    found = []
    for name in ours.measures:
        gap = difference(ours, theirs, name)
        if isnan(gap.low) or gap.low <= 0 <= gap.high or abs(gap.estimate) < tolerance:
            continue
        both = [piece for piece in shared if _has(ours, name, piece) and _has(theirs, name, piece)]
        before, after = (_value(one, name, both) for one in (theirs, ours))
        found.append(MeasureChange(name, before, after, gap, len(both)))
    return found


def _versions(ours: Standing, theirs: Standing) -> Iterator[tuple[str, Any, Any]]:
    """What it is, and its value in either card: the versions of the permutations that both have.
    Older cards do not tell them."""
    a, b = (one.facts.get("permutation_versions") or {} for one in (ours, theirs))
    if bool(a) != bool(b):
        yield "versions of permutations", a or "none", b or "none"
    for name in sorted(a.keys() & b.keys()):
        yield f"versions of {name}", a[name], b[name]


def not_compared(new: Card, old: Card) -> list[str]:
    """Measures that only one of two cards has, so that nothing is said about them."""
    return [
        f"{name}, which only the {which} card has"
        for which, a, b in (("new", new, old), ("old", old, new))
        for name in a.standing.measures
        if name not in b.standing.measures
    ]


def _has(one: Standing, name: str, piece: str) -> bool:
    return name in one.measures and piece in one.measures[name].parts


def _value(one: Standing, name: str, pieces: list[str]) -> float:
    top, bottom = one.measures[name].on(pieces)
    return float(top.sum() / bottom.sum())


def _rounded(value: float) -> float | None:
    return round(value, _DIGITS) if isfinite(value) else None
