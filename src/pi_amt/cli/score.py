"""``pi-amt score``: transcriptions of any system against their reference notes, without a model."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

from pi_amt.core.errors import printable
from pi_amt.core.note_files import TEXT_SUFFIXES, read_notes
from pi_amt.core.notes import Notes
from pi_amt.core.text import WARNING, folded, listed, plural
from pi_amt.datasets.files import walk
from pi_amt.datasets.folder import NOTES_SUFFIXES
from pi_amt.report.tables.table import Table
from pi_amt.scoring.agreement import Agreement, agreement
from pi_amt.scoring.alignment import whole_shift
from pi_amt.scoring.notes import F_MEASURE

#: of two files of one name the first is read: MIDI has velocities
_SUFFIXES = (*NOTES_SUFFIXES, *TEXT_SUFFIXES)
#: what counts as found → what the keys of its scores end in, or begin with
_RULES = {
    "pitch, onset within 50 ms": "{}_no_offset",
    "pitch, onset within 100 ms": "{}_no_offset_100ms",
    "pitch, onset within 150 ms": "{}_no_offset_150ms",
    "pitch at any octave, onset within 50 ms": "{}_no_offset_chroma",
    "pitch, onset within 50 ms, and offset": "{}",
    "onset alone, at any pitch": "Onset_{}",
}
_FATES = {
    "moved": "its pitch begins 50 to 150 ms away",
    "octave": "an octave, a twelfth or two octaves away",
    "split": "its pitch begins later, while it sounds",
    "gone": "none of these",
}
_COLUMNS = {
    "file": "",
    "F": ".3f",
    "precision": ".3f",
    "recall": ".3f",
    "F_100ms": ".3f",
    "F_150ms": ".3f",
    "F_octaves_folded": ".3f",
    "F_with_offsets": ".3f",
    "F_onset_alone": ".3f",
    "notes": "",
    "found_notes": "",
    "missed": "",
    "moved": "",
    "octave": "",
    "split": "",
    "gone": "",
    "false": "",
    "false_octaves": "",
    "onset_offset_ms": "+.1f",
}
_COUNTS = [name for name, form in _COLUMNS.items() if not form and name != "file"]
_RULE = "F: pitch within 50 cents, onset within 50 ms, each note once, as in mir_eval."


def score(options: Namespace) -> int:
    """Print how estimates agree with their references; 1 if files of a folder cannot be scored.

    Raises:
        ValueError: if nothing can be scored.
    """
    reference, estimate = Path(options.reference), Path(options.estimate)
    if reference.is_dir() != estimate.is_dir():
        raise ValueError(
            f"score: got {_kind(reference)} {reference} and {_kind(estimate)} {estimate}, expected "
            "two files or two folders"
        )
    if not reference.is_dir():
        found = _compared(reference, estimate, options.pedal)
        for table in _of_one(reference, estimate, found):
            print(f"{table}\n")
        _write(options.csv, [_record(estimate.stem, found)])
        return 0
    references, estimates = (_note_files(folder) for folder in (reference, estimate))
    pairs = {name: references[name] for name in references if name in estimates}
    _tell_unpaired(references, estimates, reference, estimate)
    if not pairs:
        raise ValueError(
            f"score: got no file of the same name in {reference} and {estimate}, expected pairs "
            f"such as a{_SUFFIXES[0]} and a{_SUFFIXES[0]}"
        )
    records = []
    for name, path in pairs.items():
        try:
            records.append(_record(path.stem, _compared(path, estimates[name], options.pedal)))
        except (OSError, ValueError) as error:
            print(printable(f"pi-amt: {error}"), file=sys.stderr)
    if not records:
        raise ValueError(f"score: none of {plural(len(pairs), 'pair')} of files can be scored")
    print(_of_many(records))
    _write(options.csv, records)
    return 1 if len(records) < len(pairs) else 0


def _kind(path: Path) -> str:
    return "the folder" if path.is_dir() else "the file"


def _note_files(folder: Path) -> dict[str, Path]:
    """Name without suffix → file of notes, anywhere below a folder, as :func:`walk` finds them.

    Raises:
        ValueError: if two files in different folders have the same name.
    """
    found: dict[str, Path] = {}
    paths = [path for path in walk(folder) if path.suffix.lower() in _SUFFIXES]
    order = {suffix: number for number, suffix in enumerate(_SUFFIXES)}
    for path in sorted(paths, key=lambda path: (path.parent, order[path.suffix.lower()], path)):
        other = found.setdefault(folded(path.stem), path)
        if other.parent != path.parent:
            raise ValueError(
                printable(f"score: got {other} and {path}, expected one file of this name")
            )
    return dict(sorted(found.items()))


def _tell_unpaired(
    references: Mapping[str, Path], estimates: Mapping[str, Path], *folders: Path
) -> None:
    for own, other, where in zip(
        (references, estimates), (estimates, references), reversed(folders), strict=True
    ):
        lonely = [printable(str(path)) for name, path in own.items() if name not in other]
        if lonely:
            told = plural(len(lonely), "file")
            print(f"pi-amt: {told} without one of the same name in {where}:", file=sys.stderr)
            for line in listed(lonely):
                print(f"  {line}", file=sys.stderr)


def _compared(reference: Path, estimate: Path, pedal: str) -> Agreement:
    try:
        return agreement(*(_read(path, pedal) for path in (reference, estimate)))
    except ValueError as error:
        text = str(error)
        if str(reference.absolute()) in text or str(estimate.absolute()) in text:
            raise
        raise ValueError(f"{estimate} against {reference}: {text}") from None


def _read(path: Path, pedal: str) -> Notes:
    """Notes of a file; text has no pedal whose rule could be chosen."""
    return read_notes(path, "extend" if path.suffix.lower() in TEXT_SUFFIXES else pedal)


def _of_one(reference: Path, estimate: Path, found: Agreement) -> Iterable[Table]:
    """Scores, and what became of the missed notes."""
    rates = tuple(
        {"found is": rule, "F": f, "precision": precision, "recall": recall}
        for rule, key in _RULES.items()
        for f, precision, recall in [
            [found.scores[key.format(part)] for part in ("F-measure", "Precision", "Recall")]
        ]
    )
    yield Table(
        printable(
            f"{estimate} ({plural(found.n_estimate, 'note')}) against {reference} "
            f"({plural(found.n_reference, 'note')})"
        ),
        ("found is", "F", "precision", "recall"),
        rates,
        footers=(_RULE, *_doubts(found)),
    )
    missed = sum(found.missed.values())
    lines = tuple(
        {"missed": name, "notes": count, "by chance": found.missed_by_chance[name],
         "what is found in its place": _FATES[name]}
        for name, count in found.missed.items()
    )  # fmt: skip
    yield Table(
        f"What became of {plural(missed, 'missed note')}",
        ("missed", "notes", "by chance", "what is found in its place"),
        lines,
        footers=(
            f"Of {plural(found.false, 'false note')}, {found.false_octaves} lie one or two octaves "
            "above, or one below, a note that begins with them.",
            "by chance: as many would be so if the false notes had each other's pitches.",
        ),
        formats={"by chance": ".1f"},
    )


def _doubts(found: Agreement) -> Iterable[str]:
    """Where the onsets lie as a whole, and what is odd."""
    if not found.n_estimate:
        yield f"{WARNING}the transcription has no notes."
    offset = found.onset_offset_ms
    if offset is None:
        yield "Too few notes were found to say whether all onsets are early or late."
    elif shift := whole_shift(offset):
        yield (
            f"{WARNING}all onsets are {shift} in the median, which takes room from the tolerance "
            "of 50 ms: F at 150 ms hardly depends on it."
        )
    else:
        yield f"The median onset is {abs(offset):.1f} ms {'late' if offset > 0 else 'early'}."


def _record(name: str, found: Agreement) -> dict[str, Any]:
    s = found.scores
    return {
        "file": printable(name),
        "F": s[F_MEASURE],
        "precision": s["Precision_no_offset"],
        "recall": s["Recall_no_offset"],
        "F_100ms": s[f"{F_MEASURE}_100ms"],
        "F_150ms": s[f"{F_MEASURE}_150ms"],
        "F_octaves_folded": s[f"{F_MEASURE}_chroma"],
        "F_with_offsets": s["F-measure"],
        "F_onset_alone": s["Onset_F-measure"],
        "notes": found.n_reference,
        "found_notes": found.n_estimate,
        "missed": sum(found.missed.values()),
        **found.missed,
        "false": found.false,
        "false_octaves": found.false_octaves,
        "onset_offset_ms": nan if found.onset_offset_ms is None else found.onset_offset_ms,
    }


def _table(records: Iterable[Mapping[str, Any]], *footers: str) -> Table:
    return Table("", tuple(_COLUMNS), tuple(records), footers, formats=_COLUMNS)


def _of_many(records: list[dict[str, Any]]) -> Table:
    """A line per file, and the mean."""
    means = {
        name: sum(record[name] for record in records) / len(records)
        for name in _COLUMNS
        if name not in (*_COUNTS, "file", "onset_offset_ms")
    }
    sums = {name: sum(record[name] for record in records) for name in _COUNTS}
    last = {"file": "mean", **means, **sums, "onset_offset_ms": nan}
    shifted = [
        f"{record['file']} ({shift})"
        for record in records
        if (shift := whole_shift(record["onset_offset_ms"]))
    ]
    warnings = []
    if shifted:
        warnings.append(
            f"{WARNING}all onsets are over 20 ms late or early in {plural(len(shifted), 'file')}, "
            f"which takes room from the tolerance of 50 ms: {', '.join(listed(shifted))}."
        )
    table = _table(
        [*records, last],
        _RULE,
        "The mean counts every file alike; its line has the sums of the notes.",
        *warnings,
    )
    return replace(table, title=f"{plural(len(records), 'transcription')} against their references")


def _write(path: str | None, records: list[dict[str, Any]]) -> None:
    if path:
        _table(records).to_csv(path)
        print(f"wrote {path}", file=sys.stderr)
