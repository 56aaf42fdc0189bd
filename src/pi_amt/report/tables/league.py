"""The league table: what each model relies on, with ranks that may be shared; and a model's card.

The numbers and the rule of the ranks are those of :mod:`pi_amt.statistics.reliance`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan
from typing import Any

from pi_amt.core.text import WARNING, duration, plural
from pi_amt.report.names import BANNER, dataset_title, is_reproduction, model_title
from pi_amt.report.tables.table import Table, bounds_of, with_bounds
from pi_amt.statistics.bootstrap import UNDEFINED
from pi_amt.statistics.reliance import (
    MEASURES,
    SHAPLEY,
    Standing,
    difference,
    measure_in_words,
    ranks,
)

RULE = (
    "A model's rank is the range of places that the intervals leave to it: behind every model that "
    "is confidently ahead of it, and before every model that it is confidently ahead of. Ahead is "
    "a model whose paired difference, on the recordings of both, has a 95 % interval above 0."
)
#: what models are ranked by
RANKED = ("F", "reliance")
#: of a model's options, that which orders the versions of one architecture
SIZES = ("nano", "small", "medium", "large", "x-large")
_GROUPS = ("dataset",)


def league_table(found: Sequence[Standing]) -> Table:
    """One line per model and dataset, with the range of places that it may have."""
    names = [name for name in _measures(found) if any(name in one.measures for one in found)]
    heads = {"residual_db": "residual (dB)"} | {f"rank_{n}": f"rank by {n}" for n in RANKED}
    records = []
    for dataset in dict.fromkeys(one.dataset for one in found):
        here = [one for one in found if one.dataset == dataset]
        placed = {name: rank_texts(here, name) for name in RANKED}
        records += [
            {
                "dataset": dataset_title(dataset),
                "model": model_title(one.model),
                "n_pieces": len(one.measures["F"].parts) if "F" in one.measures else 0,
                **{f"rank_{name}": placed[name][number] for name in RANKED},
                **_values(one, names),
                "residual_db": one.residual_db,
            }
            for number, one in enumerate(here)
        ]
    estimates = with_bounds(names)
    ranked = tuple(f"rank_{name}" for name in RANKED)
    lead = ("model", *(n for name in names for n in (name, f"rank_{name}")[: 1 + (name in RANKED)]))
    return Table(
        title="What each model relies on",
        columns=(*_GROUPS, "model", "n_pieces", *ranked, *estimates, "residual_db"),
        records=tuple(records),
        footers=tuple(_notes(found, names)),
        formats={"residual_db": ".0f", **dict.fromkeys(estimates, ".2f")},
        lead=(*lead, "residual_db", *_GROUPS, "n_pieces"),
        groups=_GROUPS,
        intervals=bounds_of(names),
        brief=(*lead, "residual_db"),
        heads=heads,
    )


def size_table(found: Sequence[Standing]) -> Table:
    """Models that are there in several sizes, the smallest first, with the difference of each from
    the smallest; no line where there is no such model."""
    records = []
    for dataset, label in dict.fromkeys((one.dataset, _family(one)) for one in found):
        sizes = [o for o in found if (o.dataset, _family(o)) == (dataset, label) and _size(o) >= 0]
        sizes.sort(key=_size)
        if len(sizes) < 2:
            continue
        for one in sizes:
            record: dict[str, Any] = {"dataset": dataset_title(dataset), "size": one.model}
            record |= _values(one, RANKED)
            for name in RANKED:
                gap = UNDEFINED if one is sizes[0] else difference(one, sizes[0], name)
                record |= gap.columns(f"{name}_gap")
            records.append(record)
    names = [column for name in RANKED for column in (name, f"{name}_gap")]
    columns = with_bounds(names)
    return Table(
        title="Size against reliance",
        columns=(*_GROUPS, "size", *columns),
        records=tuple(records),
        footers=("gap: difference from the smallest size on the same recordings.",),
        formats=dict.fromkeys(columns, ".2f"),
        lead=("size", *names, *_GROUPS),
        groups=_GROUPS,
        intervals=bounds_of(names),
        brief=("size", *names),
    )


def _measures(found: Sequence[Standing]) -> Iterator[str]:
    """Names of all measures in the order of the table: Shapley values behind what they explain."""
    players = dict.fromkeys(n for one in found for n in one.measures if n.startswith(SHAPLEY))
    for name in MEASURES:
        yield name
        if name == "sufficiency":
            yield from players


def _values(one: Standing, names: Sequence[str]) -> dict[str, float]:
    values: dict[str, float] = {}
    for name in names:
        values |= one.values.get(name, UNDEFINED).columns(name)
    return values


def rank_texts(found: Sequence[Standing], name: str) -> list[str]:
    """The places of each model by a measure, such as ``1–3``; empty where it has none."""
    return [
        "" if places is None else "–".join(map(str, dict.fromkeys(places)))
        for places in ranks(found, name)
    ]


def _label(one: Standing) -> str:
    return str(one.facts.get("weights_label", ""))


def _family(one: Standing) -> str:
    """What models of several sizes have in common: the first word of what their weights are."""
    return _label(one).partition(" ")[0]


def _size(one: Standing) -> int:
    size = one.facts.get("settings", {}).get("size")
    return SIZES.index(size) if size in SIZES else -1


def _why_empty(found: Sequence[Standing]) -> Iterator[str]:
    """Which cells have no value, and why: measures and models of one reason stand together. A
    dataset is named where it is not so on every one that the model heard."""
    all_of: dict[str, set[str]] = {}
    measures_of: dict[tuple[str, str, str], dict[str, None]] = {}
    for one in found:
        all_of.setdefault(one.model, set()).add(one.dataset)
        for name, why in one.missing.items():
            measures_of.setdefault((one.model, one.dataset, why), {})[name] = None
    datasets_of: dict[tuple[str, str, str], list[str]] = {}
    for (model, dataset, why), names in measures_of.items():
        datasets_of.setdefault((model, " and ".join(names), why), []).append(dataset)
    alike: dict[tuple[str, str], list[str]] = {}
    for (model, measures, why), datasets in datasets_of.items():
        title = model_title(model)
        if set(datasets) != all_of[model]:
            title += f" (on {' and '.join(map(dataset_title, datasets))})"
        alike.setdefault((measures, why), []).append(title)
    for (measures, why), models in alike.items():
        yield f"Empty: {measures} of {', '.join(models)}: {why}."


def _notes(found: Sequence[Standing], names: Sequence[str]) -> Iterator[str]:
    for model in dict.fromkeys(one.model for one in found if is_reproduction(_label(one))):
        yield f"{WARNING}{model_title(model)}: {BANNER}"
    yield RULE
    for name in names:
        if name in MEASURES:
            yield f"{name}: {MEASURES[name]}."
    players = [name.removeprefix(SHAPLEY) for name in names if name.startswith(SHAPLEY)]
    if players:
        yield f"from {', '.join(players)}: Shapley values, what each contributes to F."
    yield (
        "residual (dB): energy of the difference between the sound without the fundamentals and "
        "what the mask asked for, relative to the latter."
    )
    if any(isnan(value.low) for one in found for value in one.values.values()):
        yield "No interval and no rank over fewer than six compositions."
    if absent := [name for name in MEASURES if name not in names]:
        yield f"Columns without any value are left out: {', '.join(absent)}."
    yield from _why_empty(found)
    for one in found:
        facts, count = one.facts, plural(len(one.compositions), "recording")
        yield (
            f"{model_title(one.model)} on {dataset_title(one.dataset)}: {count}, "
            f"{_label(one)} ({str(facts.get('weights'))[:12]}), method "
            f"{facts.get('method')}, pi_amt {facts.get('pi_amt')}."
        )
    if found:
        yield f"Intervals: {found[0].inference.intervals_in_words}."


def card_table(one: Standing) -> Table:
    """The measures of one model, a line each."""
    facts = one.facts
    records = [
        {
            "measure": name,
            **value.columns("value"),
            "recordings": len(one.measures[name].parts),
            "what": measure_in_words(name),
        }
        for name, value in one.values.items()
    ]
    notes = [
        f"{dataset_title(one.dataset)}, {plural(len(one.compositions), 'recording')}, "
        f"{duration(float(facts.get('seconds', 0)))}; {facts.get('weights_label')} "
        f"({str(facts.get('weights'))[:12]}), method {facts.get('method')}, pi_amt "
        f"{facts.get('pi_amt')}.",
        f"Conditions, all in the sound: {', '.join(facts.get('conditions', ())) or 'none'}.",
        *(f"No {name}: {why}." for name, why in one.missing.items()),
    ]
    if not isnan(one.residual_db):
        notes.append(
            "What the sound does not keep of the mask that removes the fundamentals: "
            f"{one.residual_db:.0f} dB of its energy."
        )
    columns = ("measure", *with_bounds(("value",)), "recordings", "what")
    return Table(
        title=f"Card of {model_title(one.model)}",
        columns=columns,
        records=tuple(records),
        footers=tuple(notes),
        formats=dict.fromkeys(columns[1:4], ".3f"),
        lead=("measure", "value", "recordings", "what"),
        intervals=bounds_of(("value",)),
    )
