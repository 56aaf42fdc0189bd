"""What a reader must be warned of: a baseline at the floor, few recordings, missing rows, failures,
too few repeats, leaks."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence, Set

import numpy as np

from pi_amt.core.text import first_few, plural
from pi_amt.scoring.alignment import SHIFTED_MS, alignment_of, whole_shift
from pi_amt.statistics.estimates import ConditionResult
from pi_amt.statistics.floor import LEAST_SCORE, recordings_at_floor, why_at_floor
from pi_amt.statistics.inference import Inference
from pi_amt.statistics.panels import Panel
from pi_amt.store.rows import COALITION

#: more notes than this share that a condition does not reach are worth a sentence
_FEW = 0.03
#: consistency residual above which a sound is not what a condition made, dB
_KEPT_DB = -10.0
#: differences of scores that rounding alone may make
_ROUNDING = 1e-9


def cautions(panel: Panel, results: Sequence[ConditionResult], inference: Inference) -> list[str]:
    """Plain sentences about one panel; none if there is nothing to say."""
    said = _floor(panel, inference) + _unsteady(panel, inference.score)
    unreached = _out_of_reach(panel)
    for result in results:
        if result.role == COALITION:  # they are told of together
            continue
        said += _of_condition(panel, result, unreached.get(result.condition, ""))
    said += _controls_at_floor(results)
    said += _of_recordings(panel)
    return said + _left_out(panel, inference.score)


def _of_recordings(panel: Panel) -> list[str]:
    """Sentences about recordings that are counted, but should not be, or not as they are."""
    said = []
    if copies := _copies(panel):
        said.append(
            f"{_recordings(copies, 'has', 'have')} the same audio and notes as another one "
            f"({copies[0][1]} as {copies[0][0]}). Each counts as a recording of its own, which "
            "makes intervals and p-values too small."
        )
    if doubtful := _doubtful(panel):
        piece, cause = doubtful[0]
        said.append(
            f"{_recordings(doubtful, 'has', 'have')} notes that hardly fit the sound ({piece}: "
            f"{cause}). Scores and drops mean nothing there."
        )
    if shifted := _shifted(panel, {piece for piece, _ in doubtful}):
        piece, shift = shifted[0]
        said.append(
            f"all onsets of {_recordings(shifted)} are found more than {SHIFTED_MS:g} ms late or "
            f"early ({piece}: {shift}), so the tolerance of 50 ms leaves less room on one side. "
            "Look at F at 150 ms, or run the study again with align=median."
        )
    return said


def _left_out(panel: Panel, score: str) -> list[str]:
    """Sentences about recordings that no mean rests on."""
    said = []
    older, unscored = _without_score(panel, score), _unscored(panel, score)
    if failed := _failed(panel):
        said.append(f"{_recordings(failed)} failed and {_are_out(failed)}: {_first_error(panel)}")
    if older:
        said.append(
            f"{_recordings(older)} {_are_out(older)}, because rows of an earlier version do not "
            f"hold {score}. In another results_dir they are computed anew."
        )
    if unscored:
        said.append(
            f"{_recordings(unscored)} with notes {_are_out(unscored)}, because the model gives no "
            f"{score} there."
        )
    if lacking := _without_notes(panel):
        said.append(f"{_recordings(lacking)} without reference notes {_are_out(lacking)}.")
    return said


def _of_condition(panel: Panel, result: ConditionResult, unreached: str) -> list[str]:
    """Sentences about one condition; ``unreached``: the notes that its mask is not valid for."""
    said = []
    name = result.condition
    if result.n_pieces < 2:
        scored = "only one recording has" if result.n_pieces else "no recording has"
        said.append(f"{name}: {scored} a score, so there is no interval and no p-value.")
    elif result.n_compositions < 2:
        said.append(
            f"{name}: all recordings are of one composition, so there is no interval and no "
            "p-value."
        )
    if result.n_missing:
        said.append(
            f"{name}: there is no row for {result.n_missing} of "
            f"{plural(len(panel.pieces), 'recording')}. Means are over the {result.n_pieces} that "
            "have both a clean and a perturbed score."
        )
    if unreached:
        said.append(f"{name}: {unreached}")
    if result.n_repeats > 1 and result.repeats_needed > result.n_repeats:
        said.append(
            f"{name}: {result.n_repeats} repeats leave more than a tenth of the variance "
            f"between recordings to chance. {_needed(result.repeats_needed)}"
        )
    if result.residual_db > _KEPT_DB:
        said.append(
            f"{name}: the sound could not keep what the condition made. The difference is "
            f"{result.residual_db:.0f} dB of its energy, so the model heard something else."
        )
    if result.leaks == "yes":
        said.append(leak_in_words(result))
    if result.n_empty:
        said.append(
            f"{name}: the condition is not defined for {plural(result.n_empty, 'recording')} "
            f"({_reason(panel, result)})."
        )
    return said


def leak_in_words(result: ConditionResult) -> str:
    """What follows for a condition that leaks."""
    scores = [
        f"{value:.3f} {where}"
        for value, where in (
            (result.leak_noise, "on noise"),
            (result.leak_other, "more than chance on another recording"),
        )
        if value > 0
    ]
    return (
        f"{result.condition} leaks: without the recording's sound it scores "
        f"{' and '.join(scores)}, against {result.perturbed:.3f} with it. So its score is no "
        "evidence that what is left suffices."
    )


def _floor(panel: Panel, inference: Inference) -> list[str]:
    """That a drop cannot be seen, in the panel as a whole or else in some of its recordings."""
    if why := why_at_floor(panel, inference):
        return [
            f"nothing can be learnt from these drops: {why}, so a drop cannot be seen, "
            "and no p-values are given."
        ]
    low = recordings_at_floor(panel, inference)
    if not low:
        return []
    return [
        f"{_recordings(low, 'has', 'have')} a baseline score under {LEAST_SCORE:.2f} "
        f"({first_few(low)}). There is next to nothing to lose there, so the drops say nothing; "
        "`pi-amt data --full` tells whether the files are to blame."
    ]


def _unsteady(panel: Panel, score: str) -> list[str]:
    """That a model answers one input in several ways, as the control that changes nothing tells."""
    number = panel.lone_control("identity")
    if number is None:
        return []
    gaps = np.nan_to_num(np.abs(panel.drops(score)[number])).max(axis=1, initial=0.0)
    changed = np.flatnonzero(gaps > _ROUNDING)
    if not len(changed):
        return []
    return [
        f"identity changes nothing, and yet {score} of {_recordings(changed)} changed, by up to "
        f"{gaps.max():.3f}. So the model answers the same input in more than one way: it draws "
        "random numbers, or keeps something of what it heard before. Drops of this size may be "
        f"chance. `pi-amt check {panel.model}` looks for the cause."
    ]


def _controls_at_floor(results: Sequence[ConditionResult]) -> list[str]:
    """That an excess over a control under which next to nothing is found says nothing."""
    found = [
        result.condition
        for result in results
        if result.role == "condition" and result.control_at_floor == "yes"
    ]
    if not found:
        return []
    return [
        f"the matched control of {plural(len(found), 'condition')} ({first_few(found)}) leaves a "
        f"score under {LEAST_SCORE:.2f}. Hardly anything can fall below that, so the excess says "
        "nothing there, and no sentence rests on it."
    ]


def _failed(panel: Panel) -> set[str]:
    """Recordings without a baseline, or without any draw of some condition, because of errors."""
    lost = {piece for piece, row in panel.baseline.items() if row.status == "error"}
    draws: dict[tuple[int, int], set[str]] = {}
    for (number, piece, _), row in panel.cells.items():
        draws.setdefault((number, piece), set()).add(row.status)
    without = {
        piece for (_, piece), found in draws.items() if "error" in found and "ok" not in found
    }
    return lost | {panel.pieces[piece] for piece in without}


def _without_score(panel: Panel, score: str) -> set[str]:
    """Recordings with results that do not hold a score, because it did not exist then."""
    return {row.track for row in panel.rows if row.status == "ok" and score not in row.scores}


def _unscored(panel: Panel, score: str) -> set[str]:
    """Recordings with reference notes whose score is undefined: frame scores of a model that does
    not tell which pitches are active, say."""
    return {
        row.track
        for row in panel.rows
        if row.status == "ok"
        and math.isnan(row.scores.get(score, 0.0))
        and row.counts.get("reference")
    }


def _without_notes(panel: Panel) -> set[str]:
    """Recordings whose files of notes hold none: drums, or notes without length, are none."""
    return {
        row.track for row in panel.rows if row.status == "ok" and row.counts.get("reference") == 0
    }


def _copies(panel: Panel) -> list[tuple[str, str]]:
    """(recording, its copy) of every recording that stands here under a second name."""
    first: dict[str, str] = {}
    good = {piece: row for piece, row in panel.baseline.items() if row.status == "ok"}
    held = [(row.data, piece) for piece, row in good.items() if row.data]
    return [(first[data], piece) for data, piece in held if first.setdefault(data, piece) != piece]


def _doubtful(panel: Panel) -> list[tuple[str, str]]:
    """(recording, likely cause) where the reference notes cannot be right, as far as the clean
    transcription tells and its note tables were read."""
    causes = [
        (piece, alignment_of(table, panel.baseline[piece].seconds).likely_cause)
        for piece, table in panel.baseline_notes.items()
    ]
    return [(piece, cause) for piece, cause in causes if cause]


def _out_of_reach(panel: Panel) -> dict[str, str]:
    """Condition → that many notes lie where its mask is meaningless on this model's input."""
    said = {}
    lost, notes = (panel.piece_means(key, "counts") for key in ("out_of_reach", "reference"))
    told = ~np.isnan(lost) & ~np.isnan(notes)  # older rows do not tell
    counts, totals = (np.where(told, n, 0.0).sum(axis=1) for n in (lost, notes))
    for name, count, total in zip(panel.names, counts.tolist(), totals.tolist(), strict=True):
        if count > _FEW * total:
            said[name] = (
                f"{count:.0f} of {total:.0f} reference notes ({count / total:.0%}) lie where the "
                "mask does not do what its name says on this model's input, so the drop says "
                f"nothing about them. `pi-amt check {panel.model}` shows where they lie."
            )
    return said


def _shifted(panel: Panel, doubtful: Set[str]) -> list[tuple[str, str]]:
    """(recording, by how much) of those whose clean transcription is off as a whole and was not
    aligned; of the ``doubtful`` ones more than that is said already."""
    shifts = [
        (piece, whole_shift(row.effects.get("onset_offset_ms")))
        for piece, row in panel.baseline.items()
        if piece not in doubtful and "aligned_ms" not in row.effects
    ]
    return [(piece, shift) for piece, shift in shifts if shift]


def _needed(repeats: float) -> str:
    if math.isinf(repeats):
        return "The recordings do not differ beyond it, so no number of repeats is enough."
    return f"{repeats:.0f} repeats are needed."


def _recordings(which: Collection[object], has: str = "", have: str = "") -> str:
    """``1 recording has``, ``2 recordings have``."""
    return f"{plural(len(which), 'recording')} {has if len(which) == 1 else have}".rstrip()


def _are_out(which: Collection[object]) -> str:
    """``is left out``, ``are left out``."""
    return "is left out" if len(which) == 1 else "are left out"


def _first_error(panel: Panel) -> str:
    """Why the first of the failed recordings failed."""
    return next((row.error for row in panel.rows if row.status == "error"), "no reason stored")


def _reason(panel: Panel, result: ConditionResult) -> str:
    """Why a condition is not defined, in the words of the first such row."""
    number = panel.names.index(result.condition)
    return next(
        row.error
        for place, row in panel.cells.items()
        if place[0] == number and row.status == "empty"
    )
