"""A methods paragraph made from the settings of the rows, and the references that it cites."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files

from pi_amt.panels import Panel
from pi_amt.report.names import dataset_title, is_reproduction, model_title, plural
from pi_amt.statistics import Importance

_MODEL_KEYS = {"basic_pitch": "bittner2022basicpitch", "timbre_trap": "cwitkowitz2024timbretrap"}
_DATASET_KEYS = {"maps": "emiya2010maps", "maestro": "hawthorne2019maestro"}
_MASKS = ("fund_mask", "harm_mask", "soft_fund_mask", "soft_harm_mask", "remove_harmonic",
          "keep_harmonic")  # fmt: skip


def methods_markdown(importance: Importance) -> str:
    """The paragraph in Markdown; citations as ``[@key]`` (pandoc), keys of :func:`references`."""
    sentences = [
        *_data(importance),
        *_perturbations(importance),
        *_statistics(importance),
        *_reservations(importance),
    ]
    return "## Methods\n\n" + " ".join(sentences) + "\n"


def references(markdown: str) -> str:
    """BibTeX of the entries that a paragraph cites, in alphabetical order."""
    text = (files("pi_amt.report") / "templates" / "references.bib").read_text(encoding="utf-8")
    entries = dict(re.findall(r"(?ms)^(?=@\w+\{([^,]+),)(.*?^\})", text))
    cited = set(re.findall(r"@([A-Za-z0-9_:-]+)", markdown))
    return "\n\n".join(entries[key] for key in sorted(cited & set(entries))) + "\n"


def _data(importance: Importance) -> list[str]:
    row = importance.rows[0]
    said = [
        "We measured which harmonic features of their input transcription models rely on by "
        "permutation importance [@breiman2001], applied to the models' own time–frequency input "
        f"with pi_amt {row.version or '(version unknown)'}."
    ]
    for model in importance.models:
        panel = next(panel for panel in importance.panels if panel.model == model)
        said.append(
            f"{_cited(model_title(model), _MODEL_KEYS.get(model))} ran with {_weights(panel)}."
        )
    for panel in _one_per_dataset(importance):
        name = _cited(dataset_title(panel.dataset), _DATASET_KEYS.get(panel.dataset))
        hours = sum(panel.seconds) / 3600
        said.append(f"{name} contributed {plural(len(panel.pieces), 'recording')} ({hours:.2f} h).")
    return said


def _perturbations(importance: Importance) -> list[str]:
    conditions = [c for panel in importance.panels for c in panel.conditions]
    labels = list(dict.fromkeys(c.label for c in conditions if c.role == "condition"))
    kinds = {c.kind for c in conditions if c.role == "control"}
    if not labels:
        return ["Only the unperturbed baseline was run."]
    said = [
        f"Perturbations acted on the linear representation, before logarithm and normalisation: "
        f"{', '.join(f'`{label}`' for label in labels)}."
    ]
    masks = [c for c in conditions if c.permutation in _MASKS]
    if masks:
        stretched = masks[0].options.get("inharmonicity", "piano") == "piano"
        said.append(
            "Masks followed the reference notes, shifted by each recording's estimated tuning, "
            + ("with the inharmonicity of piano strings [@rigaud2013]." if stretched
               else "with exactly harmonic partials.")
        )  # fmt: skip
    seeds = sorted({row.seed for row in importance.rows})
    repeats = max(panel.n_repeats for panel in importance.panels)
    said.append(
        f"Random draws were keyed by recording, permutation and repeat "
        f"(seed {', '.join(map(str, seeds))}; {plural(repeats, 'repeat')} where stochastic)."
    )
    if "matched_tracks" in kinds:
        said.append(
            "Each mask was compared with a matched control that removes a random other partial "
            "of the same notes; the excess drop is the drop minus that of this control."
        )
    return said


def _statistics(importance: Importance) -> list[str]:
    settings = importance.settings
    what = (
        "note F-measure (onset within 50 ms, pitch within 50 cents, offsets ignored)"
        if settings.score == "F-measure_no_offset"
        else settings.score.replace("_", " ")
    )
    return [
        f"The score is the {what} as defined by mir_eval [@raffel2014mireval], "
        "averaged over recordings; repeats were averaged inside a recording first.",
        "Intervals are 95 % studentised bootstrap intervals [@efron1993] "
        f"({settings.n_resamples:,} resamples over recordings, clustered by composition, seed "
        f"{settings.seed}); p-values come from paired sign-flip permutation tests, corrected over "
        "all conditions after Holm [@holm1979].",
    ]


def _reservations(importance: Importance) -> list[str]:
    names = [model_title(panel.model) for panel in importance.panels if is_reproduction(panel)]
    return [
        f"{name} is a synthetic-trained reproduction: its numbers do not describe the published "
        "model."
        for name in dict.fromkeys(names)
    ]


def _weights(panel: Panel) -> str:
    row = panel.rows[0]
    label = row.weights_label or "unlabelled weights"
    if "weights" not in label:
        label = f"weights labelled “{label}”"
    return f"{label} (sha256 `{row.weights[:12]}`, {row.precision})"


def _one_per_dataset(importance: Importance) -> Sequence[Panel]:
    """The panel with most recordings of each dataset."""
    return [
        max((p for p in importance.panels if p.dataset == name), key=lambda p: len(p.pieces))
        for name in importance.datasets
    ]


def _cited(name: str, key: str | None) -> str:
    return f"{name} [@{key}]" if key else name
