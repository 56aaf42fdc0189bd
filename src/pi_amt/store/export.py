"""Raw rows and note tables as CSV or Parquet, for analysis elsewhere.

CSV is written row by row. Parquet needs ``pip install 'pi_amt[pandas]'``.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from pi_amt.scoring.anatomy import Comparison, compare
from pi_amt.scoring.fate import FATES, fates
from pi_amt.scoring.note_table import NO_INTERVAL, PARTIAL_INTERVALS, Ints, NoteTable
from pi_amt.store.rows import Row, heard_of

Record = dict[str, Any]
_IDENTITY = ("model", "weights", "dataset", "track", "permutation", "parameters", "label", "repeat")
_PARQUET_BATCH = 20_000
#: columns of the note table and their Parquet types
NOTE_COLUMNS = {
    **dict.fromkeys(_IDENTITY, "string"),
    "repeat": "int32",
    "kind": "string",
    "change": "string",
    "reference_index": "int32",
    "onset_seconds": "float64",
    "duration_seconds": "float64",
    "pitch_midi": "float64",
    "velocity": "float64",
    "polyphony": "int32",
    **{f"lower_-{interval}": "bool" for interval in PARTIAL_INTERVALS},
    "interval_semitones": "int32",
    "fate": "string",
}


def export_rows(rows: Sequence[Row], path: Path | str) -> int:
    """Write rows with one column per score, effect and count; returns their number."""
    records = [_row_record(row) for row in rows]
    types = {name: "string" for record in records for name in record}
    for record in records:
        for name, value in record.items():
            if isinstance(value, int | float):
                types[name] = "float64" if isinstance(value, float) else "int64"
    return _write(records, types, path)


def export_notes(rows: Sequence[Row], path: Path | str) -> int:
    """Write one record per reference note and per false note of every row; returns their number.

    Columns: what identifies the row, then ``kind`` (found, missed or false), ``change`` against
    the baseline (kept, lost, gained, still missed; false: new, old; empty without a baseline),
    ``reference_index`` (−1 for false notes), onset and duration in seconds, pitch, velocity,
    polyphony at onset, ``lower_−12`` … whether a lower note sounds there, for false notes the
    interval to the related reference note in semitones, and for lost notes their ``fate``
    (:mod:`pi_amt.scoring.fate`; chance is not taken away).
    """
    records = (record for row, base in _with_baseline(rows) for record in _notes(row, base))
    return _write(records, NOTE_COLUMNS, path)


def _row_record(row: Row) -> Record:
    record: Record = {}
    for field in dataclasses.fields(row):
        value = getattr(row, field.name)
        if field.name == "notes":
            continue
        if field.name in ("scores", "effects", "counts"):
            record |= {f"{field.name}.{name}": item for name, item in value.items()}
        else:
            record[field.name] = value
    return record


def _with_baseline(rows: Sequence[Row]) -> Iterator[tuple[Row, NoteTable | None]]:
    """Rows that hold notes, each with the baseline's table of the same recording and model, of the
    same contents and method."""
    baselines: dict[tuple[object, ...], NoteTable] = {}
    good = [row for row in rows if row.status == "ok" and row.notes]
    for row in good:
        if row.role == "baseline":
            baselines[heard_of(row)] = NoteTable.from_bytes(row.notes)
    for row in good:
        yield row, baselines.get(heard_of(row))


def _notes(row: Row, baseline: NoteTable | None) -> Iterator[Record]:
    table = NoteTable.from_bytes(row.notes)
    identity = {name: getattr(row, name) for name in _IDENTITY}
    change = fate = None
    if baseline is not None and len(baseline.matched) == len(table.matched):
        change, fate = compare(baseline, table), fates(baseline, table)
    for note in chain(_reference_notes(table, change, fate), _false_notes(table, change)):
        yield identity | note


def _reference_notes(
    table: NoteTable, change: Comparison | None, fate: Ints | None
) -> Iterator[Record]:
    """The columns of each reference note that do not tell its row; ``fate`` ``(references,)``."""
    for i in range(len(table.onset)):
        state = ""
        if change is not None:
            state = "still missed"
            for name in ("kept", "lost", "gained"):
                state = name if getattr(change, name)[i] else state
        yield {
            "kind": "found" if table.matched[i] else "missed",
            "change": state,
            "reference_index": i,
            "onset_seconds": float(table.onset[i]),
            "duration_seconds": float(table.duration[i]),
            "pitch_midi": float(table.pitch[i]),
            "velocity": float(table.velocity[i]),
            "polyphony": int(table.polyphony[i]),
            **{
                f"lower_-{interval}": bool(table.lower[i] >> bit & 1)
                for bit, interval in enumerate(PARTIAL_INTERVALS)
            },
            "fate": FATES[fate[i]] if fate is not None and state == "lost" else "",
        }


def _false_notes(table: NoteTable, change: Comparison | None) -> Iterator[Record]:
    """The columns of each false note that do not tell its row."""
    for i in range(len(table.false_onset)):
        interval = int(table.false_interval[i])
        yield {
            "kind": "false",
            "change": "" if change is None else ("new" if change.false_new[i] else "old"),
            "reference_index": -1,
            "onset_seconds": float(table.false_onset[i]),
            "duration_seconds": float(table.false_duration[i]),
            "pitch_midi": float(table.false_pitch[i]),
            "interval_semitones": None if interval == NO_INTERVAL else interval,
        }


def _write(records: Iterable[Record], types: Mapping[str, str], path: Path | str) -> int:
    path = Path(path)
    if path.suffix == ".csv":
        return _write_csv(records, types, path)
    if path.suffix == ".parquet":
        return _write_parquet(records, types, path)
    raise ValueError(f"export: got {path.name}, expected a name that ends in .csv or .parquet")


def _write_csv(records: Iterable[Record], types: Mapping[str, str], path: Path) -> int:
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(types), restval="")
        writer.writeheader()
        for record in records:
            writer.writerow(record)
            count += 1
    return count


def _write_parquet(records: Iterable[Record], types: Mapping[str, str], path: Path) -> int:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise RuntimeError("Parquet needs pyarrow: pip install 'pi_amt[pandas]'") from error
    schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in types.items()])
    source, count = iter(records), 0
    with pq.ParquetWriter(path, schema) as writer:
        while batch := list(islice(source, _PARQUET_BATCH)):
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            count += len(batch)
    return count
